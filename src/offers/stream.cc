#include "offers/stream.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "offers/merkle.h"

namespace doze::offers {

void FieldsIn::refuse(ParseCode code, std::uint64_t type, const char* what) {
  if (!error_) error_ = ParseError{code, type, what};
}

std::optional<ByteView> FieldsIn::value(std::uint64_t type) {
  known_.push_back(type);
  if (error_) return std::nullopt;
  const auto* record = wire::find(*records_, type);
  return record == nullptr ? std::nullopt : std::optional(record->value);
}

std::optional<Bytes> FieldsIn::bytes(std::uint64_t type) {
  auto view = value(type);
  return view ? std::optional(doze::to_bytes(*view)) : std::nullopt;
}

std::optional<std::uint64_t> FieldsIn::tu(std::uint64_t type, std::size_t max_bytes, const char* what) {
  auto view = value(type);
  if (!view) return std::nullopt;
  auto out = wire::read_tu(*view, max_bytes);
  if (!out) refuse(view->size() > max_bytes ? ParseCode::BadLength : ParseCode::NotMinimal, type, what);
  return out;
}

std::optional<Msat> FieldsIn::msat(std::uint64_t type, const char* what) {
  auto raw = tu(type, 8, what);
  if (!raw) return std::nullopt;
  if (!Msat(*raw).is_money()) refuse(ParseCode::BadValue, type, what);
  return Msat(*raw);
}

std::optional<std::string> FieldsIn::utf8(std::uint64_t type, const char* what) {
  auto view = value(type);
  if (!view) return std::nullopt;
  if (!is_utf8(*view)) refuse(ParseCode::BadUtf8, type, what);
  return std::string(view->begin(), view->end());
}

std::optional<PublicKey> FieldsIn::point(std::uint64_t type, const char* what) {
  auto out = fixed<PublicKey>(type, what);
  if (out && !crypto::is_valid(*out)) refuse(ParseCode::BadPoint, type, what);
  return out;
}

bool on_the_curve(const wire::BlindedPath& path) {
  if (const auto* node = std::get_if<NodeId>(&path.first_node_id); node != nullptr && !crypto::is_valid(*node))
    return false;
  return crypto::is_valid(path.first_path_key) && std::all_of(path.path.begin(), path.path.end(), [](const auto& hop) {
           return crypto::is_valid(hop.blinded_node_id);
         });
}

std::vector<wire::BlindedPath> FieldsIn::paths(std::uint64_t type, const char* what) {
  auto view = value(type);
  if (!view) return {};
  auto out = wire::read_blinded_paths(*view);
  if (!out) {
    refuse(out.error().code, type, out.error().what);
    return {};
  }
  if (out->empty()) refuse(ParseCode::BadValue, type, what);
  if (checks_ == Checks::All && !std::all_of(out->begin(), out->end(), on_the_curve))
    refuse(ParseCode::BadPoint, type, what);
  return *std::move(out);
}

wire::FeatureBits FieldsIn::features(std::uint64_t type, std::initializer_list<std::size_t> known, const char* what) {
  auto view = value(type);
  if (!view) return {};
  wire::FeatureBits out(*view);
  for (auto bit : out.bits())
    if (bit % 2 == 0 && std::find(known.begin(), known.end(), bit) == known.end())  // [B12-read-02]
      refuse(ParseCode::UnknownEven, bit, what);                                    // [B12-read-04]
  return out;
}

void FieldsIn::finish(const std::function<bool(std::uint64_t)>& allowed) {
  for (const auto& record : *records_) {
    if (offer_is_checked_ && is_offer_type(record.type)) continue;
    if (!allowed(record.type)) return refuse(ParseCode::UnexpectedField, record.type, "TLV type");  // [B12-read-01]
    if (record.type % 2 == 0 && std::find(known_.begin(), known_.end(), record.type) == known_.end())
      return refuse(ParseCode::UnknownEven, record.type, "TLV type");
  }
}

Bytes select(const std::vector<wire::TlvRecord>& records, bool (*chosen)(std::uint64_t)) {
  Bytes out;
  for (const auto& record : records)
    if (chosen(record.type)) append(out, record.whole);
  return out;
}

Bytes select(ByteView stream, bool (*chosen)(std::uint64_t)) {
  auto records = wire::parse_tlv_stream(stream);
  LN_ASSERT(records.has_value());  // only streams that were parsed before
  return select(*records, chosen);
}

RecordsOut& RecordsOut::add(std::uint64_t type, ByteView value) {
  Writer out;
  wire::write_record(out, type, value);
  records_.emplace_back(type, out.take());
  return *this;
}

RecordsOut& RecordsOut::add_text(std::uint64_t type, const std::optional<std::string>& text) {
  return text ? add(type, bytes_of(*text)) : *this;
}

RecordsOut& RecordsOut::add_stream(ByteView stream) {
  auto records = wire::parse_tlv_stream(stream);
  LN_ASSERT(records.has_value());
  for (const auto& record : *records) records_.emplace_back(record.type, doze::to_bytes(record.whole));
  return *this;
}

Bytes RecordsOut::take() const {
  auto sorted = records_;
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  Bytes out;
  for (const auto& [type, bytes] : sorted) append(out, bytes);
  return out;
}

Bytes RecordsOut::take_signed(std::string_view message_name, const PrivateKey& key) {
  auto unsigned_stream = take();
  auto records = wire::parse_tlv_stream(unsigned_stream);
  LN_ASSERT(records.has_value());  // we wrote it
  return add(kSignature, sign(message_name, *records, key).view()).take();
}

void read_signature(FieldsIn& in, const std::vector<wire::TlvRecord>& records, std::string_view message_name,
                    const PublicKey& key) {
  auto signature = in.required(in.fixed<SchnorrSignature>(kSignature, "signature"), kSignature, "signature");
  if (in.good() && in.checks() != Checks::Stored && !verify(message_name, records, key, signature))
    in.refuse(ParseCode::BadSignature, kSignature, "signature");
}

std::vector<PaymentPath> read_payment_paths(FieldsIn& in) {
  auto paths = in.paths(kInvoicePaths, "invoice_paths");
  auto payinfos = in.value(kInvoiceBlindedPay);
  if (!in.good()) return {};
  if (paths.empty()) in.refuse(ParseCode::MissingField, kInvoicePaths, "invoice_paths");        // [B12-invread-05]
  if (!payinfos) in.refuse(ParseCode::MissingField, kInvoiceBlindedPay, "invoice_blindedpay");  // [B12-invread-06]
  if (!in.good()) return {};
  std::vector<PaymentPath> usable;
  Reader reader(*payinfos);
  for (auto& path : paths) {
    auto info = wire::read_blinded_payinfo(reader);
    if (!info) {
      in.refuse(ParseCode::BadLength, kInvoiceBlindedPay, "invoice_blindedpay");
      return {};
    }
    auto bits = wire::FeatureBits(info->features).bits();
    if (std::none_of(bits.begin(), bits.end(), [](auto bit) { return bit % 2 == 0; }))
      usable.push_back(PaymentPath{std::move(path), *std::move(info)});
  }
  if (!reader.done()) in.refuse(ParseCode::BadLength, kInvoiceBlindedPay, "invoice_blindedpay");  // [B12-invread-06]
  // [B12-invread-07]
  if (usable.empty()) in.refuse(ParseCode::UnknownEven, kInvoiceBlindedPay, "blinded_payinfo features");
  return usable;
}

std::vector<FallbackAddress> read_fallbacks(FieldsIn& in) {
  std::vector<FallbackAddress> usable;
  Reader reader(in.value(kInvoiceFallbacks).value_or(ByteView{}));
  while (reader.ok() && reader.remaining() != 0) {
    FallbackAddress each;
    each.version = reader.u8();
    each.program = doze::to_bytes(reader.bytes(reader.u16()));
    auto size = each.program.size();
    // [B12-invread-17]
    bool known = each.version == 0 ? size == 20 || size == 32 : each.version <= 16 && size >= 2 && size <= 40;
    if (known) usable.push_back(std::move(each));
  }
  if (!reader.ok()) in.refuse(ParseCode::BadLength, kInvoiceFallbacks, "invoice_fallbacks");
  return usable;
}

void write_payment_paths(RecordsOut& out, const std::vector<PaymentPath>& paths) {
  Writer all, infos;
  for (const auto& path : paths) {
    wire::write(all, path.path);
    wire::write(infos, path.payinfo);
  }
  out.add(kInvoicePaths, all.view()).add(kInvoiceBlindedPay, infos.view());  // [B12-inv-10]
}

}  // namespace doze::offers
