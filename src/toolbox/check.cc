#include "toolbox/check.h"

#include <algorithm>
#include <functional>

#include "crypto/crypto.h"
#include "offers/merkle.h"
#include "offers/static_invoice.h"
#include "toolbox/streams.h"
#include "wire/tlv.h"

namespace doze::toolbox {

namespace {

using RecordList = std::vector<wire::TlvRecord>;

constexpr std::uint64_t kPaths = 160, kBlindedPay = 162, kCreatedAt = 164, kRelativeExpiry = 166, kPaymentHash = 168,
                        kAmount = 170, kFallbacks = 172, kFeatures = 174, kNodeId = 176, kSignature = 240;
constexpr std::uint64_t kMessagePathsLdk = wire::kLdk.static_invoice_message_paths,
                        kMessagePathsDraft = wire::kDraft.static_invoice_message_paths;

std::string counted(std::size_t count, const char* of) {
  return std::to_string(count) + " " + of + (count == 1 ? "" : "s");
}

std::string listed(const std::vector<std::uint64_t>& types) {
  std::string out;
  for (auto type : types) out += (out.empty() ? "" : ", ") + std::to_string(type);
  return out;
}

std::vector<std::uint64_t> types_if(const RecordList& records, const std::function<bool(std::uint64_t)>& chosen) {
  std::vector<std::uint64_t> out;
  for (const auto& record : records)
    if (chosen(record.type)) out.push_back(record.type);
  return out;
}

/// Of a record: readable, at least one, every point on the curve.
std::optional<std::vector<wire::BlindedPath>> good_paths(const wire::TlvRecord* record) {
  if (record == nullptr) return std::nullopt;
  auto paths = wire::read_blinded_paths(record->value);
  if (!paths || paths->empty()) return std::nullopt;
  for (const auto& path : *paths) {
    const auto* node = std::get_if<NodeId>(&path.first_node_id);
    if ((node != nullptr && !crypto::is_valid(*node)) || !crypto::is_valid(path.first_path_key)) return std::nullopt;
    for (const auto& hop : path.path)
      if (!crypto::is_valid(hop.blinded_node_id)) return std::nullopt;
  }
  return *std::move(paths);
}

struct PayInfos {
  std::size_t count = 0, usable = 0;
  bool whole = true;
};
PayInfos read_payinfos(ByteView value) {
  PayInfos out;
  Reader in(value);
  while (in.remaining() != 0) {
    auto info = wire::read_blinded_payinfo(in);
    if (!info) {
      out.whole = false;
      return out;
    }
    auto bits = wire::FeatureBits(info->features).bits();
    out.usable += std::none_of(bits.begin(), bits.end(), [](auto bit) { return bit % 2 == 0; }) ? 1 : 0;
    ++out.count;
  }
  return out;
}

struct Judge {
  const RecordList& records;
  std::vector<Rule>& rules;

