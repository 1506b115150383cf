#include "offers/bolt11.h"

#include <algorithm>

#include "base/bech32.h"
#include "crypto/crypto.h"

namespace doze::offers {

namespace {

constexpr std::size_t kTimestampGroups = 7, kSignatureGroups = 104, kTagGroups = 3;
constexpr std::uint64_t kMaxTimestamp = (1ULL << 35) - 1;

struct Prefix {
  std::string_view text;
  wire::Network network;
};
/// Longer ones before those that they start with. Testnets share one.
constexpr Prefix kPrefixes[] = {{"lnbcrt", wire::Network::Regtest},
                                {"lntbs", wire::Network::Signet},
                                {"lnbc", wire::Network::Mainnet},
                                {"lntb", wire::Network::Testnet4}};

struct Multiplier {
  char letter;
  std::uint64_t msat;
};
constexpr std::uint64_t kMsatPerBitcoin = 100'000'000'000;
constexpr Multiplier kMultipliers[] = {{'m', 100'000'000}, {'u', 100'000}, {'n', 100}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Digits without leading zeros; nullopt otherwise and beyond 64 bits.
std::optional<std::uint64_t> read_digits(std::string_view text) {
  if (text.empty() || text.front() == '0' || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  std::uint64_t out = 0;
  for (char c : text)
    if (__builtin_mul_overflow(out, std::uint64_t{10}, &out) ||
        __builtin_add_overflow(out, static_cast<std::uint64_t>(c - '0'), &out))
      return std::nullopt;
  return out;
}

/// "2500u". BOLT 11, "Human-Readable Part".
std::optional<Msat> read_amount(std::string_view text) {
  std::uint64_t unit = kMsatPerBitcoin;
  if (text.ends_with('p')) {
    // A tenth of a millisatoshi: the last digit must be 0.
    if (!text.ends_with("0p")) return std::nullopt;
    text.remove_suffix(2);
    unit = 1;
  } else if (!text.empty() && !is_digit(text.back())) {
    const auto* found = std::find_if(std::begin(kMultipliers), std::end(kMultipliers),
                                     [&](const auto& each) { return each.letter == text.back(); });
    if (found == std::end(kMultipliers)) return std::nullopt;
    text.remove_suffix(1);
    unit = found->msat;
  }
  auto digits = read_digits(text);
  std::uint64_t msat = 0;
  if (!digits || __builtin_mul_overflow(*digits, unit, &msat) || !Msat(msat).is_money()) return std::nullopt;
  return Msat(msat);
}

std::string write_amount(Msat amount) {
  if (amount.value() % kMsatPerBitcoin == 0) return std::to_string(amount.value() / kMsatPerBitcoin);
  for (const auto& [letter, msat] : kMultipliers)
    if (amount.value() % msat == 0) return std::to_string(amount.value() / msat) + letter;
  return std::to_string(amount.value()) + "0p";
}

Status<ParseError> read_hrp(std::string_view hrp, Bolt11Terms& terms) {
  const auto* prefix = std::find_if(std::begin(kPrefixes), std::end(kPrefixes),
                                    [&](const auto& each) { return hrp.starts_with(each.text); });
  if (prefix == std::end(kPrefixes)) return fail(ParseError{ParseCode::BadValue, 0, "prefix"});
  terms.network = prefix->network;
  auto amount = hrp.substr(prefix->text.size());
  if (amount.empty()) return Done{};
  // A letter first means another currency, not an amount of this one: "lntbx".
  if (!is_digit(amount.front())) return fail(ParseError{ParseCode::BadValue, 0, "prefix"});
  terms.amount = read_amount(amount);
  if (!terms.amount) return fail(ParseError{ParseCode::BadValue, prefix->text.size(), "amount"});
  return Done{};
}

std::string write_hrp(const Bolt11Terms& terms) {
  const auto* prefix = std::find_if(std::begin(kPrefixes), std::end(kPrefixes),
                                    [&](const auto& each) { return each.network == terms.network; });
  return std::string(prefix->text) + (terms.amount ? write_amount(*terms.amount) : "");
}

/// The human-readable part, and the groups with zero bits up to a whole byte.
Hash32 digest_of(std::string_view hrp, ByteView groups) {
  Bytes filled = to_bytes(groups);
  auto wanted = (groups.size() * 5 + 7) / 8;
  while (filled.size() % 8 != 0) filled.push_back(0);
  auto data = to_eight_bits(filled);
  LN_ASSERT(data && data->size() >= wanted);
  return crypto::sha256({bytes_of(hrp), ByteView(*data).first(wanted)});
}

/// Fields between timestamp and signature; `at`: the character at which `groups` start.
Status<ParseError> read_fields(ByteView groups, std::size_t at, std::vector<bolt11::Field>& out) {
  for (std::size_t next = 0; next < groups.size();) {
    auto where = at + next;
    if (groups.size() - next < kTagGroups) return fail(ParseError{ParseCode::Truncated, where, "field"});
    auto length = std::size_t{groups[next + 1]} * 32 + groups[next + 2];
    if (groups.size() - next - kTagGroups < length) return fail(ParseError{ParseCode::Truncated, where, "field"});
    auto raw = bolt11::Unknown{groups[next], to_bytes(groups.subspan(next + kTagGroups, length))};
    LN_TRY(field, bolt11::decode(raw, where));
    out.push_back(std::move(field));
    next += kTagGroups + length;
  }
  return Done{};
}

template <class T>
bool has(const Bolt11Terms& terms) {
  return std::any_of(terms.fields.begin(), terms.fields.end(),
                     [](const auto& field) { return std::holds_alternative<T>(field); });
}

Status<ParseError> check_fields(const Bolt11Terms& terms, std::size_t where) {
  if (!has<PaymentHash>(terms)) return fail(ParseError{ParseCode::MissingField, where, "payment_hash"});
  if (!has<bolt11::PaymentSecret>(terms)) return fail(ParseError{ParseCode::MissingField, where, "payment_secret"});
  bool plain = has<bolt11::Description>(terms), hashed = has<bolt11::DescriptionHash>(terms);
  if (!plain && !hashed) return fail(ParseError{ParseCode::MissingField, where, "description"});
  if (plain && hashed) return fail(ParseError{ParseCode::UnexpectedField, where, "description and its hash"});
  return Done{};
}

}  // namespace

Result<Bolt11Invoice, ParseError> Bolt11Invoice::parse(std::string_view text) {
  LN_TRY(parts, bech32_decode(text, kMaxBolt11Length));
  auto start = parts.hrp.size() + 1;
  if (parts.kind != Bech32Kind::Bech32) return fail(ParseError{ParseCode::BadChecksum, start, "bech32"});
  Bolt11Invoice out;
  out.text_ = bech32_encode(parts);
  LN_CHECK(read_hrp(parts.hrp, out.terms_));
  ByteView groups = parts.groups;
  if (groups.size() < kTimestampGroups + kSignatureGroups)
    return fail(ParseError{ParseCode::Truncated, start, "timestamp and signature"});
  std::uint64_t timestamp = 0;
  for (auto group : groups.first(kTimestampGroups)) timestamp = (timestamp << 5) | group;
  out.terms_.timestamp = UnixTime(timestamp);
  auto signed_groups = groups.first(groups.size() - kSignatureGroups);
  auto signature_at = start + signed_groups.size();
  LN_CHECK(read_fields(signed_groups.subspan(kTimestampGroups), start + kTimestampGroups, out.terms_.fields));
  LN_CHECK(check_fields(out.terms_, start));

  out.digest_ = digest_of(parts.hrp, signed_groups);
  auto bytes = to_eight_bits(groups.last(kSignatureGroups));
  LN_ASSERT(bytes && bytes->size() == Signature::kSize + 1);
  auto signature = *Signature::from(ByteView(*bytes).first(Signature::kSize));
  if (const auto* named = out.first<bolt11::Payee>()) {
    if (!crypto::ecdsa_verify(named->node_id, out.digest_, signature))
      return fail(ParseError{ParseCode::BadSignature, signature_at, "signature"});
    out.payee_ = named->node_id;
  } else {
    auto recovered = crypto::ecdsa_recover(out.digest_, signature, bytes->back());
    if (!recovered) return fail(ParseError{ParseCode::BadSignature, signature_at, "signature"});
    out.payee_ = *recovered;
  }
  return out;
}

Result<Bolt11Invoice, ParseError> Bolt11Invoice::make(const Bolt11Terms& terms, const PublicKey& payee,
                                                      const std::function<Signature(const Hash32&)>& sign) {
  if (terms.timestamp.value() > kMaxTimestamp) return fail(ParseError{ParseCode::TooLarge, 0, "timestamp"});
  if (terms.amount && (terms.amount->value() == 0 || !terms.amount->is_money()))
    return fail(ParseError{ParseCode::BadValue, 0, "amount"});
  Bech32 out{Bech32Kind::Bech32, write_hrp(terms), {}};
  for (std::size_t i = kTimestampGroups; i-- > 0;)
    out.groups.push_back(static_cast<std::uint8_t>((terms.timestamp.value() >> (5 * i)) & 31));
  for (const auto& field : terms.fields) {
    if (const auto* features = std::get_if<wire::FeatureBits>(&field); features != nullptr && features->empty())
      continue;
    LN_TRY(raw, bolt11::encode(field));
    out.groups.push_back(raw.type);
    out.groups.push_back(static_cast<std::uint8_t>(raw.groups.size() / 32));
    out.groups.push_back(static_cast<std::uint8_t>(raw.groups.size() % 32));
    append(out.groups, raw.groups);
  }
  auto digest = digest_of(out.hrp, out.groups);
  auto signature = sign(digest);
  std::uint8_t recovery_id = 0;
  while (recovery_id < 4 && crypto::ecdsa_recover(digest, signature, recovery_id) != payee) ++recovery_id;
  if (recovery_id == 4) return fail(ParseError{ParseCode::BadSignature, 0, "signature"});
  append(out.groups, to_five_bits(Writer().bytes(signature.view()).u8(recovery_id).view()));
  return parse(bech32_encode(out));
}

UnixTime Bolt11Invoice::expires_at() const {
  const auto* field = first<bolt11::Expiry>();
  return after_s(terms_.timestamp, field == nullptr ? kDefaultBolt11ExpiryS : field->seconds);
}

std::optional<std::string> Bolt11Invoice::description() const {
  const auto* field = first<bolt11::Description>();
  return field == nullptr ? std::nullopt : std::optional(field->text);
}

std::optional<Hash32> Bolt11Invoice::description_hash() const {
  const auto* field = first<bolt11::DescriptionHash>();
  return field == nullptr ? std::nullopt : std::optional(field->hash);
}

std::optional<Bytes> Bolt11Invoice::metadata() const {
  const auto* field = first<bolt11::Metadata>();
  return field == nullptr ? std::nullopt : std::optional(field->bytes);
}

CltvDelta Bolt11Invoice::min_final_cltv_expiry_delta() const {
  const auto* field = first<bolt11::MinFinalCltvExpiryDelta>();
  return field == nullptr ? kDefaultBolt11MinFinalDelta : field->delta;
}

wire::FeatureBits Bolt11Invoice::features() const {
  const auto* field = first<wire::FeatureBits>();
  return field == nullptr ? wire::FeatureBits() : *field;
}

std::vector<bolt11::RouteHint> Bolt11Invoice::route_hints() const {
  return all<bolt11::RouteHint>();
}

std::vector<bolt11::Fallback> Bolt11Invoice::fallbacks() const {
  return all<bolt11::Fallback>();
}

std::optional<std::string> bolt11_text(std::string_view text) {
  auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  constexpr std::string_view kScheme = "lightning:";
  auto lower_letter = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  if (text.size() > kScheme.size() &&
      std::equal(kScheme.begin(), kScheme.end(), text.begin(), [&](char a, char b) { return a == lower_letter(b); }))
    text.remove_prefix(kScheme.size());
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower_letter);
  bool fits = std::any_of(std::begin(kPrefixes), std::end(kPrefixes),
                          [&](const auto& prefix) { return out.starts_with(prefix.text); });
  if (!fits) return std::nullopt;
  // Mixed case is for bech32 to refuse: it comes back as it was.
  return bech32_lower(text).has_value() ? out : std::string(text);
}

std::optional<Refusal> cannot_pay(const Bolt11Invoice& invoice, wire::Network network, UnixTime now,
                                  const std::optional<Msat>& amount) {
  if (invoice.network() != network) return Refusal{RefusalCode::WrongChain};
  if (invoice.expired(now)) return Refusal{RefusalCode::Expired, 0, invoice.expires_at().value()};
  if (auto bit = wire::missing_dependency(invoice.features())) return Refusal{RefusalCode::FeatureDependency, 0, *bit};
  if (!amount && !invoice.amount()) return Refusal{RefusalCode::AmountMissing};
  if (!amount) return std::nullopt;
  if (!amount->is_money()) return Refusal{RefusalCode::AmountTooLarge};
  auto asked = invoice.amount().value_or(*amount);
  if (*amount < asked || amount->value() == 0)
    return Refusal{RefusalCode::AmountTooLow, 0, std::max<std::uint64_t>(asked.value(), 1), amount->value()};
  if (amount->value() / 2 > asked.value() || (amount->value() / 2 == asked.value() && amount->value() % 2 != 0))
    return Refusal{RefusalCode::AmountTooHigh, 0, asked.value(), amount->value()};
  return std::nullopt;
}

}  // namespace doze::offers
