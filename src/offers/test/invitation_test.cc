#include "offers/invitation.h"

#include "offers/text.h"
#include "samples.h"

namespace doze::offers {
namespace {

using testing::kNow;
using testing::path;
using testing::point;
using testing::with_record;

Invitation sample() {
  Invitation out;
  out.server = point(5);
  out.addresses = {*wire::parse_address("127.0.0.1:9735"), *wire::parse_address("node.example:9736")};
  out.paths = {path(120), path(121)};
  out.profile = Profile::Draft;
  out.absolute_expiry = after_s(kNow, 1'000);
  out.token = Bytes{7, 7, 7};
  return out;
}

Bytes stream() {
  return *decode_text(kInvitationPrefix, sample().text());
}

TEST(Invitation, GoesThereAndBack) {
  EXPECT_TRUE(sample().text().starts_with("lnai1"));
  auto read = Invitation::parse(sample().text());
  ASSERT_TRUE(read.has_value()) << describe(read.error());
  EXPECT_EQ(*read, sample());
  EXPECT_FALSE(read->expired(after_s(kNow, 1'000)));
  EXPECT_TRUE(read->expired(after_s(kNow, 1'001)));
  auto plain = sample();
  plain.addresses.clear();
  plain.absolute_expiry.reset();
  plain.token.clear();
  plain.profile = Profile::Ldk;
  EXPECT_EQ(*Invitation::parse(plain.text()), plain);
  EXPECT_FALSE(plain.expired(UnixTime(UINT64_MAX)));
}

TEST(Invitation, RefusesRecordsByTheirRules) {
  auto problem = [](std::uint64_t type, const std::optional<Bytes>& value) {
    auto read = Invitation::parse(encode_text(kInvitationPrefix, with_record(stream(), type, value)));
    return read ? std::nullopt : std::optional(read.error());
  };
  for (std::uint64_t type : {2, 6, 8})
    EXPECT_EQ(problem(type, std::nullopt), (ParseError{ParseCode::MissingField, type})) << type;
  for (std::uint64_t type : {4, 10, 12}) EXPECT_EQ(problem(type, std::nullopt), std::nullopt) << type;
  EXPECT_EQ(problem(2, Bytes(33, 5)), (ParseError{ParseCode::BadPoint, 2}));
  EXPECT_EQ(problem(8, Bytes{2}), (ParseError{ParseCode::BadValue, 8}));
  EXPECT_EQ(problem(8, Bytes{}), (ParseError{ParseCode::BadValue, 8}));
  EXPECT_EQ(problem(12, Bytes(kMaxTokenBytes + 1)), (ParseError{ParseCode::TooLarge, 12}));
  EXPECT_EQ(problem(6, wire::to_bytes(std::vector(kMaxServerPaths + 1, path(1)))),
            (ParseError{ParseCode::TooLarge, 6}));
  EXPECT_EQ(problem(14, Bytes{}), (ParseError{ParseCode::UnknownEven, 14}));
  EXPECT_EQ(problem(15, Bytes{}), std::nullopt);
}

TEST(Invitation, CutAnywhereItIsRefusedOrLacksItsOptionalEnd) {
  auto whole = stream();
  auto records = *wire::parse_tlv_stream(whole);
  auto required = static_cast<std::size_t>(wire::find(records, 10)->whole.data() - whole.data());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    auto read = Invitation::parse(encode_text(kInvitationPrefix, ByteView(whole).first(length)));
    if (length < required) {
      EXPECT_FALSE(read.has_value()) << length;
    }
    if (read) {
      EXPECT_NE(*read, sample());
    }
  }
}

TEST(RawInvitation, IsACountAndThePaths) {
  auto raw = sample().raw_text();
  EXPECT_EQ(raw, "0002" + to_hex(wire::to_bytes(sample().paths)));
  auto read = Invitation::parse(raw);
  ASSERT_TRUE(read.has_value()) << describe(read.error());
  EXPECT_TRUE(read->raw);
  EXPECT_EQ(read->paths, sample().paths);
  EXPECT_EQ(read->profile, Profile::Ldk);
  EXPECT_EQ(read->server, point(101));  // introduction node of the first path
  EXPECT_EQ(read->raw_text(), raw);
}

TEST(RawInvitation, WithAChannelInFrontItNamesNoServer) {
  Invitation compact;
  compact.paths = {path(120)};
  compact.paths[0].first_node_id = wire::ScidDir{1, ShortChannelId::of(100, 2, 0)};
  auto read = Invitation::parse(compact.raw_text());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->server, std::nullopt);
}

TEST(RawInvitation, RefusesWrongCountsAndCutText) {
  auto paths = to_hex(wire::to_bytes(sample().paths));
  EXPECT_EQ(Invitation::parse("0001" + paths).error().code, ParseCode::BadLength);
  EXPECT_EQ(Invitation::parse("0003" + paths).error().code, ParseCode::BadLength);
  EXPECT_EQ(Invitation::parse("0000").error().code, ParseCode::BadValue);
  EXPECT_EQ(Invitation::parse("ffff0000000000000002" + paths).error().code, ParseCode::TooLarge);
  EXPECT_EQ(Invitation::parse("0011" + paths).error().code, ParseCode::TooLarge);
  EXPECT_EQ(Invitation::parse("hello").error().code, ParseCode::BadEncoding);
  auto raw = sample().raw_text();
  for (std::size_t length = 0; length < raw.size(); ++length)
    EXPECT_FALSE(Invitation::parse(std::string_view(raw).substr(0, length)).has_value()) << length;
}

}  // namespace
}  // namespace doze::offers
