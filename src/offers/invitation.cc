#include "offers/invitation.h"

#include "offers/stream.h"
#include "offers/text.h"

namespace doze::offers {

namespace {

constexpr std::uint64_t kServerNodeId = 2, kAddresses = 4, kServerPaths = 6, kProfile = 8, kAbsoluteExpiry = 10,
                        kToken = 12;
/// A count of this value is followed by the real one as u64: more paths than we ever take.
constexpr std::uint16_t kLongCount = 0xffff;

std::optional<NodeId> introduction_node(const wire::BlindedPath& path) {
  const auto* node = std::get_if<NodeId>(&path.first_node_id);
  return node == nullptr ? std::nullopt : std::optional(*node);
}

Result<Invitation, ParseError> parse_raw(ByteView bytes) {
  Reader in(bytes);
  auto count = in.u16();
  if (!in.ok()) return fail(ParseError{ParseCode::Truncated, in.at(), "count"});
  if (count == 0) return fail(ParseError{ParseCode::BadValue, 0, "count"});
  if (count == kLongCount || count > kMaxServerPaths) return fail(ParseError{ParseCode::TooLarge, count, "count"});
  // The paths pass through the same reader as a record's, so that their points are checked alike.
  const std::vector<wire::TlvRecord> records{{kServerPaths, in.rest(), {}}};
  FieldsIn fields(records);
  Invitation out;
  out.paths = fields.paths(kServerPaths, "server paths");
  if (fields.good() && out.paths.size() != count) fields.refuse(ParseCode::BadLength, kServerPaths, "count");
  if (fields.error()) return fail(*fields.error());
  out.server = introduction_node(out.paths.front());
  out.raw = true;
  return out;
}

Result<Invitation, ParseError> parse_stream(ByteView stream) {
  LN_TRY(records, wire::parse_tlv_stream(stream));
  FieldsIn in(records);
  Invitation out;
  out.server = in.required(in.point(kServerNodeId, "server node_id"), kServerNodeId, "server node_id");
  if (auto view = in.value(kAddresses)) {
    auto addresses = wire::read_addresses(*view);
    if (addresses)
      out.addresses = *std::move(addresses);
    else
      in.refuse(addresses.error().code, kAddresses, addresses.error().what);
  }
  out.paths = in.paths(kServerPaths, "server paths");
  if (out.paths.empty()) in.refuse(ParseCode::MissingField, kServerPaths, "server paths");
  if (out.paths.size() > kMaxServerPaths) in.refuse(ParseCode::TooLarge, kServerPaths, "server paths");
  auto profile = in.required(in.bytes(kProfile), kProfile, "profile");
  if (in.good() && (profile.size() != 1 || profile[0] > static_cast<std::uint8_t>(Profile::Draft)))
    in.refuse(ParseCode::BadValue, kProfile, "profile");
  if (in.good()) out.profile = static_cast<Profile>(profile[0]);
  if (auto expiry = in.tu(kAbsoluteExpiry, 8, "absolute expiry")) out.absolute_expiry = UnixTime(*expiry);
  out.token = in.bytes(kToken).value_or(Bytes{});
  if (out.token.size() > kMaxTokenBytes) in.refuse(ParseCode::TooLarge, kToken, "token");
  in.finish([](std::uint64_t) { return true; });
  if (in.error()) return fail(*in.error());
  return out;
}

}  // namespace

Result<Invitation, ParseError> Invitation::parse(std::string_view text) {
  if (has_prefix(kInvitationPrefix, text)) {
    LN_TRY(stream, decode_text(kInvitationPrefix, text));
    return parse_stream(stream);
  }
  if (text.size() > kMaxTextLength) return fail(ParseError{ParseCode::TooLarge, kMaxTextLength, "text"});
  auto bytes = from_hex(text);
  if (!bytes) return fail(ParseError{ParseCode::BadEncoding, 0, "expected lnai1… or hex"});
  return parse_raw(*bytes);
}

std::string Invitation::text() const {
  LN_ASSERT(server.has_value());
  RecordsOut out;
  out.add(kServerNodeId, server->view());
  if (!addresses.empty()) out.add(kAddresses, wire::to_bytes(addresses));
  out.add(kServerPaths, wire::to_bytes(paths));
  const std::uint8_t profile_byte = static_cast<std::uint8_t>(profile);
  out.add(kProfile, {&profile_byte, 1});
  if (absolute_expiry) out.add_tu(kAbsoluteExpiry, absolute_expiry->value());
  if (!token.empty()) out.add(kToken, token);
  return encode_text(kInvitationPrefix, out.take());
}

std::string Invitation::raw_text() const {
  LN_ASSERT(paths.size() <= kMaxServerPaths);
  Writer out;
  out.u16(static_cast<std::uint16_t>(paths.size())).bytes(wire::to_bytes(paths));
  return to_hex(out.view());
}

}  // namespace doze::offers
