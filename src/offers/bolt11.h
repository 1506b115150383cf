// BOLT 11 invoices: a text that says what to pay, to whom and over which routes, signed by the payee.
//
// A Bolt11Invoice is valid as soon as it exists: reading and making apply the same rules. It keeps the text that it was
// read from, in lower case. The description is well-formed UTF-8 and otherwise untrusted.
// Fields of a wrong length: BOLT 11 asks a reader to fail for p, s, h and n, and lists among its valid examples one
// that has them besides valid ones. They are skipped; required fields must exist with their right length.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/parse_error.h"
#include "base/result.h"
#include "base/units.h"
#include "offers/refusal.h"
#include "wire/chains.h"
#include "wire/features.h"

namespace doze::offers {

/// Longest text that is parsed: what the largest QR code can hold, and LDK's limit.
inline constexpr std::size_t kMaxBolt11Length = 7'089;
/// Data of one field: 1,023 groups of five bits.
inline constexpr std::size_t kMaxBolt11FieldBytes = 639;
/// Where x and c are absent.
inline constexpr std::uint64_t kDefaultBolt11ExpiryS = 3'600;
inline constexpr CltvDelta kDefaultBolt11MinFinalDelta{18};

/// The fields, one type each, in the order in which an invoice has them.
namespace bolt11 {
struct PaymentSecret {
  Hash32 secret;
  friend bool operator==(const PaymentSecret&, const PaymentSecret&) = default;
};
struct Description {
  std::string text;
  friend bool operator==(const Description&, const Description&) = default;
};
struct DescriptionHash {
  Hash32 hash;
  friend bool operator==(const DescriptionHash&, const DescriptionHash&) = default;
};
struct Metadata {
  Bytes bytes;
  friend bool operator==(const Metadata&, const Metadata&) = default;
};
struct Payee {
  PublicKey node_id;
  friend bool operator==(const Payee&, const Payee&) = default;
};
struct Expiry {
  std::uint64_t seconds = 0;
  friend bool operator==(const Expiry&, const Expiry&) = default;
};
struct MinFinalCltvExpiryDelta {
  CltvDelta delta;
  friend bool operator==(const MinFinalCltvExpiryDelta&, const MinFinalCltvExpiryDelta&) = default;
};
/// Version 0 to 16: a witness program; 17: a public key hash; 18: a script hash.
struct Fallback {
  std::uint8_t version = 0;
  Bytes program;
  friend bool operator==(const Fallback&, const Fallback&) = default;
};
struct HintHop {
  NodeId node_id;  // where the channel starts
  ShortChannelId short_channel_id;
  std::uint32_t fee_base_msat = 0;
  std::uint32_t fee_proportional_millionths = 0;
  std::uint16_t cltv_expiry_delta = 0;
  friend bool operator==(const HintHop&, const HintHop&) = default;
};
/// A route from a public node to the payee; at least one hop.
struct RouteHint {
  std::vector<HintHop> hops;
  friend bool operator==(const RouteHint&, const RouteHint&) = default;
};
/// Unknown types, unknown versions of f, and p, s, h and n of a wrong length: kept unchanged.
struct Unknown {
  std::uint8_t type = 0;
  Bytes groups;
  friend bool operator==(const Unknown&, const Unknown&) = default;
};
using Field = std::variant<PaymentHash, PaymentSecret, Description, DescriptionHash, Metadata, Payee, Expiry,
                           MinFinalCltvExpiryDelta, Fallback, RouteHint, wire::FeatureBits, Unknown>;

/// Type and data of a field, in groups of five bits. A field longer than 1,023 groups: TooLarge.
[[nodiscard]] Result<Unknown, ParseError> encode(const Field& field);
/// BadLength, BadPoint, BadUtf8, NotMinimal (x, c, 9 with leading zeros), BadValue, UnknownEven (where = the feature's
/// bit); `where` is otherwise that of the caller.
[[nodiscard]] Result<Field, ParseError> decode(const Unknown& raw, std::size_t where);
}  // namespace bolt11

/// The contents of an invoice without its signature. p, s and one of d and h are needed.
struct Bolt11Terms {
  wire::Network network = wire::Network::Regtest;
  std::optional<Msat> amount;  // above zero
  UnixTime timestamp;          // below 2^35
  std::vector<bolt11::Field> fields;
};

class Bolt11Invoice {
 public:
  /// `lnbc…`, `lntb…`, `lntbs…`, `lnbcrt…`, all in one case. `where` of an error is the character at which the field
  /// or part concerned starts; of UnknownEven the feature's bit.
  [[nodiscard]] static Result<Bolt11Invoice, ParseError> parse(std::string_view text);
  /// `sign`: compact low-S ECDSA of a digest with the payee's key (Signer::sign_with_node_key), deterministic by RFC
  /// 6979. Fails as reading the result would; BadSignature if the signature is not `payee`'s.
  [[nodiscard]] static Result<Bolt11Invoice, ParseError> make(const Bolt11Terms& terms, const PublicKey& payee,
                                                              const std::function<Signature(const Hash32&)>& sign);

