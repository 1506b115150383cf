#include "toolbox/field_tables.h"

#include "onion/failures.h"
#include "toolbox/failures.h"
#include "toolbox/show_fields.h"
#include "wire/features.h"
#include "wire/numbers.h"

namespace doze::toolbox {

namespace {

constexpr std::size_t kFeatureBits = 512;  // beyond every bit that has a name

constexpr StreamRecord kPayload[] = {
    {wire::kDraft.payment_invoice_request, "invoice_request", "invoice_request_tlv_stream:...*byte"},
    {2, "amt_to_forward", "amt_to_forward:tu64"},
    {4, "outgoing_cltv_value", "outgoing_cltv_value:tu32"},
    {6, "short_channel_id", "short_channel_id:short_channel_id"},
    {8, "payment_data", "payment_secret:32*byte total_msat:tu64"},
    {10, "encrypted_recipient_data", "encrypted_recipient_data:...*byte"},
    {12, "current_path_key", "path_key:point"},
    {16, "payment_metadata", "payment_metadata:...*byte"},
    {18, "total_amount_msat", "total_msat:tu64"},
    {wire::kLdk.payment_invoice_request, "invoice_request", "invoice_request_tlv_stream:...*byte"},
    {wire::kPaymentPreimage, "sender_provided_payment_preimage", "payment_preimage:32*byte"},
};
constexpr StreamRecord kEncryptedData[] = {
    {1, "padding", "padding:...*byte"},
    {2, "short_channel_id", "short_channel_id:short_channel_id"},
    {4, "next_node_id", "node_id:point"},
    {6, "path_id", "data:...*byte"},
    {8, "next_path_key_override", "path_key:point"},
    {10, "payment_relay", "cltv_expiry_delta:u16 fee_proportional_millionths:u32 fee_base_msat:tu32"},
    {12, "payment_constraints", "max_cltv_expiry:u32 htlc_minimum_msat:tu64"},
    {14, "allowed_features", "features:...*byte"},
};
constexpr StreamRecord kOnionMessage[] = {
    {2, "reply_path", "path:blinded_path"},
    {4, "encrypted_recipient_data", "encrypted_recipient_data:...*byte"},
    {wire::kOmInvoiceRequest, "invoice_request", "invreq:...*byte"},
    {wire::kOmInvoice, "invoice", "inv:...*byte"},
    {wire::kOmInvoiceError, "invoice_error", "inverr:...*byte"},
    {wire::kOmStaticInvoice, "static_invoice", "static_inv:...*byte"},
    {wire::kOmHeldHtlcAvailable, "held_htlc_available", ""},
    {wire::kOmReleaseHeldHtlc, "release_held_htlc", ""},
};

std::vector<StreamRecord> onion_message_records() {
  std::vector<StreamRecord> out(std::begin(kOnionMessage), std::end(kOnionMessage));
  for (const auto& numbers : {wire::kDraft, wire::kLdk}) {
    out.push_back({numbers.offer_paths_request, "offer_paths_request", ""});
    out.push_back({numbers.offer_paths, "offer_paths", ""});
    out.push_back({numbers.serve_static_invoice, "serve_static_invoice", ""});
    out.push_back({numbers.static_invoice_persisted, "static_invoice_persisted", ""});
  }
  return out;
}

class Lines {
 public:
  void add(const char* kind, std::string_view owner, std::string_view name, std::string_view value) {
    lines_.push_back(std::string(kind) + "," + quoted(owner) + "," + quoted(name) + "," + quoted(value));
  }
  void fields(std::string_view owner, const std::vector<wire::FieldShape>& fields) {
    for (const auto& field : fields) add("field", owner, field.name, type_text(field));
  }
  /// "name:type name:type"
  void fields(const std::string& owner, std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      auto end = std::min(text.find(' ', at), text.size());
      auto word = text.substr(at, end - at);
      auto colon = word.find(':');
      add("field", owner, word.substr(0, colon), word.substr(colon + 1));
      at = end + 1;
    }
  }
  void message(const wire::MessageShape& shape) {
    add("message", "", shape.name, std::to_string(shape.type));
    fields(shape.name, shape.fields);
    for (const auto& record : shape.records) {
      add("record", shape.name, record.name, std::to_string(record.type));
      fields(std::string(shape.name) + "." + std::to_string(record.type), record.fields);
    }
  }
  [[nodiscard]] std::vector<std::string> take() { return std::move(lines_); }

 private:
  static std::string quoted(std::string_view text) {
    return text.find(',') == std::string_view::npos ? std::string(text) : "\"" + std::string(text) + "\"";
  }
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<StreamRecord> stream_records(std::string_view stream) {
  auto all = [](std::span<const StreamRecord> records) {
    return std::vector<StreamRecord>(records.begin(), records.end());
  };
  if (stream == "payload") return all(kPayload);
  if (stream == "encrypted_data_tlv") return all(kEncryptedData);
  if (stream == "onionmsg_tlv") return onion_message_records();
  for (auto each : {Stream::Offer, Stream::InvoiceRequest, Stream::Invoice, Stream::InvoiceError})
    if (stream == name(each)) return records_of(each);
  return {};
}

std::vector<std::string> field_tables() {
  Lines out;
  for (const auto& shape : wire::message_shapes()) out.message(shape);
  for (const char* stream :
       {"payload", "encrypted_data_tlv", "onionmsg_tlv", "offer", "invoice_request", "invoice", "invoice_error"})
    for (const auto& record : stream_records(stream)) {
      out.add("record", stream, record.name, std::to_string(record.type));
      out.fields(std::string(stream) + "." + std::to_string(record.type), record.fields);
    }
  for (const auto& shape : failure_shapes()) {
    std::string name = onion::failure_name(shape.code);
    out.add("failure", "", name, std::to_string(shape.code));
    out.fields("failure " + name, shape.data);
  }
  for (std::size_t bit = 0; bit < kFeatureBits; bit += 2)
    if (const auto* name = wire::feature_name(bit)) out.add("feature", "", name, std::to_string(bit));
  return out.take();
}

}  // namespace doze::toolbox
