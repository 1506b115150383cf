// Messages of the BOLTs that no machine of ours speaks: read, written and shown, nothing else. A peer that sends one
// gets the answer that BOLT 1 has for unknown types. BOLT 1, "Peer Storage"; BOLT 2: building a transaction together,
// opening v2, quiescence, splicing, batches, option_simple_close.
//
// The rules of wire/messages.h hold here, too: points by prefix, amounts, unknown TLVs.
#pragma once

#include "wire/messages.h"

namespace doze::wire {

// ---- BOLT 1 ----
struct PeerStorage {
  Bytes blob;
  Bytes extra_tlvs;
};
struct PeerStorageRetrieval {
  Bytes blob;
  Bytes extra_tlvs;
};

// ---- BOLT 2, "Interactive Transaction Construction" ----
struct TxAddInput {
  ChannelId channel_id;
  std::uint64_t serial_id = 0;
  Bytes prevtx;  // empty: the input is shared_input_txid's
  std::uint32_t prevtx_vout = 0;
  std::uint32_t sequence = 0;
  std::optional<Txid> shared_input_txid;
  Bytes extra_tlvs;
};
struct TxAddOutput {
  ChannelId channel_id;
  std::uint64_t serial_id = 0;
  Sat sats;
  Bytes script;
  Bytes extra_tlvs;
};
struct TxRemoveInput {
  ChannelId channel_id;
  std::uint64_t serial_id = 0;
  Bytes extra_tlvs;
};
struct TxRemoveOutput {
  ChannelId channel_id;
  std::uint64_t serial_id = 0;
  Bytes extra_tlvs;
};
struct TxComplete {
  ChannelId channel_id;
  Bytes extra_tlvs;
};
struct TxSignatures {
  ChannelId channel_id;
  Txid txid;
  std::vector<Bytes> witnesses;  // each as in a transaction: a count of elements, and each with its length
  std::optional<Signature> shared_input_signature;
  Bytes extra_tlvs;
};
struct TxInitRbf {
  ChannelId channel_id;
  std::uint32_t locktime = 0;
  FeeratePerKw feerate;
  std::optional<std::int64_t> funding_output_contribution;  // satoshi
  bool require_confirmed_inputs = false;
  Bytes extra_tlvs;
};
struct TxAckRbf {
  ChannelId channel_id;
  std::optional<std::int64_t> funding_output_contribution;  // satoshi
  bool require_confirmed_inputs = false;
  Bytes extra_tlvs;
};
struct TxAbort {
  ChannelId channel_id;
  Bytes data;
  Bytes extra_tlvs;
};

// ---- BOLT 2, "Channel Establishment v2" ----
struct OpenChannel2 {
  ChainHash chain_hash;
  ChannelId temporary_channel_id;
  FeeratePerKw funding_feerate_perkw, commitment_feerate_perkw;
  Sat funding_satoshis;
  Sat dust_limit_satoshis;
  Msat max_htlc_value_in_flight_msat;
  Msat htlc_minimum_msat;
  std::uint16_t to_self_delay = 0;
  std::uint16_t max_accepted_htlcs = 0;
  std::uint32_t locktime = 0;
  PublicKey funding_pubkey, revocation_basepoint, payment_basepoint, delayed_payment_basepoint, htlc_basepoint,
      first_per_commitment_point, second_per_commitment_point;
  std::uint8_t channel_flags = 0;
  std::optional<Bytes> upfront_shutdown_script;
  std::optional<FeatureBits> channel_type;
  bool require_confirmed_inputs = false;
  Bytes extra_tlvs;
};
struct AcceptChannel2 {
  ChannelId temporary_channel_id;
  Sat funding_satoshis;
  Sat dust_limit_satoshis;
  Msat max_htlc_value_in_flight_msat;
  Msat htlc_minimum_msat;
  std::uint32_t minimum_depth = 0;
  std::uint16_t to_self_delay = 0;
  std::uint16_t max_accepted_htlcs = 0;
  PublicKey funding_pubkey, revocation_basepoint, payment_basepoint, delayed_payment_basepoint, htlc_basepoint,
      first_per_commitment_point, second_per_commitment_point;
  std::optional<Bytes> upfront_shutdown_script;
  std::optional<FeatureBits> channel_type;
  bool require_confirmed_inputs = false;
  Bytes extra_tlvs;
};

// ---- BOLT 2, "Channel Quiescence" and "Channel Splicing" ----
struct Stfu {
  ChannelId channel_id;
  std::uint8_t initiator = 0;
  Bytes extra_tlvs;
};
struct SpliceInit {
  ChannelId channel_id;
  std::int64_t funding_contribution_satoshis = 0;
  FeeratePerKw funding_feerate_perkw;
  std::uint32_t locktime = 0;
  PublicKey funding_pubkey;
  bool require_confirmed_inputs = false;
  Bytes extra_tlvs;
};
struct SpliceAck {
  ChannelId channel_id;
  std::int64_t funding_contribution_satoshis = 0;
  PublicKey funding_pubkey;
  bool require_confirmed_inputs = false;
  Bytes extra_tlvs;
};
struct SpliceLocked {
  ChannelId channel_id;
  Txid splice_txid;
  Bytes extra_tlvs;
};

// ---- BOLT 2, "Closing Negotiation" ----
struct ClosingTerms {
  ChannelId channel_id;
  Bytes closer_scriptpubkey, closee_scriptpubkey;
  Sat fee_satoshis;
  std::uint32_t locktime = 0;
  std::optional<Signature> closer_output_only, closee_output_only, closer_and_closee_outputs;
  Bytes extra_tlvs;
};
struct ClosingComplete : ClosingTerms {};
struct ClosingSig : ClosingTerms {};

// ---- BOLT 2, "Batching channel messages" ----
struct StartBatch {
  ChannelId channel_id;
  std::uint16_t batch_size = 0;
  std::optional<std::uint16_t> message_type;
  Bytes extra_tlvs;
};

using OtherMessage =
    std::variant<PeerStorage, PeerStorageRetrieval, TxAddInput, TxAddOutput, TxRemoveInput, TxRemoveOutput, TxComplete,
                 TxSignatures, TxInitRbf, TxAckRbf, TxAbort, OpenChannel2, AcceptChannel2, Stfu, SpliceInit, SpliceAck,
                 SpliceLocked, ClosingComplete, ClosingSig, StartBatch>;

/// Type and body, kMaxMessageBytes at most (aborts beyond).
[[nodiscard]] Bytes encode_other(const OtherMessage& message);
/// UnknownEven or UnexpectedField ("message type") for a type that is none of these.
[[nodiscard]] Result<OtherMessage, ParseError> decode_other(ByteView bytes);

}  // namespace doze::wire
