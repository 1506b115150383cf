#include "toolbox/streams.h"

#include <algorithm>
#include <cstring>

#include "crypto/crypto.h"
#include "offers/invitation.h"
#include "offers/invoice_error.h"
#include "offers/merkle.h"
#include "offers/static_invoice.h"
#include "offers/text.h"
#include "toolbox/onions.h"
#include "toolbox/show.h"
#include "wire/address.h"

namespace doze::toolbox {

namespace {

enum class RecordForm : std::uint8_t {
  Hex,
  Text,
  Number,
  Msat,
  Time,
  Seconds,
  Features,
  Chains,
  Paths,
  PayInfos,
  HumanName,
  Addresses,
  ProfileByte
};
struct Record {
  std::uint64_t type;
  const char* name;
  RecordForm form;
  const char* fields = "";
};
// BOLT 12, and the two provisional numbers of bolts #1149 and LDK.
constexpr Record kBolt12[] = {
    {0, "invreq_metadata", RecordForm::Hex, "blob:...*byte"},
    {2, "offer_chains", RecordForm::Chains, "chains:...*32*byte"},
    {4, "offer_metadata", RecordForm::Hex, "data:...*byte"},
    {6, "offer_currency", RecordForm::Text, "iso4217:...*byte"},
    {8, "offer_amount", RecordForm::Msat, "amount:tu64"},
    {10, "offer_description", RecordForm::Text, "description:...*byte"},
    {12, "offer_features", RecordForm::Features, "features:...*byte"},
    {14, "offer_absolute_expiry", RecordForm::Time, "seconds_from_epoch:tu64"},
    {16, "offer_paths", RecordForm::Paths, "paths:...*blinded_path"},
    {18, "offer_issuer", RecordForm::Text, "issuer:...*byte"},
    {20, "offer_quantity_max", RecordForm::Number, "max:tu64"},
    {22, "offer_issuer_id", RecordForm::Hex, "id:point"},
    {80, "invreq_chain", RecordForm::Chains, "chain:32*byte"},
    {82, "invreq_amount", RecordForm::Msat, "msat:tu64"},
    {84, "invreq_features", RecordForm::Features, "features:...*byte"},
    {86, "invreq_quantity", RecordForm::Number, "quantity:tu64"},
    {88, "invreq_payer_id", RecordForm::Hex, "key:point"},
    {89, "invreq_payer_note", RecordForm::Text, "note:...*byte"},
    {90, "invreq_paths", RecordForm::Paths, "paths:...*blinded_path"},
    {91, "invreq_bip_353_name", RecordForm::HumanName, "name:byte*byte domain:byte*byte"},
    {160, "invoice_paths", RecordForm::Paths, "paths:...*blinded_path"},
    {162, "invoice_blindedpay", RecordForm::PayInfos, "payinfo:...*blinded_payinfo"},
    {164, "invoice_created_at", RecordForm::Time, "timestamp:tu64"},
    {166, "invoice_relative_expiry", RecordForm::Seconds, "seconds_from_creation:tu32"},
    {168, "invoice_payment_hash", RecordForm::Hex, "payment_hash:32*byte"},
    {170, "invoice_amount", RecordForm::Msat, "msat:tu64"},
    {172, "invoice_fallbacks", RecordForm::Hex, "fallbacks:...*fallback_address"},
    {174, "invoice_features", RecordForm::Features, "features:...*byte"},
    {176, "invoice_node_id", RecordForm::Hex, "node_id:point"},
    {178, "static_invoice_message_paths", RecordForm::Paths, "paths:...*blinded_path"},
    {236, "static_invoice_message_paths", RecordForm::Paths, "paths:...*blinded_path"},
    {240, "signature", RecordForm::Hex, "sig:64*byte"},
};
constexpr Record kError[] = {{1, "erroneous_field", RecordForm::Number, "tlv_fieldnum:tu64"},
                             {3, "suggested_value", RecordForm::Hex, "value:...*byte"},
                             {5, "error", RecordForm::Text, "msg:...*byte"}};
constexpr Record kInvitation[] = {{2, "server_node_id", RecordForm::Hex},    {4, "addresses", RecordForm::Addresses},
                                  {6, "server_paths", RecordForm::Paths},    {8, "profile", RecordForm::ProfileByte},
                                  {10, "absolute_expiry", RecordForm::Time}, {12, "token", RecordForm::Hex}};

std::span<const Record> table(Stream stream) {
  if (stream == Stream::InvoiceError) return kError;
  if (stream == Stream::Invitation) return kInvitation;
  return kBolt12;
}
const Record* find_record(Stream stream, std::uint64_t type) {
  for (const auto& record : table(stream))
    if (record.type == type) return &record;
  return nullptr;
}
const Record* find_record(Stream stream, std::string_view name) {
  for (const auto& record : table(stream))
    if (record.name == name) return &record;
  return nullptr;
}

std::uint64_t number(ByteView value) {
  return wire::read_tu(value, 8).value_or(0);
}

Value show_chains(ByteView value) {
  List out;
  for (Reader in(value); in.remaining() >= ChainHash::kSize;) out.push_back(show(ChainHash{in.array<32>()}));
  return out;
}
Value show_payinfos(ByteView value) {
  List out;
  for (Reader in(value); in.remaining() != 0;) {
    auto info = wire::read_blinded_payinfo(in);
    if (!info) break;
    out.push_back(show(*info));
  }
  return out;
}
std::string show_human_name(ByteView value) {
  Reader in(value);
  auto text = [&] {
    auto view = in.bytes(in.u8());
    return std::string(view.begin(), view.end());
  };
  auto user = text();
  return "₿" + std::string(user) + "@" + std::string(text());
}

void show_record(Value& out, const Record& record, ByteView value, bool in_currency) {
  const std::string name = record.name;
  switch (record.form) {
    case RecordForm::Hex:
      out.set(name, to_hex(value));
      break;
    case RecordForm::Text:
      out.set(name, std::string({reinterpret_cast<const char*>(value.data()), value.size()}));
      break;
    case RecordForm::Number:
      out.set(name, number(value));
      break;
    case RecordForm::Msat:
      out.set(name + (in_currency && record.type == 8 ? "" : "_msat"), number(value));
      break;
    case RecordForm::Time:
      set_time(out, name, UnixTime(number(value)));
      break;
    case RecordForm::Seconds:
      out.set(name + "_s", number(value));
      break;
    case RecordForm::Features:
      out.set(name, show(wire::FeatureBits(value)));
      break;
    case RecordForm::Chains:
      out.set(name, show_chains(value));
      break;
    case RecordForm::Paths:
      if (auto paths = wire::read_blinded_paths(value)) out.set(name, show(*paths));
      break;
    case RecordForm::PayInfos:
      out.set(name, show_payinfos(value));
      break;
    case RecordForm::HumanName:
      out.set(name, show_human_name(value));
      break;
    case RecordForm::Addresses: {
      List addresses;
      if (auto read = wire::read_addresses(value))
        for (const auto& address : *read) addresses.push_back(std::string(wire::to_text(address)));
      out.set(name, std::move(addresses));
      break;
    }
    case RecordForm::ProfileByte:
      out.set(name, doze::name(value.size() == 1 && value[0] == 1 ? Profile::Draft : Profile::Ldk));
      break;
  }
}

const char* why(const ParseError& error, Stream stream) {
  if (error.code == ParseCode::UnknownEven) return "an even type that is unknown must be refused";
  if (error.code == ParseCode::UnexpectedField)
    return stream == Stream::StaticInvoice ? "a static invoice must not have this field" : "not allowed here";
  return nullptr;
}

template <class T>
Result<Done, ParseError> tried(const Result<T, ParseError>& read) {
  if (!read) return fail(read.error());
  return Done{};
}

/// BOLT 12 defines no id of an offer. Ours, which is eclair's, is the merkle root; others show other values.
void set_offer_ids(Value& out, const offers::Offer& offer) {
  out.set("offer_id", offer.id().hex());
  out.set("offer_id_of_core_lightning", crypto::sha256(offer.bytes()).hex());
  out.set("offer_id_of_ldk", crypto::tagged_hash(bytes_of("LDK Offer ID"), {offer.id().view()}).hex());
}

Result<Done, ParseError> read_stream(Stream stream, ByteView bytes, Value& more) {
  switch (stream) {
    case Stream::Offer: {
      auto offer = offers::Offer::from_bytes(bytes);
      if (offer) set_offer_ids(more, *offer);
      return tried(offer);
    }
    case Stream::InvoiceRequest: {
      if (offers::is_without_offer(bytes)) return tried(offers::Refund::parse(bytes));
      auto request = offers::InvoiceRequest::parse(bytes);
      if (request) more.set("offer_id", request->offer_id().hex());
      return tried(request);
    }
    case Stream::Invoice: {
      auto invoice = offers::Invoice::parse(bytes);
      if (invoice) {
        if (invoice->offer()) more.set("offer_id", invoice->offer()->id().hex());
        set_time(more, "expires_at", invoice->expires_at());
      }
      return tried(invoice);
    }
    case Stream::StaticInvoice: {
      auto invoice = offers::StaticInvoice::parse(bytes);
      if (invoice) {
        more.set("profile", doze::name(invoice->profile())).set("offer_id", invoice->offer_id().hex());
        set_time(more, "expires_at", invoice->expires_at());
      }
      return tried(invoice);
    }
    case Stream::InvoiceError:
      return tried(offers::InvoiceError::parse(bytes));
    case Stream::Invitation: {
      auto text = offers::encode_text(offers::kInvitationPrefix, bytes);
      return tried(offers::Invitation::parse(text));
    }
  }
  return Done{};
}

}  // namespace

const char* name(Stream stream) {
  static constexpr const char* kNames[] = {"offer",          "invoice_request", "invoice",
                                           "static_invoice", "invoice_error",   "invitation"};
  return kNames[static_cast<std::size_t>(stream)];
}

std::vector<StreamRecord> records_of(Stream stream) {
  // An offer has the types below 80, a request adds those below 160 and a signature.
  auto allowed = [&](std::uint64_t type) {
    if (stream == Stream::Offer) return type >= 1 && type < 80;
    return stream != Stream::InvoiceRequest || type < 160 || type == 240;
  };
  std::vector<StreamRecord> out;
  for (const auto& record : table(stream))
    if (allowed(record.type)) out.push_back({record.type, record.name, record.fields});
  return out;
}

Value show_records(Stream stream, ByteView bytes) {
  Value out = Fields{};
  auto records = wire::parse_tlv_stream(bytes);
  if (!records) return out;
  bool in_currency = wire::find(*records, 6) != nullptr && table(stream).data() == kBolt12;
  for (const auto& record : *records) {
    const auto* known = find_record(stream, record.type);
    if (known == nullptr)
      out.set("unknown_" + std::to_string(record.type), to_hex(record.value));
    else
      show_record(out, *known, record.value, in_currency);
  }
  return out;
}

namespace {
/// BOLT 12, "Requirements for Invoice Requests": what any reader of a request must refuse because of the offer
/// in it. There is no clock here, so expiry is not checked; prices in other currencies cannot be.
std::optional<Problem> broken_terms(Stream stream, ByteView bytes) {
  if (stream != Stream::InvoiceRequest || offers::is_without_offer(bytes)) return std::nullopt;
  auto request = offers::InvoiceRequest::parse(bytes);
  if (!request) return std::nullopt;
  auto refusal = offers::check_request(*request, request->offer(), UnixTime(0));
  if (!refusal || refusal->code == offers::RefusalCode::CurrencyUnsupported) return std::nullopt;
  auto out = problem(name(stream), refusal->text(), "The issuer of the offer must refuse it.");
  if (refusal->field != 0) out.field = refusal->field;
  return out;
}
}  // namespace

Result<Value, Problem> decode_stream(Stream stream, ByteView bytes) {
  Value out;
  out.set("type", name(stream));
  auto read = read_stream(stream, bytes, out);
  if (!read) return fail(locate(stream, bytes, read.error()));
  if (auto refused = broken_terms(stream, bytes)) return fail(*std::move(refused));
  join(out, show_records(stream, bytes));
  bool merkle = stream == Stream::InvoiceRequest || stream == Stream::Invoice || stream == Stream::StaticInvoice;
  if (auto records = wire::parse_tlv_stream(bytes); records && merkle)
    out.set("merkle_root", offers::merkle_root(*records).hex());
  return out;
}

Problem locate(Stream stream, ByteView bytes, const ParseError& error) {
  Problem out = problem(name(stream), rule_of(error));
  std::string_view what = error.what;
  if (const auto* reason = why(error, stream)) out.rule += std::string(": ") + reason;
  if (what == "TLV type" || what == "TLV length" || what == "TLV value") {
    if (error.code == ParseCode::Truncated || error.code == ParseCode::NotMinimal ||
        error.code == ParseCode::TlvOrder) {
      out.at = static_cast<std::size_t>(error.where);
      return out;
    }
  }
  auto type = error.where;
  if (error.code == ParseCode::UnknownEven && what.ends_with("features")) {
    out.rule += " (feature bit " + std::to_string(type) + ")";
    const auto* record = find_record(stream, what);
    if (record == nullptr) record = find_record(stream, std::string_view("invoice_blindedpay"));
    if (record == nullptr) return out;
    type = record->type;
  }
  out.field = type;
  auto records = wire::parse_tlv_stream(bytes);
  if (!records) return out;
  std::size_t at = 0;
  for (const auto& record : *records) {
    if (record.type >= type) {
      out.at = at;
      const auto* known = find_record(stream, type);
      if (record.type != type || known == nullptr) return out;
      auto value_at = at + record.whole.size() - record.value.size();
      if (known->form == RecordForm::Paths)
        if (auto inside = broken_in_paths(record.value)) out.at = value_at + *inside;
      return out;
    }
    at += record.whole.size();
  }
  out.at = at;
  return out;
}

}  // namespace doze::toolbox
