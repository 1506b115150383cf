#include "onion/payment_onion.h"

#include "crypto/crypto.h"
#include "wire/tlv.h"

namespace doze::onion {

namespace {
constexpr std::uint64_t kAmount = 2, kCltv = 4, kScid = 6, kPaymentData = 8, kRecipientData = 10, kPathKey = 12,
                        kMetadata = 16, kTotal = 18;

ParseError missing_field(std::uint64_t type, const char* what) {
  return {ParseCode::MissingField, type, what};
}
ParseError unexpected(std::uint64_t type, const char* what) {
  return {ParseCode::UnexpectedField, type, what};
}

/// Typed access to the records. Keeps the first problem.
struct Fields {
  const std::vector<wire::TlvRecord>& records;
  std::optional<ParseError> error;

  [[nodiscard]] bool has(std::uint64_t type) const { return wire::find(records, type) != nullptr; }
  std::uint64_t number(std::uint64_t type, std::size_t bytes, const char* what) {
    const auto* record = wire::find(records, type);
    auto value = record == nullptr ? std::nullopt : wire::read_tu(record->value, bytes);
    if (!value && !error)
      error = record == nullptr ? missing_field(type, what) : ParseError{ParseCode::BadLength, type, what};
    return value.value_or(0);
  }
  Msat amount(std::uint64_t type, const char* what) {
    Msat out(number(type, 8, what));
    if (!out.is_money() && !error) error = ParseError{ParseCode::BadValue, type, what};
    return out;
  }
  std::optional<Bytes> bytes(std::uint64_t type) const {
    const auto* record = wire::find(records, type);
    return record == nullptr ? std::nullopt : std::optional(to_bytes(record->value));
  }
  std::optional<PublicKey> point(std::uint64_t type, const char* what) {
    const auto* record = wire::find(records, type);
    if (record == nullptr) return std::nullopt;
    auto out = crypto::parse_point(record->value);
    if (!out && !error) error = ParseError{ParseCode::BadPoint, type, what};
    return out;
  }
};

Result<Payload, ParseError> finish(const Fields& fields, Payload payload) {
  if (fields.error) return fail(*fields.error);
  return payload;
}

/// BOLT 4 lists all records that may be here, so unknown odd ones are refused as well. LDK 0.2.7 writes none.
Result<Payload, ParseError> decode_blinded_forward(Fields& fields) {  // [B4-read-09]
  for (const auto& record : fields.records)
    if (record.type != kRecipientData && record.type != kPathKey)
      return fail(unexpected(record.type, "field of a blinded forwarding hop"));
  return finish(fields,
                BlindedForwardPayload{*fields.bytes(kRecipientData), fields.point(kPathKey, "current_path_key")});
}

Result<Payload, ParseError> decode_final(Fields& fields) {  // [B4-read-16]
  FinalPayload out;
  out.amt_to_forward = fields.amount(kAmount, "amt_to_forward");
  out.outgoing_cltv_value = CltvExpiry(static_cast<std::uint32_t>(fields.number(kCltv, 4, "outgoing_cltv_value")));
  out.encrypted_recipient_data = fields.bytes(kRecipientData);
  out.current_path_key = fields.point(kPathKey, "current_path_key");
  bool blinded = out.encrypted_recipient_data.has_value();
  for (auto type : {kScid, kPaymentData, kMetadata})
    if (fields.has(type) && (blinded || type == kScid)) return fail(unexpected(type, "field of a last hop"));

  if (blinded) {
    out.total_amount_msat = fields.amount(kTotal, "total_amount_msat");  // [B4-read-13]
  } else if (const auto* data = wire::find(fields.records, kPaymentData)) {
    if (data->value.size() < 32) return fail(ParseError{ParseCode::BadLength, kPaymentData, "payment_data"});
    auto total = wire::read_tu(data->value.subspan(32), 8);
    if (!total) return fail(ParseError{ParseCode::BadLength, kPaymentData, "payment_data"});
    out.payment_secret = Hash32::from(data->value.first(32));
    out.total_amount_msat = Msat(*total);
    out.payment_metadata = fields.bytes(kMetadata);
  }

  for (auto profile : {Profile::Draft, Profile::Ldk})  // if both are there, LDK's counts
    if (auto request = fields.bytes(wire::numbers(profile).payment_invoice_request)) {
      out.invoice_request = std::move(request);
      out.invoice_request_profile = profile;
    }
  if (auto preimage = fields.bytes(wire::kPaymentPreimage)) {
    out.payment_preimage = Preimage::from(*preimage);
    if (!out.payment_preimage) return fail(ParseError{ParseCode::BadLength, wire::kPaymentPreimage, "preimage"});
  }
  return finish(fields, std::move(out));
}

Bytes encode_final(const FinalPayload& payload) {
  wire::TlvWriter out;
  const auto& request = payload.invoice_request;
  auto request_type = wire::numbers(payload.invoice_request_profile).payment_invoice_request;
  if (request && request_type < kAmount) out.add(request_type, *request);
  out.add_tu(kAmount, payload.amt_to_forward.value());
  out.add_tu(kCltv, payload.outgoing_cltv_value.value());
  if (payload.payment_secret) {  // [B4-write-07]
    Writer data;
    data.bytes(payload.payment_secret->view());
    wire::write_tu(data, payload.total_amount_msat.value_or(payload.amt_to_forward).value());
    out.add(kPaymentData, data.view());
  }
  if (payload.encrypted_recipient_data) out.add(kRecipientData, *payload.encrypted_recipient_data);
  if (payload.current_path_key) out.add(kPathKey, payload.current_path_key->view());
  if (payload.payment_metadata) out.add(kMetadata, *payload.payment_metadata);  // [B4-write-08]
  if (payload.encrypted_recipient_data)
    out.add_tu(kTotal, payload.total_amount_msat.value_or(payload.amt_to_forward).value());
  if (request && request_type > kTotal) out.add(request_type, *request);
  if (payload.payment_preimage) out.add(wire::kPaymentPreimage, payload.payment_preimage->reveal());
  return out.take();
}
}  // namespace

Bytes encode(const Payload& payload) {
  if (const auto* forward = std::get_if<ForwardPayload>(&payload))  // [B4-write-06]
    return wire::TlvWriter()
        .add_tu(kAmount, forward->amt_to_forward.value())
        .add_tu(kCltv, forward->outgoing_cltv_value.value())
        .add_u64(kScid, forward->short_channel_id.value())
        .take();
  if (const auto* blinded = std::get_if<BlindedForwardPayload>(&payload)) {
    wire::TlvWriter out;
    out.add(kRecipientData, blinded->encrypted_recipient_data);  // [B4-write-05]
    if (blinded->current_path_key) out.add(kPathKey, blinded->current_path_key->view());
    return out.take();
  }
  return encode_final(std::get<FinalPayload>(payload));
}

Result<Payload, ParseError> decode_payload(ByteView tlv_stream, bool last, bool through_path_key) {
  LN_TRY(records, wire::parse_tlv_stream(tlv_stream));
  LN_CHECK(wire::refuse_unknown_even(records, {kAmount, kCltv, kScid, kPaymentData, kRecipientData, kPathKey, kMetadata,
                                               kTotal, wire::kPaymentPreimage}));
  Fields fields{records, std::nullopt};
  bool blinded = fields.has(kRecipientData);
  // [B4-read-15]
  if (through_path_key && !blinded) return fail(missing_field(kRecipientData, "encrypted_recipient_data"));
  if (through_path_key && fields.has(kPathKey)) return fail(unexpected(kPathKey, "current_path_key"));  // [B4-read-01]
  // [B4-read-02]
  if (blinded && !through_path_key && !fields.has(kPathKey)) return fail(missing_field(kPathKey, "current_path_key"));
  if (!blinded && fields.has(kPathKey)) return fail(unexpected(kPathKey, "current_path_key"));  // [B4-read-15]
  if (last) return decode_final(fields);
  if (blinded) return decode_blinded_forward(fields);
  ForwardPayload out;
  out.amt_to_forward = fields.amount(kAmount, "amt_to_forward");
  out.outgoing_cltv_value = CltvExpiry(static_cast<std::uint32_t>(fields.number(kCltv, 4, "outgoing_cltv_value")));
  const auto* scid = wire::find(records, kScid);
  if (scid == nullptr) return fail(missing_field(kScid, "short_channel_id"));  // [B4-read-17]
  Reader in(scid->value);
  out.short_channel_id = ShortChannelId(in.u64());
  if (!in.done()) return fail(ParseError{ParseCode::BadLength, kScid, "short_channel_id"});
  return finish(fields, out);
}

}  // namespace doze::onion
