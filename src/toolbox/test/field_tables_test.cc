// The tables of records beside what the readers do.
#include "toolbox/field_tables.h"

#include <gtest/gtest.h>

#include "offers/invoice_error.h"
#include "onion/payment_onion.h"
#include "onion/route_blinding.h"
#include "samples.h"
#include "toolbox/failures.h"
#include "toolbox/vector_parts.h"

namespace doze::toolbox {
namespace {

using namespace testing;

/// How a stream with this record in it is read; nullopt: well.
using ReadWith = std::function<std::optional<ParseError>(std::uint64_t, ByteView)>;

template <class T>
std::optional<ParseError> error_of(const Result<T, ParseError>& read) {
  return read ? std::nullopt : std::optional(read.error());
}

std::optional<ParseError> payload_with(ByteView base, bool last, std::uint64_t type, ByteView value) {
  return error_of(onion::decode_payload(Records(base).put(type, value).bytes(), last, false));
}

std::vector<std::pair<const char*, ReadWith>> streams() {
  auto with = [](ByteView base, std::uint64_t type, ByteView value) { return Records(base).put(type, value); };
  auto blinded = Writer()
                     .bytes(hex("020101040101"
                                "0a01aa"
                                "0c21"))
                     .bytes(point(5).view())
                     .bytes(hex("120101"))
                     .take();
  return {
      {"encrypted_data_tlv",
       [](auto type, auto value) {
         return error_of(onion::decode_recipient_data(Records(ByteView{}).put(type, value).bytes()));
       }},
      {"payload",
       [blinded](auto type, auto value) -> std::optional<ParseError> {
         // A forward, a last hop, a last blinded hop: what one of them says of the value counts most.
         std::optional<ParseError> out;
         for (const auto& error :
              {payload_with(hex("02010104010106080000000000000001"), false, type, value),
               payload_with(hex("020101040101"), true, type, value), payload_with(blinded, true, type, value)})
           if (error && (!out || out->code == ParseCode::UnexpectedField)) out = error;
         return out;
       }},
      {"offer",
       [=](auto type, auto value) {
         return error_of(offers::Offer::from_bytes(with(offer().bytes(), type, value).bytes()));
       }},
      {"invoice_request",
       [=](auto type, auto value) {
         return error_of(offers::InvoiceRequest::parse(
             with(request().bytes(), type, value).signed_by(key(0x43), "invoice_request")));
       }},
      {"invoice",
       [=](auto type, auto value) {
         return error_of(offers::Invoice::parse(with(invoice().bytes(), type, value).signed_by(key(0x42), "invoice")));
       }},
      {"invoice_error",
       [=](auto type, auto value) {
         return error_of(offers::InvoiceError::parse(with(hex("05026869"), type, value).bytes()));
       }},
  };
}

/// Those of static invoices stand in the draft's table of the invoice; ours is a reader of its own.
bool of_static_invoices(std::uint64_t type) {
  return type == wire::kDraft.static_invoice_message_paths || type == wire::kLdk.static_invoice_message_paths;
}

TEST(FieldTables, a_reader_knows_the_even_types_of_its_table_and_no_others) {
  for (const auto& [stream, read_with] : streams()) {
    auto records = stream_records(stream);
    ASSERT_FALSE(records.empty()) << stream;
    for (std::uint64_t type = 0; type <= 300; type += 2) {
      if (of_static_invoices(type)) continue;
      auto error = read_with(type, {});
      bool refused = error && (error->code == ParseCode::UnknownEven || error->code == ParseCode::UnexpectedField);
      bool known = std::any_of(records.begin(), records.end(), [&](const auto& each) { return each.type == type; });
      if (known && error && error->code == ParseCode::UnexpectedField) continue;  // known, elsewhere
      EXPECT_EQ(refused, !known) << stream << " " << type;
    }
  }
}

/// A byte more than the fields have at most; nullopt: they end where the record ends, or have lengths of their own.
std::optional<std::size_t> too_long(std::string_view fields) {
  static const std::pair<std::string_view, std::size_t> kSizes[] = {
      {":point", 33}, {":32*byte", 32}, {":64*byte", 64}, {":short_channel_id", 8}, {":tu64", 8}, {":tu32", 4},
      {":u16", 2},    {":u32", 4},      {":u64", 8}};
  std::size_t all = 1;
  while (!fields.empty()) {
    auto word = fields.substr(0, fields.find(' '));
    auto type = word.substr(word.find(':'));
    auto size =
        std::find_if(std::begin(kSizes), std::end(kSizes), [&](const auto& each) { return each.first == type; });
    if (size == std::end(kSizes)) return std::nullopt;
    all += size->second;
    fields.remove_prefix(std::min(word.size() + 1, fields.size()));
  }
  return all;
}

TEST(FieldTables, a_reader_refuses_what_is_longer_than_its_table_says) {
  std::size_t tried = 0;
  for (const auto& [stream, read_with] : streams())
    for (const auto& record : stream_records(stream)) {
      auto size = std::string_view(record.name) == "signature" ? std::nullopt : too_long(record.fields);
      if (!size || record.fields[0] == 0) continue;
      auto error = read_with(record.type, Bytes(*size, 2));
      ASSERT_TRUE(error) << stream << " " << record.name;
      EXPECT_NE(error->code, ParseCode::UnexpectedField) << stream << " " << record.name;
      ++tried;
    }
  EXPECT_GE(tried, 35u);
}

TEST(FieldTables, lines_are_those_of_the_file) {
  auto lines = field_tables();
  auto has = [&](std::string_view line) { return std::find(lines.begin(), lines.end(), line) != lines.end(); };
  EXPECT_TRUE(has("message,,splice_init,80"));
  EXPECT_TRUE(has("field,splice_init,funding_contribution_satoshis,s64"));
  EXPECT_TRUE(has("record,update_add_htlc,hold_htlc,75537"));
  EXPECT_TRUE(has("field,init,globalfeatures,u16*byte"));
  EXPECT_TRUE(has("field,reply_channel_range.3,checksums,\"...*(u32,u32)\""));
  EXPECT_TRUE(has("failure,,mpp_timeout,23"));
  EXPECT_TRUE(has("feature,,option_splice,62"));
}

TEST(FailureMessages, are_shown_field_by_field) {
  auto read =
      decode_failure_message(hex("400f"
                                 "0000000000001388"
                                 "000c3500"));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(text(*read, "failure"), "incorrect_or_unknown_payment_details");
  EXPECT_EQ(text(*read, "htlc_msat"), "5000");
  EXPECT_EQ(text(*read, "height"), "800000");
  auto payload =
      decode_failure_message(hex("4016"
                                 "fe00012fd1"
                                 "0007"));
  ASSERT_TRUE(payload.has_value());
  EXPECT_EQ(text(*payload, "type"), "failure_message");
  EXPECT_EQ(text(*payload, "tlv_type"), "77777");
  EXPECT_TRUE(decode_failure_message(hex("7777aa")).has_value());  // a code that nobody knows
}

TEST(FailureMessages, cut_ones_are_told) {
  auto read =
      decode_failure_message(hex("400f"
                                 "0000000000001388"
                                 "000c35"));
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().rule, "height: truncated");
  EXPECT_EQ(read.error().at, 13u);
  EXPECT_FALSE(decode_failure_message(hex("40")).has_value());
}

}  // namespace
}  // namespace doze::toolbox
