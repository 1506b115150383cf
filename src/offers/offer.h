// Offers: what can be paid, for how much, and where to ask for an invoice. BOLT 12, "Offers".
//
// An Offer is valid as soon as it exists: reading and making apply the same rules. It keeps the bytes that it was read
// from, because requests and invoices repeat them exactly, unknown odd records included.
// Text fields are well-formed UTF-8 and otherwise untrusted: escape_untrusted before they are shown.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/parse_error.h"
#include "base/result.h"
#include "base/units.h"
#include "offers/refusal.h"
#include "wire/blinded_path.h"
#include "wire/features.h"

namespace doze::offers {

/// Types 1 to 79 and 1,000,000,000 to 1,999,999,999.
[[nodiscard]] constexpr bool is_offer_type(std::uint64_t type) {
  return (type >= 1 && type <= 79) || (type >= 1'000'000'000 && type <= 1'999'999'999);
}

/// A price in the smallest unit of a currency, which has three letters in ISO 4217.
struct CurrencyAmount {
  std::string currency;
  std::uint64_t amount = 0;
};

/// How much of an object is checked when it is read.
enum class Checks : std::uint8_t {
  All,
  PathsLater,  // not whether the keys in paths are points, which costs 4 µs each: users of a path call on_the_curve
  Stored,      // nor the signature: we made it, or have read it before
};
/// Whether all keys of a path are points. Call it before using a path that was read without All.
[[nodiscard]] bool on_the_curve(const wire::BlindedPath& path);

/// The contents of one of our offers. Either `issuer_id` or at least one path is needed, and a description if there is
/// an amount.
struct OfferTerms {
  std::vector<ChainHash> chains;                  // empty: bitcoin's main chain. An async offer names at most one
  std::optional<Bytes> metadata;                  // for us alone: we recognise a path-only offer by it
  std::optional<Msat> amount;                     // per item; above zero
  std::optional<CurrencyAmount> currency_amount;  // instead of `amount`. We do not convert: for others to test with
  std::optional<std::string> description;
  std::optional<UnixTime> absolute_expiry;
  std::vector<wire::BlindedPath> paths;
  std::optional<std::string> issuer;
  std::optional<std::uint64_t>
      quantity_max;  // 0: any number of items; absent: exactly one, and no quantity in requests
  std::optional<PublicKey> issuer_id;
};

class Offer {
 public:
  /// `lno1…`
  [[nodiscard]] static Result<Offer, ParseError> parse(std::string_view text);
  /// The TLV stream. Where the code is about a record, `where` is its type.
  [[nodiscard]] static Result<Offer, ParseError> from_bytes(ByteView stream, Checks checks = Checks::All);
  /// Fails as reading the result would.
  [[nodiscard]] static Result<Offer, ParseError> make(const OfferTerms& terms);

  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] std::string text() const;
  /// Merkle root of all records, computed anew: about 5 µs.
  [[nodiscard]] OfferId id() const;

  [[nodiscard]] const std::vector<ChainHash>& chains() const { return chains_; }  // as written; empty: bitcoin
  [[nodiscard]] bool accepts(const ChainHash& chain) const;
  [[nodiscard]] const std::optional<Bytes>& metadata() const { return metadata_; }
  /// Per item, in millisatoshi; nullopt if there is none or it is in another currency.
  [[nodiscard]] std::optional<Msat> amount() const;
  [[nodiscard]] const std::optional<std::string>& currency() const { return currency_; }  // ISO 4217, three letters
  [[nodiscard]] std::optional<std::uint64_t> currency_amount() const;  // in the smallest unit of the currency
  [[nodiscard]] const std::optional<std::string>& description() const { return description_; }
  [[nodiscard]] const wire::FeatureBits& features() const { return features_; }
  [[nodiscard]] const std::optional<UnixTime>& absolute_expiry() const { return absolute_expiry_; }
  [[nodiscard]] bool expired(UnixTime now) const { return absolute_expiry_ && now > *absolute_expiry_; }
  [[nodiscard]] const std::vector<wire::BlindedPath>& paths() const { return paths_; }
  [[nodiscard]] const std::optional<std::string>& issuer() const { return issuer_; }
  [[nodiscard]] const std::optional<std::uint64_t>& quantity_max() const { return quantity_max_; }
  [[nodiscard]] const std::optional<PublicKey>& issuer_id() const { return issuer_id_; }
  /// Whether an invoice for this offer may be signed by this key: the issuer_id, or without one the last
  /// blinded_node_id of any path (a request may have gone over several of them).
  [[nodiscard]] bool names(const PublicKey& node_id) const;

  friend bool operator==(const Offer& a, const Offer& b) { return a.bytes_ == b.bytes_; }

 private:
  Offer() = default;
  Bytes bytes_;
  std::vector<ChainHash> chains_;
  std::optional<Bytes> metadata_;
  std::optional<std::string> currency_;
  std::optional<std::uint64_t> amount_;
  std::optional<std::string> description_;
  wire::FeatureBits features_;
  std::optional<UnixTime> absolute_expiry_;
  std::vector<wire::BlindedPath> paths_;
  std::optional<std::string> issuer_;
  std::optional<std::uint64_t> quantity_max_;
  std::optional<PublicKey> issuer_id_;
};

/// What the offer asks for that many items (nullopt: one). nullopt: no price in millisatoshi, or above 21 million
/// bitcoin.
[[nodiscard]] std::optional<Msat> expected_amount(const Offer& offer, std::optional<std::uint64_t> quantity);

/// Why this offer cannot be paid with these choices; nullopt: it can, and the amount is `amount` or, without one,
/// amount() times quantity. `amount` is needed where the offer has no price in millisatoshi.
[[nodiscard]] std::optional<Refusal> cannot_pay(const Offer& offer, const ChainHash& chain, UnixTime now,
                                                const std::optional<Msat>& amount,
                                                const std::optional<std::uint64_t>& quantity);

}  // namespace doze::offers
