// Tagged fields of BOLT 11: type, length and data in groups of five bits.
#include <algorithm>

#include "base/bech32.h"
#include "crypto/crypto.h"
#include "offers/bolt11.h"

namespace doze::offers::bolt11 {

namespace {

// BOLT 11, "Tagged Fields".
constexpr std::uint8_t kPaymentHash = 1, kRouteHint = 3, kFeatures = 5, kExpiry = 6, kFallback = 9, kDescription = 13,
                       kPaymentSecret = 16, kPayee = 19, kDescriptionHash = 23, kMinFinal = 24, kMetadata = 27;
constexpr std::size_t kMaxGroups = 1'023, kHashGroups = 52, kPointGroups = 53;
constexpr std::size_t kHintHopBytes = 33 + 8 + 4 + 4 + 2;
constexpr std::uint8_t kPubkeyHash = 17, kScriptHash = 18;

/// Compulsory bits that an invoice may have: we know what they ask of a payer.
constexpr std::size_t kKnownEven[] = {wire::kVarOnion, wire::kPaymentSecret, wire::kBasicMpp, wire::kRouteBlinding,
                                      wire::kPaymentMetadata};

struct FieldReader {
  const Unknown& raw;
  std::size_t where;

  [[nodiscard]] ParseError error(ParseCode code, const char* what) const { return {code, where, what}; }

  /// Big endian without leading zeros.
  [[nodiscard]] Result<std::uint64_t, ParseError> number(const char* what) const {
    if (!raw.groups.empty() && raw.groups.front() == 0) return fail(error(ParseCode::NotMinimal, what));
    std::uint64_t out = 0;
    for (auto group : raw.groups) {
      if (out >> 59 != 0) return fail(error(ParseCode::TooLarge, what));
      out = (out << 5) | group;
    }
    return out;
  }
  [[nodiscard]] Result<Bytes, ParseError> bytes(const char* what) const {
    auto out = to_eight_bits_any_padding(raw.groups);
    if (!out) return fail(error(ParseCode::BadLength, what));
    return *std::move(out);
  }
  [[nodiscard]] Hash32 hash() const { return *Hash32::from(*to_eight_bits_any_padding(raw.groups)); }

