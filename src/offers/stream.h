// Reading and writing the records of BOLT 12 streams. Only offers/*.cc include this.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/parse_error.h"
#include "base/result.h"
#include "base/units.h"
#include "offers/invoice.h"
#include "offers/refund.h"
#include "wire/blinded_path.h"
#include "wire/features.h"
#include "wire/tlv.h"

namespace doze::offers {

inline constexpr std::uint64_t kOfferChains = 2, kOfferMetadata = 4, kOfferCurrency = 6, kOfferAmount = 8,
                               kOfferDescription = 10, kOfferFeatures = 12, kOfferAbsoluteExpiry = 14, kOfferPaths = 16,
                               kOfferIssuer = 18, kOfferQuantityMax = 20, kOfferIssuerId = 22;
inline constexpr std::uint64_t kInvreqMetadata = 0, kInvreqChain = 80, kInvreqAmount = 82, kInvreqFeatures = 84,
                               kInvreqQuantity = 86, kInvreqPayerId = 88, kInvreqPayerNote = 89, kInvreqPaths = 90,
                               kInvreqBip353Name = 91;
inline constexpr std::uint64_t kInvoicePaths = 160, kInvoiceBlindedPay = 162, kInvoiceCreatedAt = 164,
                               kInvoiceRelativeExpiry = 166, kInvoicePaymentHash = 168, kInvoiceAmount = 170,
                               kInvoiceFallbacks = 172, kInvoiceFeatures = 174, kInvoiceNodeId = 176;
inline constexpr std::uint64_t kSignature = 240;
/// Name of the message in what the signature of a request signs.
inline constexpr std::string_view kRequestName = "invoice_request";

/// The records of a stream, taken field by field. The first problem is kept; after it every field reads as absent.
class FieldsIn {
 public:
  explicit FieldsIn(const std::vector<wire::TlvRecord>& records, Checks checks = Checks::All)
      : records_(&records), checks_(checks) {}

  void refuse(ParseCode code, std::uint64_t type, const char* what);
  [[nodiscard]] const std::optional<ParseError>& error() const { return error_; }
  [[nodiscard]] bool good() const { return !error_; }
  [[nodiscard]] Checks checks() const { return checks_; }

  /// Each marks the type as known. Absent: nullopt (or empty, where the type says nothing about presence).
  std::optional<ByteView> value(std::uint64_t type);
  std::optional<Bytes> bytes(std::uint64_t type);
  std::optional<std::uint64_t> tu(std::uint64_t type, std::size_t max_bytes, const char* what);
  std::optional<Msat> msat(std::uint64_t type, const char* what);
  std::optional<std::string> utf8(std::uint64_t type, const char* what);
  std::optional<PublicKey> point(std::uint64_t type, const char* what);
  /// A present list has at least one entry; with Checks::All, all points are on the curve.
  std::vector<wire::BlindedPath> paths(std::uint64_t type, const char* what);
  /// UnknownEven for an even bit that is not `known` (where = the bit).
  wire::FeatureBits features(std::uint64_t type, std::initializer_list<std::size_t> known, const char* what);
  template <class T>
  std::optional<T> fixed(std::uint64_t type, const char* what) {
    auto view = value(type);
    if (!view) return std::nullopt;
    auto out = T::from(*view);
    if (!out) refuse(ParseCode::BadLength, type, what);
    return out;
  }
  /// As the others, and MissingField if it is absent.
  template <class T>
  T required(std::optional<T> field, std::uint64_t type, const char* what) {
    if (!field) refuse(ParseCode::MissingField, type, what);
    return field ? *std::move(field) : T{};
  }
  /// Offer::from_bytes has judged the offer's records: finish() leaves them alone.
  void offer_is_checked() { offer_is_checked_ = true; }
  /// UnknownEven for even types that no reader asked for; UnexpectedField for types outside `allowed`.
  void finish(const std::function<bool(std::uint64_t)>& allowed);

 private:
  const std::vector<wire::TlvRecord>* records_;
  Checks checks_;
  std::vector<std::uint64_t> known_;
  bool offer_is_checked_ = false;
  std::optional<ParseError> error_;
};

/// The chosen records, byte for byte.
[[nodiscard]] Bytes select(const std::vector<wire::TlvRecord>& records, bool (*chosen)(std::uint64_t));
[[nodiscard]] Bytes select(ByteView stream, bool (*chosen)(std::uint64_t));

/// Records in any order, written in the right one.
class RecordsOut {
 public:
  RecordsOut& add(std::uint64_t type, ByteView value);
  RecordsOut& add_tu(std::uint64_t type, std::uint64_t value) { return add(type, wire::tu(value)); }
  RecordsOut& add_text(std::uint64_t type, const std::optional<std::string>& text);
  /// Those of a valid stream.
  RecordsOut& add_stream(ByteView stream);
  [[nodiscard]] Bytes take() const;
  /// With a signature over everything.
  [[nodiscard]] Bytes take_signed(std::string_view message_name, const PrivateKey& key);

 private:
  std::vector<std::pair<std::uint64_t, Bytes>> records_;
};

// ---- parts that several objects share ----

/// Types that a request may have, signed for an offer or not.
[[nodiscard]] bool belongs_in_request(std::uint64_t type);
/// The payer's fields. Bitcoin's main chain is not written.
[[nodiscard]] RequestFields read_request_fields(FieldsIn& in);
void write_request_fields(RecordsOut& out, const RequestFields& fields);
/// What a refund and the invoice for it have in the offer's range.
[[nodiscard]] RefundFields read_refund_fields(FieldsIn& in);
/// invoice_paths with their blindedpay, usable ones only.
[[nodiscard]] std::vector<PaymentPath> read_payment_paths(FieldsIn& in);
/// invoice_fallbacks, usable ones only.
[[nodiscard]] std::vector<FallbackAddress> read_fallbacks(FieldsIn& in);
void write_payment_paths(RecordsOut& out, const std::vector<PaymentPath>& paths);
/// BadSignature unless `signature` is there and right (with Checks::Stored: there).
void read_signature(FieldsIn& in, const std::vector<wire::TlvRecord>& records, std::string_view message_name,
                    const PublicKey& key);
[[nodiscard]] std::optional<Refusal> wrong_quantity(const Offer& offer, const std::optional<std::uint64_t>& quantity);
/// amount() times quantity against what is paid; `field` is blamed.
[[nodiscard]] std::optional<Refusal> wrong_amount(const Offer& offer, const std::optional<Msat>& amount,
                                                  const std::optional<std::uint64_t>& quantity);

}  // namespace doze::offers