  [[nodiscard]] const std::string& text() const { return text_; }  // lower case
  [[nodiscard]] const Bolt11Terms& terms() const { return terms_; }
  /// What is signed. BOLT 11, "Data Part".
  [[nodiscard]] const Hash32& digest() const { return digest_; }
  [[nodiscard]] const PublicKey& payee() const { return payee_; }  // from n, or recovered

  [[nodiscard]] wire::Network network() const { return terms_.network; }
  [[nodiscard]] const std::optional<Msat>& amount() const { return terms_.amount; }
  [[nodiscard]] UnixTime timestamp() const { return terms_.timestamp; }
  [[nodiscard]] UnixTime expires_at() const;
  [[nodiscard]] bool expired(UnixTime now) const { return now > expires_at(); }
  // Of several fields of one kind the first one counts.
  [[nodiscard]] const PaymentHash& payment_hash() const { return *first<PaymentHash>(); }
  [[nodiscard]] const Hash32& payment_secret() const { return first<bolt11::PaymentSecret>()->secret; }
  [[nodiscard]] std::optional<std::string> description() const;
  [[nodiscard]] std::optional<Hash32> description_hash() const;
  [[nodiscard]] std::optional<Bytes> metadata() const;
  [[nodiscard]] CltvDelta min_final_cltv_expiry_delta() const;
  [[nodiscard]] wire::FeatureBits features() const;
  [[nodiscard]] std::vector<bolt11::RouteHint> route_hints() const;  // most preferred first
  [[nodiscard]] std::vector<bolt11::Fallback> fallbacks() const;     // most preferred first

  friend bool operator==(const Bolt11Invoice& a, const Bolt11Invoice& b) { return a.text_ == b.text_; }

 private:
  Bolt11Invoice() = default;
  template <class T>
  [[nodiscard]] const T* first() const {
    for (const auto& field : terms_.fields)
      if (const auto* found = std::get_if<T>(&field)) return found;
    return nullptr;
  }
  template <class T>
  [[nodiscard]] std::vector<T> all() const {
    std::vector<T> out;
    for (const auto& field : terms_.fields)
      if (const auto* found = std::get_if<T>(&field)) out.push_back(*found);
    return out;
  }

  std::string text_;
  Bolt11Terms terms_;
  Hash32 digest_;
  PublicKey payee_;
};

/// The text without `lightning:` in front and white space around it, in lower case, if it could be an invoice of BOLT
/// 11 for any network; nullopt for anything else. BOLT 11, "Encoding Overview".
[[nodiscard]] std::optional<std::string> bolt11_text(std::string_view text);

/// Why this invoice cannot be paid with these choices; nullopt: it can, and the amount is `amount` or, without one, the
/// invoice's. At most twice what it asks for. BOLT 11, "Payer / Payee Interactions".
[[nodiscard]] std::optional<Refusal> cannot_pay(const Bolt11Invoice& invoice, wire::Network network, UnixTime now,
                                                const std::optional<Msat>& amount);

}  // namespace doze::offers
