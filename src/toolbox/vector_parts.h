// Pieces of which the vectors are made. Only toolbox/vectors*.cc include this.
#pragma once

#include <functional>

#include "offers/static_invoice.h"
#include "onion/message_contents.h"
#include "toolbox/flags.h"
#include "toolbox/vectors.h"

namespace doze::toolbox {

inline constexpr const char* kVectorSeed = "doze vectors";
inline const UnixTime kVectorTime{1'750'000'000};

/// Of the vectors' seed: as `doze keys NAME --seed "doze vectors"` says.
[[nodiscard]] PrivateKey vector_key(const std::string& name);
[[nodiscard]] PublicKey vector_point(const std::string& name);
/// From one node to another; session key, path_id and all are derived from the names.
[[nodiscard]] wire::BlindedPath vector_path(const std::vector<std::string>& nodes, const std::string& label);

/// The records of a stream, to be broken.
class Records {
 public:
  explicit Records(ByteView stream);
  Records& drop(std::uint64_t type);
  Records& put(std::uint64_t type, ByteView value);  // in its place, instead of one that is there
  Records& append(std::uint64_t type, ByteView value);
  Records& swap(std::size_t a, std::size_t b);
  [[nodiscard]] Bytes value(std::uint64_t type) const;
  [[nodiscard]] Bytes bytes() const;
  /// Signed: record 240 covers all others.
  [[nodiscard]] Bytes signed_by(const PrivateKey& key, const std::string& message_name) const;

 private:
  std::vector<std::pair<std::uint64_t, Bytes>> records_;
};

class CaseList {
 public:
  /// `kind` of all cases; each of them contains `fields`.
  CaseList(std::string kind, List* to) : kind_(std::move(kind)), to_(to) {}
  /// Reads it and writes down what is expected: the fields that were read, without texts that repeat others.
  Value& valid(const std::string& name, ByteView input, const Value& more = Fields{});
  /// `error`: words of the rule, as in ParseCode.
  void invalid(const std::string& name, ByteView input, const std::string& reason, const std::string& error,
               const Value& more = Fields{});

 private:
  std::string kind_;
  List* to_;
};

/// What `kind` reads in a case; used by the runner and the writer.
[[nodiscard]] Result<Value, Problem> read_case(const std::string& kind, ByteView input, const Value& one);

/// Opens one layer of an onion; after it `flags` have what the next one needs. A payload that breaks a rule is refused.
[[nodiscard]] Made<Value> peel_layer(Flags& flags, const std::string& key);

[[nodiscard]] Value file_of(const std::string& about, const std::vector<std::string>& key_names, List cases);

[[nodiscard]] Value static_invoice_vectors(Profile profile);
[[nodiscard]] Value payer_check_vectors();
[[nodiscard]] Value contents_vectors();
[[nodiscard]] Value peer_message_vectors();
[[nodiscard]] Value payload_vectors();
[[nodiscard]] Value payment_onion_vectors();
[[nodiscard]] Value onion_message_vectors();
[[nodiscard]] Value foreign_vectors();
/// The offer, request and static invoice that the files share.
[[nodiscard]] offers::Offer vector_offer();
[[nodiscard]] offers::InvoiceRequest vector_request();
[[nodiscard]] offers::StaticInvoice vector_static_invoice(Profile profile);

}  // namespace doze::toolbox
