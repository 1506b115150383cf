// Static invoices: no payment_hash, no amount; somebody else hands them out while the recipient sleeps. bolts #1149.
//
// The record of the message paths is 236 in LDK's profile and 178 in the draft's; each is an unknown even type to a
// reader of the other, so an invoice has exactly one of them, and it tells the profile of everything that follows.
#pragma once

#include <optional>
#include <vector>

#include "offers/invoice.h"
#include "wire/numbers.h"

namespace doze::offers {

/// Life of a static invoice that does not say: two weeks.
inline constexpr std::uint32_t kDefaultStaticInvoiceExpiryS = 1'209'600;
/// Message paths that a draft reader expects at least. LDK's form needs one.
inline constexpr std::size_t kMinMessagePathsDraft = 2;

struct StaticInvoiceTerms {
  Profile profile = Profile::Ldk;
  std::vector<PaymentPath> payment_paths;        // best first, at least one
  std::vector<wire::BlindedPath> message_paths;  // for held_htlc_available; two in the draft's profile
  UnixTime created_at;
  std::uint32_t relative_expiry_s = kDefaultStaticInvoiceExpiryS;
  wire::FeatureBits features;  // LDK recipients set 17; set it only if several parts are taken
  PrivateKey node_key;         // of the issuer_id, or of the last blinded_node_id of an offer path
};

class StaticInvoice {
 public:
  /// Everything is checked that the bytes alone can tell: no request fields, payment_hash or amount; offer_paths and
  /// one chain at most; at least one message path (an empty list could never be paid); the offer names the key;
  /// signature.
  [[nodiscard]] static Result<StaticInvoice, ParseError> parse(ByteView stream, Checks checks = Checks::All);
  /// Repeats the offer's records. Fails as reading the result would (but the paths' keys are the caller's business),
  /// and with BadValue for too few draft message paths.
  [[nodiscard]] static Result<StaticInvoice, ParseError> make(const Offer& offer, const StaticInvoiceTerms& terms);

  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] Profile profile() const { return profile_; }
  [[nodiscard]] const Offer& offer() const { return offer_; }
  [[nodiscard]] OfferId offer_id() const { return offer_.id(); }
  /// Usable ones only, as in Invoice.
  [[nodiscard]] const std::vector<PaymentPath>& payment_paths() const { return payment_paths_; }
  [[nodiscard]] const std::vector<wire::BlindedPath>& message_paths() const { return message_paths_; }
  [[nodiscard]] UnixTime created_at() const { return created_at_; }
  [[nodiscard]] UnixTime expires_at() const { return after_s(created_at_, relative_expiry_s_); }
  [[nodiscard]] bool expired(UnixTime now) const { return now > expires_at(); }
  [[nodiscard]] const wire::FeatureBits& features() const { return features_; }
  [[nodiscard]] const PublicKey& node_id() const { return node_id_; }

 private:
  explicit StaticInvoice(Offer offer) : offer_(std::move(offer)) {}
  Bytes bytes_;
  Profile profile_ = Profile::Ldk;
  Offer offer_;
  std::vector<PaymentPath> payment_paths_;
  std::vector<wire::BlindedPath> message_paths_;
  UnixTime created_at_;
  std::uint32_t relative_expiry_s_ = 0;
  wire::FeatureBits features_;
  PublicKey node_id_;
};

/// Whether no amount fits into any of its payment paths: how a recipient tells its server, of whichever kind, that the
/// offer is withdrawn. An empty list is not one.
[[nodiscard]] bool is_withdrawn(const StaticInvoice& invoice);

/// Whether these bytes of a valid static invoice repeat exactly this offer.
[[nodiscard]] bool repeats(ByteView static_invoice, const Offer& offer);

/// Why a payer of `offer` must not pay this static invoice, and a server not hand it out; nullopt: they may. The
/// offer's own expiry counts as well.
[[nodiscard]] std::optional<Refusal> check_static_invoice(const StaticInvoice& invoice, const Offer& offer,
                                                          UnixTime now);

}  // namespace doze::offers