  [[nodiscard]] Result<Field, ParseError> description() const {
    LN_TRY(text, bytes("description"));
    if (!is_utf8(text)) return fail(error(ParseCode::BadUtf8, "description"));
    return Field(Description{std::string(text.begin(), text.end())});
  }
  [[nodiscard]] Result<Field, ParseError> payee() const {
    auto point = crypto::parse_point(*to_eight_bits_any_padding(raw.groups));
    if (!point) return fail(error(ParseCode::BadPoint, "payee"));
    return Field(Payee{*point});
  }
  [[nodiscard]] Result<Field, ParseError> min_final() const {
    LN_TRY(blocks, number("min_final_cltv_expiry_delta"));
    if (blocks > UINT32_MAX) return fail(error(ParseCode::TooLarge, "min_final_cltv_expiry_delta"));
    return Field(MinFinalCltvExpiryDelta{CltvDelta(static_cast<std::uint32_t>(blocks))});
  }
  [[nodiscard]] Result<Field, ParseError> fallback() const {
    if (raw.groups.empty()) return fail(error(ParseCode::BadLength, "fallback address"));
    auto version = raw.groups.front();
    if (version > kScriptHash) return Field(raw);
    auto program = to_eight_bits_any_padding(ByteView(raw.groups).subspan(1));
    bool fits = program && (version >= kPubkeyHash ? program->size() == 20
                            : version == 0         ? program->size() == 20 || program->size() == 32
                                                   : program->size() >= 2 && program->size() <= 40);
    if (!fits) return fail(error(ParseCode::BadLength, "fallback address"));
    return Field(Fallback{version, *std::move(program)});
  }
  [[nodiscard]] Result<Field, ParseError> route_hint() const {
    LN_TRY(data, bytes("route hint"));
    if (data.empty() || data.size() % kHintHopBytes != 0) return fail(error(ParseCode::BadLength, "route hint"));
    RouteHint out;
    for (Reader in(data); in.remaining() != 0;) {
      HintHop hop;
      auto node = crypto::parse_point(in.bytes(33));
      if (!node) return fail(error(ParseCode::BadPoint, "route hint"));
      hop.node_id = *node;
      hop.short_channel_id = ShortChannelId(in.u64());
      hop.fee_base_msat = in.u32();
      hop.fee_proportional_millionths = in.u32();
      hop.cltv_expiry_delta = in.u16();
      out.hops.push_back(hop);
    }
    return Field(std::move(out));
  }
  [[nodiscard]] Result<Field, ParseError> features() const {
    if (!raw.groups.empty() && raw.groups.front() == 0) return fail(error(ParseCode::NotMinimal, "features"));
    wire::FeatureBits out;
    for (std::size_t bit = 0; bit < raw.groups.size() * 5; ++bit) {
      if (((raw.groups[raw.groups.size() - 1 - bit / 5] >> (bit % 5)) & 1) == 0) continue;
      bool known = std::find(std::begin(kKnownEven), std::end(kKnownEven), bit) != std::end(kKnownEven);
      if (bit % 2 == 0 && !known) return fail(ParseError{ParseCode::UnknownEven, bit, "feature"});
      out.set(bit);
    }
    return Field(std::move(out));
  }
};

Bytes groups_of(std::uint64_t number) {
  Bytes out;
  for (; number != 0; number >>= 5) out.insert(out.begin(), static_cast<std::uint8_t>(number & 31));
  return out;
}

Bytes groups_of(const wire::FeatureBits& features) {
  auto bits = features.bits();
  if (bits.empty()) return {};
  Bytes out(bits.back() / 5 + 1);
  for (auto bit : bits) {
    auto& group = out[out.size() - 1 - bit / 5];
    group = static_cast<std::uint8_t>(group | (1U << (bit % 5)));
  }
  return out;
}

Bytes groups_of(const RouteHint& hint) {
  Writer out;
  for (const auto& hop : hint.hops)
    out.bytes(hop.node_id.view())
        .u64(hop.short_channel_id.value())
        .u32(hop.fee_base_msat)
        .u32(hop.fee_proportional_millionths)
        .u16(hop.cltv_expiry_delta);
  return to_five_bits(out.view());
}

Bytes groups_of(const Fallback& fallback) {
  Bytes out{fallback.version};
  append(out, to_five_bits(fallback.program));
  return out;
}

struct Encoder {
  Unknown operator()(const PaymentHash& field) const { return {kPaymentHash, to_five_bits(field.view())}; }
  Unknown operator()(const PaymentSecret& field) const { return {kPaymentSecret, to_five_bits(field.secret.view())}; }
  Unknown operator()(const Description& field) const { return {kDescription, to_five_bits(bytes_of(field.text))}; }
  Unknown operator()(const DescriptionHash& field) const { return {kDescriptionHash, to_five_bits(field.hash.view())}; }
  Unknown operator()(const Metadata& field) const { return {kMetadata, to_five_bits(field.bytes)}; }
  Unknown operator()(const Payee& field) const { return {kPayee, to_five_bits(field.node_id.view())}; }
  Unknown operator()(const Expiry& field) const { return {kExpiry, groups_of(field.seconds)}; }
  Unknown operator()(const MinFinalCltvExpiryDelta& field) const { return {kMinFinal, groups_of(field.delta.value())}; }
  Unknown operator()(const Fallback& field) const { return {kFallback, groups_of(field)}; }
  Unknown operator()(const RouteHint& field) const { return {kRouteHint, groups_of(field)}; }
  Unknown operator()(const wire::FeatureBits& field) const { return {kFeatures, groups_of(field)}; }
  Unknown operator()(const Unknown& field) const { return field; }
};

}  // namespace

Result<Unknown, ParseError> encode(const Field& field) {
  auto out = std::visit(Encoder{}, field);
  if (out.groups.size() > kMaxGroups) return fail(ParseError{ParseCode::TooLarge, kMaxGroups, "field"});
  return out;
}

Result<Field, ParseError> decode(const Unknown& raw, std::size_t where) {
  FieldReader in{raw, where};
  switch (raw.type) {
    case kPaymentHash:
      if (raw.groups.size() != kHashGroups) return Field(raw);
      return Field(convert<PaymentHash>(in.hash()));
    case kPaymentSecret:
      if (raw.groups.size() != kHashGroups) return Field(raw);
      return Field(PaymentSecret{in.hash()});
    case kDescriptionHash:
      if (raw.groups.size() != kHashGroups) return Field(raw);
      return Field(DescriptionHash{in.hash()});
    case kPayee:
      if (raw.groups.size() != kPointGroups) return Field(raw);
      return in.payee();
    case kDescription:
      return in.description();
    case kMetadata: {
      LN_TRY(metadata, in.bytes("metadata"));
      return Field(Metadata{std::move(metadata)});
    }
    case kExpiry: {
      LN_TRY(seconds, in.number("expiry"));
      return Field(Expiry{seconds});
    }
    case kMinFinal:
      return in.min_final();
    case kFallback:
      return in.fallback();
    case kRouteHint:
      return in.route_hint();
    case kFeatures:
      return in.features();
    default:
      return Field(raw);
  }
}

}  // namespace doze::offers::bolt11