  [[nodiscard]] const wire::TlvRecord* at(std::uint64_t type) const { return wire::find(records, type); }
  void rule(std::string what, bool passed, std::string detail = {}) {
    rules.push_back({std::move(what), passed, std::move(detail)});
  }
};

void judge_records(Judge& judge) {
  auto wrong = types_if(judge.records, [](auto type) { return offers::is_request_type(type); });
  judge.rule("no field of an invoice_request (0, 80 to 159, 2000000000 to 2999999999)", wrong.empty(), listed(wrong));
  judge.rule("no invoice_payment_hash (168)", judge.at(kPaymentHash) == nullptr);
  judge.rule("no invoice_amount (170)", judge.at(kAmount) == nullptr);
  auto unknown = types_if(judge.records, [](auto type) {
    static constexpr std::uint64_t kKnown[] = {
        kPaths,  kBlindedPay,      kCreatedAt,         kRelativeExpiry, kFallbacks,   kFeatures,
        kNodeId, kMessagePathsLdk, kMessagePathsDraft, kSignature,      kPaymentHash, kAmount};
    return type % 2 == 0 && !offers::is_mirrored_type(type) &&
           std::find(std::begin(kKnown), std::end(kKnown), type) == std::end(kKnown);
  });
  judge.rule("no unknown even type", unknown.empty(), listed(unknown));
}

void judge_payment_paths(Judge& judge) {
  auto paths = good_paths(judge.at(kPaths));
  judge.rule("invoice_paths (160): at least one, all points on the curve", paths.has_value(),
             paths ? counted(paths->size(), "path") : "");
  const auto* record = judge.at(kBlindedPay);
  auto infos = record == nullptr ? PayInfos{0, 0, false} : read_payinfos(record->value);
  judge.rule("invoice_blindedpay (162): one for each path", infos.whole && paths && infos.count == paths->size(),
             record == nullptr ? "missing" : counted(infos.count, "payinfo"));
  judge.rule("a payment path that requires no unknown feature", infos.usable > 0);
}

void judge_times(Judge& judge, const offers::Offer& offer, UnixTime now) {
  const auto* created = judge.at(kCreatedAt);
  auto created_at = created == nullptr ? std::nullopt : wire::read_tu(created->value, 8);
  judge.rule("invoice_created_at (164): present, as a truncated integer", created_at.has_value(),
             created_at ? time_text(UnixTime(*created_at)) : "");
  const auto* relative = judge.at(kRelativeExpiry);
  auto life = relative == nullptr ? std::optional<std::uint64_t>(offers::kDefaultStaticInvoiceExpiryS)
                                  : wire::read_tu(relative->value, 4);
  judge.rule("invoice_relative_expiry (166): absent (two weeks) or a truncated integer of 4 bytes", life.has_value(),
             life ? std::to_string(*life) + " s" : "");
  auto end = created_at && life ? std::optional(after_s(UnixTime(*created_at), *life)) : std::nullopt;
  judge.rule("the invoice has not expired", end && now <= *end, end ? "expires " + time_text(*end) : "");
  judge.rule("the offer has not expired", !offer.expired(now),
             offer.absolute_expiry() ? "expires " + time_text(*offer.absolute_expiry()) : "no expiry");
}

std::string judge_message_paths(Judge& judge) {
  bool ldk = judge.at(kMessagePathsLdk) != nullptr, draft = judge.at(kMessagePathsDraft) != nullptr;
  judge.rule("message paths in one profile: 236 (ldk) or 178 (draft)", ldk != draft,
             ldk && draft   ? "both"
             : ldk || draft ? ""
                            : "neither");
  auto paths = good_paths(judge.at(draft ? kMessagePathsDraft : kMessagePathsLdk));
  auto least = draft && !ldk ? offers::kMinMessagePathsDraft : 1;
  judge.rule(
      "message paths: at least " + std::string(least == 1 ? "one" : "two (the draft's)") + ", all points on the curve",
      paths && paths->size() >= least, paths ? counted(paths->size(), "path") : "");
  return ldk == draft ? "none" : name(draft ? Profile::Draft : Profile::Ldk);
}

void judge_key(Judge& judge, const offers::Offer& offer) {
  const auto* record = judge.at(kNodeId);
  auto key = record == nullptr ? std::nullopt : crypto::parse_point(record->value);
  judge.rule("invoice_node_id (176): a point", key.has_value());
  judge.rule(offer.issuer_id() ? "invoice_node_id is the offer's issuer_id"
                               : "invoice_node_id is the last blinded_node_id of a path of the offer",
             key && offer.names(*key));
  const auto* signature = judge.at(kSignature);
  auto value = signature == nullptr ? std::nullopt : SchnorrSignature::from(signature->value);
  judge.rule("signature (240): 64 bytes", value.has_value(), signature == nullptr ? "missing" : "");
  judge.rule("the signature of invoice_node_id over the merkle root, with the tag of static_invoice",
             key && value && offers::verify("static_invoice", judge.records, *key, *value));
}

}  // namespace

bool Checked::passed() const {
  return !rules.empty() && std::all_of(rules.begin(), rules.end(), [](const Rule& rule) { return rule.passed; });
}

Checked check_static_invoice_rules(ByteView offer_bytes, ByteView invoice, UnixTime now) {
  Checked out{"none", {}};
  auto offer = offers::Offer::from_bytes(offer_bytes);
  out.rules.push_back({"the offer is valid", offer.has_value(), offer ? "" : rule_of(offer.error())});
  auto records = wire::parse_tlv_stream(invoice);
  out.rules.push_back({"the invoice is a TLV stream: types increasing, lengths minimal, not truncated",
                       records.has_value(), records ? "" : describe(records.error())});
  if (!offer || !records) return out;
  Judge judge{*records, out.rules};
  Bytes repeated;
  for (const auto& record : *records)
    if (offers::is_offer_type(record.type)) append(repeated, record.whole);
  judge.rule("it contains the offer's records byte for byte", equal(repeated, offer_bytes));
  judge.rule("offer_paths (16): at least one", !offer->paths().empty());
  judge.rule("offer_chains (2): at most one", offer->chains().size() <= 1);
  judge_records(judge);
  judge_payment_paths(judge);
  out.profile = judge_message_paths(judge);
  judge_key(judge, *offer);
  judge_times(judge, *offer, now);
  const auto* features = judge.at(kFeatures);
  auto bits = features == nullptr ? std::vector<std::size_t>{} : wire::FeatureBits(features->value).bits();
  auto bad = std::find_if(bits.begin(), bits.end(), [](auto bit) { return bit % 2 == 0; });
  judge.rule(
      "invoice_features (174): no compulsory bit (payments in several parts are not supported, the others are unknown)",
      bad == bits.end(), bad == bits.end() ? "" : "bit " + std::to_string(*bad));
  return out;
}

}  // namespace doze::toolbox
