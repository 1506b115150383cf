// Every message that we speak, one plain struct each, with the BOLT's field names. BOLT 1, 2 (v1), 4, 7; bolts #1149.
//
// Points are checked for their 02/03 prefix only: whoever uses one as a point checks it with crypto::is_valid. Amounts
// above 21 million bitcoin are refused, except limits ("maximum") which are capped. Unknown odd TLVs are kept in
// `extra_tlvs` and written again; unknown even ones are refused (UnknownEven). Where the BOLT names no TLV stream, and
// in gossip queries, what stands behind the fields is kept unjudged: a machine reads it itself, or nobody does.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/parse_error.h"
#include "base/result.h"
#include "base/units.h"
#include "base/variant.h"
#include "wire/address.h"
#include "wire/blinded_path.h"
#include "wire/features.h"
#include "wire/numbers.h"

namespace doze::wire {

/// BOLT 8: no message is longer, type included.
inline constexpr std::size_t kMaxMessageBytes = 65535;
inline constexpr std::size_t kPaymentOnionBytes = 1366;

// ---- BOLT 1 ----
struct Init {
  FeatureBits features;  // globalfeatures and features joined
  std::optional<std::vector<ChainHash>> networks;
  std::optional<NetworkAddress> remote_addr;
  Bytes extra_tlvs;
};
struct Error {
  ChannelId channel_id;  // zero: all channels with this peer
  Bytes data;
  Bytes extra_tlvs;
};
struct Warning {
  ChannelId channel_id;
  Bytes data;
  Bytes extra_tlvs;
};
struct Ping {
  std::uint16_t num_pong_bytes = 0;
  std::uint16_t ignored_length = 0;
  Bytes extra_tlvs;
};
struct Pong {
  std::uint16_t ignored_length = 0;
  Bytes extra_tlvs;
};

// ---- BOLT 2 ----
struct OpenChannel {
  ChainHash chain_hash;
  ChannelId temporary_channel_id;
  Sat funding_satoshis;
  Msat push_msat;
  Sat dust_limit_satoshis;
  Msat max_htlc_value_in_flight_msat;
  Sat channel_reserve_satoshis;
  Msat htlc_minimum_msat;
  FeeratePerKw feerate_per_kw;
  std::uint16_t to_self_delay = 0;
  std::uint16_t max_accepted_htlcs = 0;
  PublicKey funding_pubkey, revocation_basepoint, payment_basepoint, delayed_payment_basepoint, htlc_basepoint,
      first_per_commitment_point;
  std::uint8_t channel_flags = 0;  // bit 0: announce_channel
  std::optional<Bytes> upfront_shutdown_script;
  std::optional<FeatureBits> channel_type;
  Bytes extra_tlvs;
};
struct AcceptChannel {
  ChannelId temporary_channel_id;
  Sat dust_limit_satoshis;
  Msat max_htlc_value_in_flight_msat;
  Sat channel_reserve_satoshis;
  Msat htlc_minimum_msat;
  std::uint32_t minimum_depth = 0;
  std::uint16_t to_self_delay = 0;
  std::uint16_t max_accepted_htlcs = 0;
  PublicKey funding_pubkey, revocation_basepoint, payment_basepoint, delayed_payment_basepoint, htlc_basepoint,
      first_per_commitment_point;
  std::optional<Bytes> upfront_shutdown_script;
  std::optional<FeatureBits> channel_type;
  Bytes extra_tlvs;
};
struct FundingCreated {
  ChannelId temporary_channel_id;
  Txid funding_txid;
  std::uint16_t funding_output_index = 0;
  Signature signature;
  Bytes extra_tlvs;
};
struct FundingSigned {
  ChannelId channel_id;
  Signature signature;
  Bytes extra_tlvs;
};
struct ChannelReady {
  ChannelId channel_id;
  PublicKey second_per_commitment_point;
  std::optional<ShortChannelId> short_channel_id;  // alias
  Bytes extra_tlvs;
};
struct Shutdown {
  ChannelId channel_id;
  Bytes scriptpubkey;
  Bytes extra_tlvs;
};
struct FeeRange {
  Sat min_fee_satoshis, max_fee_satoshis;
};
struct ClosingSigned {
  ChannelId channel_id;
  Sat fee_satoshis;
  Signature signature;
  std::optional<FeeRange> fee_range;
  Bytes extra_tlvs;
};
struct UpdateAddHtlc {
  ChannelId channel_id;
  std::uint64_t id = 0;
  Msat amount_msat;
  PaymentHash payment_hash;
  CltvExpiry cltv_expiry;
  Bytes onion_routing_packet;         // kPaymentOnionBytes
  std::optional<PublicKey> path_key;  // TLV 0
  std::optional<Profile> hold_htlc;   // in which profile's form the hold flag came or shall go
  Bytes extra_tlvs;
};
struct UpdateFulfillHtlc {
  ChannelId channel_id;
  std::uint64_t id = 0;
  Preimage payment_preimage;
  Bytes extra_tlvs;
};
struct UpdateFailHtlc {
  ChannelId channel_id;
  std::uint64_t id = 0;
  Bytes reason;
  Bytes extra_tlvs;
};
struct UpdateFailMalformedHtlc {
  ChannelId channel_id;
  std::uint64_t id = 0;
  Hash32 sha256_of_onion;
  std::uint16_t failure_code = 0;
  Bytes extra_tlvs;
};
struct CommitmentSigned {
  ChannelId channel_id;
  Signature signature;
  std::vector<Signature> htlc_signatures;  // 483 at most
  Bytes extra_tlvs;
};
/// One release path of a held HTLC. The draft's form names no HTLC.
struct ReleasePath {
  std::optional<std::uint64_t> htlc_id;
  BlindedPath path;
  Profile profile = Profile::Ldk;
  friend bool operator==(const ReleasePath&, const ReleasePath&) = default;
};
struct RevokeAndAck {
  ChannelId channel_id;
  Secret per_commitment_secret;
  PublicKey next_per_commitment_point;
  std::vector<ReleasePath> release_paths;
  Bytes extra_tlvs;
};
struct UpdateFee {
  ChannelId channel_id;
  FeeratePerKw feerate_per_kw;
  Bytes extra_tlvs;
};
struct ChannelReestablish {
  ChannelId channel_id;
  std::uint64_t next_commitment_number = 0;
  std::uint64_t next_revocation_number = 0;
  Secret your_last_per_commitment_secret;
  PublicKey my_current_per_commitment_point;
  Bytes extra_tlvs;
};

// ---- BOLT 7 ----
struct AnnouncementSignatures {
  ChannelId channel_id;
  ShortChannelId short_channel_id;
  Signature node_signature, bitcoin_signature;
  Bytes extra_tlvs;
};
struct ChannelAnnouncement {
  Signature node_signature_1, node_signature_2, bitcoin_signature_1, bitcoin_signature_2;
  FeatureBits features;
  ChainHash chain_hash;
  ShortChannelId short_channel_id;
  NodeId node_id_1, node_id_2;
  PublicKey bitcoin_key_1, bitcoin_key_2;
  Bytes raw;  // as received, type included; empty: encode from the fields
};
struct NodeAnnouncement {
  Signature signature;
  FeatureBits features;
  std::uint32_t timestamp = 0;
  NodeId node_id;
  std::array<std::uint8_t, 3> rgb_color{};
  std::array<std::uint8_t, 32> alias{};
  std::vector<NetworkAddress> addresses;
  Bytes raw;
};
struct ChannelUpdate {
  Signature signature;
  ChainHash chain_hash;
  ShortChannelId short_channel_id;
  std::uint32_t timestamp = 0;
  std::uint8_t message_flags = 1;  // bit 0: htlc_maximum_msat is there (required)
  std::uint8_t channel_flags = 0;  // bit 0: direction, bit 1: disabled
  std::uint16_t cltv_expiry_delta = 0;
  Msat htlc_minimum_msat;
  std::uint32_t fee_base_msat = 0;
  std::uint32_t fee_proportional_millionths = 0;
  Msat htlc_maximum_msat;
  Bytes raw;
};
struct QueryShortChannelIds {
  ChainHash chain_hash;
  Bytes encoded_short_ids;  // encoding byte, then ids
  Bytes extra_tlvs;         // query_flags and unknown ones
};
struct ReplyShortChannelIdsEnd {
  ChainHash chain_hash;
  std::uint8_t full_information = 1;
  Bytes extra_tlvs;
};
struct QueryChannelRange {
  ChainHash chain_hash;
  std::uint32_t first_blocknum = 0, number_of_blocks = 0;
  Bytes extra_tlvs;  // query_option
};
struct ReplyChannelRange {
  ChainHash chain_hash;
  std::uint32_t first_blocknum = 0, number_of_blocks = 0;
  std::uint8_t sync_complete = 1;
  Bytes encoded_short_ids;
  Bytes extra_tlvs;  // timestamps, checksums
};
struct GossipTimestampFilter {
  ChainHash chain_hash;
  std::uint32_t first_timestamp = 0, timestamp_range = 0;
  Bytes extra_tlvs;
};

// ---- BOLT 4 ----
struct OnionMessage {
  PublicKey path_key;
  Bytes onion_message_packet;
  Bytes extra_tlvs;
};

/// A message with an odd type that we do not know: ignored.
struct UnknownMessage {
  std::uint16_t type = 0;
};

struct Message : std::variant<Init, Error, Warning, Ping, Pong, OpenChannel, AcceptChannel, FundingCreated,
                              FundingSigned, ChannelReady, Shutdown, ClosingSigned, UpdateAddHtlc, UpdateFulfillHtlc,
                              UpdateFailHtlc, UpdateFailMalformedHtlc, CommitmentSigned, RevokeAndAck, UpdateFee,
                              ChannelReestablish, AnnouncementSignatures, ChannelAnnouncement, NodeAnnouncement,
                              ChannelUpdate, QueryShortChannelIds, ReplyShortChannelIdsEnd, QueryChannelRange,
                              ReplyChannelRange, GossipTimestampFilter, OnionMessage, UnknownMessage> {
  using variant::variant;
  DOZE_COMPILED_ONCE(Message)
};

/// Type and body, kMaxMessageBytes at most (aborts beyond: whoever composes stays below).
[[nodiscard]] Bytes encode(const Message& message);
[[nodiscard]] Result<Message, ParseError> decode(ByteView bytes);
[[nodiscard]] const char* name(const Message& message);
[[nodiscard]] std::uint16_t type_of(const Message& message);

/// Whether this is, by its type, something of BOLT 7 about channels that need not be the sender's own, or a question
/// about them: where it cannot be read it is ignored, for its sender may only have passed it on.
[[nodiscard]] bool is_gossip(ByteView bytes);

/// encoding byte 0 and plain ids; anything else is refused (zlib is forbidden by now). BOLT 7, "Query Messages".
[[nodiscard]] Result<std::vector<ShortChannelId>, ParseError> read_short_ids(ByteView encoded);
[[nodiscard]] Bytes write_short_ids(const std::vector<ShortChannelId>& ids);
/// What a gossip signature covers: the double SHA256 of the message behind its signatures. BOLT 7.
[[nodiscard]] Hash32 signature_hash(const ChannelAnnouncement& message);
[[nodiscard]] Hash32 signature_hash(const NodeAnnouncement& message);
[[nodiscard]] Hash32 signature_hash(const ChannelUpdate& message);

}  // namespace doze::wire
