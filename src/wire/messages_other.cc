// The fields of the messages that no machine of ours speaks, in the order of the BOLTs.
#include "wire/messages_other.h"

#include "wire/fields.h"

namespace doze::wire {

DOZE_MESSAGE(2, Stfu, "stfu");
DOZE_MESSAGE(7, PeerStorage, "peer_storage");
DOZE_MESSAGE(9, PeerStorageRetrieval, "peer_storage_retrieval");
DOZE_MESSAGE(40, ClosingComplete, "closing_complete");
DOZE_MESSAGE(41, ClosingSig, "closing_sig");
DOZE_MESSAGE(64, OpenChannel2, "open_channel2");
DOZE_MESSAGE(65, AcceptChannel2, "accept_channel2");
DOZE_MESSAGE(66, TxAddInput, "tx_add_input");
DOZE_MESSAGE(67, TxAddOutput, "tx_add_output");
DOZE_MESSAGE(68, TxRemoveInput, "tx_remove_input");
DOZE_MESSAGE(69, TxRemoveOutput, "tx_remove_output");
DOZE_MESSAGE(70, TxComplete, "tx_complete");
DOZE_MESSAGE(71, TxSignatures, "tx_signatures");
DOZE_MESSAGE(72, TxInitRbf, "tx_init_rbf");
DOZE_MESSAGE(73, TxAckRbf, "tx_ack_rbf");
DOZE_MESSAGE(74, TxAbort, "tx_abort");
DOZE_MESSAGE(77, SpliceLocked, "splice_locked");
DOZE_MESSAGE(80, SpliceInit, "splice_init");
DOZE_MESSAGE(81, SpliceAck, "splice_ack");
DOZE_MESSAGE(127, StartBatch, "start_batch");

// ---- BOLT 1 ----
template <class Io, class M>
  requires std::is_same_v<M, PeerStorage> || std::is_same_v<M, PeerStorageRetrieval>
void fields(Io& io, M& m) {
  io.sized("blob", m.blob);
  io.extension(m.extra_tlvs);
}

// ---- BOLT 2: a transaction that is built together ----
template <class Io>
void fields(Io& io, TxAddInput& m) {
  io.field("channel_id", m.channel_id);
  io.field("serial_id", m.serial_id);
  io.sized("prevtx", m.prevtx);
  io.field("prevtx_vout", m.prevtx_vout);
  io.field("sequence", m.sequence);
  io.tlvs(m.extra_tlvs, [&](auto& tlvs) {
    tlvs.record(0, "shared_input_txid", m.shared_input_txid,
                [](auto& io, auto& txid) { io.field("funding_txid", txid); });
  });
}
template <class Io>
void fields(Io& io, TxAddOutput& m) {
  io.field("channel_id", m.channel_id);
  io.field("serial_id", m.serial_id);
  io.field("sats", m.sats);
  io.sized("script", m.script);
  io.extension(m.extra_tlvs);
}
template <class Io, class M>
  requires std::is_same_v<M, TxRemoveInput> || std::is_same_v<M, TxRemoveOutput>
void fields(Io& io, M& m) {
  io.field("channel_id", m.channel_id);
  io.field("serial_id", m.serial_id);
  io.extension(m.extra_tlvs);
}
template <class Io>
void fields(Io& io, TxComplete& m) {
  io.field("channel_id", m.channel_id);
  io.extension(m.extra_tlvs);
}
template <class Io>
void fields(Io& io, TxSignatures& m) {
  io.field("channel_id", m.channel_id);
  io.field("txid", m.txid);
  io.list("witnesses", m.witnesses);
  io.tlvs(m.extra_tlvs, [&](auto& tlvs) {
    tlvs.record(0, "shared_input_signature", m.shared_input_signature,
                [](auto& io, auto& signature) { io.field("signature", signature); });
  });
}
template <class Tlvs, class M>
void rbf_records(Tlvs& tlvs, M& m) {
  tlvs.record(0, "funding_output_contribution", m.funding_output_contribution,
              [](auto& io, auto& satoshis) { io.field("satoshis", satoshis); });
  tlvs.flag(2, "require_confirmed_inputs", m.require_confirmed_inputs);
}
template <class Io>
void fields(Io& io, TxInitRbf& m) {
  io.field("channel_id", m.channel_id);
  io.field("locktime", m.locktime);
  io.field("feerate", m.feerate);
  io.tlvs(m.extra_tlvs, [&](auto& tlvs) { rbf_records(tlvs, m); });
}
template <class Io>
void fields(Io& io, TxAckRbf& m) {
  io.field("channel_id", m.channel_id);
  io.tlvs(m.extra_tlvs, [&](auto& tlvs) { rbf_records(tlvs, m); });
}
template <class Io>
void fields(Io& io, TxAbort& m) {
  io.field("channel_id", m.channel_id);
  io.sized("data", m.data, Form::Text);
  io.extension(m.extra_tlvs);
}

// ---- BOLT 2: opening v2 ----
template <class Tlvs, class M>
void opening2_records(Tlvs& tlvs, M& m) {
  opening_records(tlvs, m);
  tlvs.flag(2, "require_confirmed_inputs", m.require_confirmed_inputs);
}
template <class Io>
void fields(Io& io, OpenChannel2& m) {
  io.field("chain_hash", m.chain_hash);
  io.field("temporary_channel_id", m.temporary_channel_id);
  io.field("funding_feerate_perkw", m.funding_feerate_perkw);
  io.field("commitment_feerate_perkw", m.commitment_feerate_perkw);
  io.field("funding_satoshis", m.funding_satoshis);
  io.field("dust_limit_satoshis", m.dust_limit_satoshis);
  io.limit("max_htlc_value_in_flight_msat", m.max_htlc_value_in_flight_msat);
  io.field("htlc_minimum_msat", m.htlc_minimum_msat);
  io.field("to_self_delay", m.to_self_delay);
  io.field("max_accepted_htlcs", m.max_accepted_htlcs);
  io.field("locktime", m.locktime);
  channel_keys(io, m);
  io.field("second_per_commitment_point", m.second_per_commitment_point);
  io.field("channel_flags", m.channel_flags);
  io.tlvs(m.extra_tlvs, [&](auto& tlvs) { opening2_records(tlvs, m); });
}
template <class Io>
void fields(Io& io, AcceptChannel2& m) {
  io.field("temporary_channel_id", m.temporary_channel_id);
  io.field("funding_satoshis", m.funding_satoshis);
  io.field("dust_limit_satoshis", m.dust_limit_satoshis);
  io.limit("max_htlc_value_in_flight_msat", m.max_htlc_value_in_flight_msat);
  io.field("htlc_minimum_msat", m.htlc_minimum_msat);
  io.field("minimum_depth", m.minimum_depth);
  io.field("to_self_delay", m.to_self_delay);
  io.field("max_accepted_htlcs", m.max_accepted_htlcs);
  channel_keys(io, m);
  io.field("second_per_commitment_point", m.second_per_commitment_point);
  io.tlvs(m.extra_tlvs, [&](auto& tlvs) { opening2_records(tlvs, m); });
}

// ---- BOLT 2: quiescence, splicing ----
template <class Io>
void fields(Io& io, Stfu& m) {
  io.field("channel_id", m.channel_id);
  io.field("initiator", m.initiator);
  io.extension(m.extra_tlvs);
}
template <class Io>
void fields(Io& io, SpliceInit& m) {
  io.field("channel_id", m.channel_id);
  io.field("funding_contribution_satoshis", m.funding_contribution_satoshis);
  io.field("funding_feerate_perkw", m.funding_feerate_perkw);
  io.field("locktime", m.locktime);
  io.field("funding_pubkey", m.funding_pubkey);
  io.tlvs(m.extra_tlvs, [&](auto& tlvs) { tlvs.flag(2, "require_confirmed_inputs", m.require_confirmed_inputs); });
}
template <class Io>
void fields(Io& io, SpliceAck& m) {
  io.field("channel_id", m.channel_id);
  io.field("funding_contribution_satoshis", m.funding_contribution_satoshis);
  io.field("funding_pubkey", m.funding_pubkey);
  io.tlvs(m.extra_tlvs, [&](auto& tlvs) { tlvs.flag(2, "require_confirmed_inputs", m.require_confirmed_inputs); });
}
template <class Io>
void fields(Io& io, SpliceLocked& m) {
  io.field("channel_id", m.channel_id);
  io.field("splice_txid", m.splice_txid);
  io.extension(m.extra_tlvs);
}

// ---- BOLT 2: closing, batches ----
template <class Io, class M>
  requires std::is_base_of_v<ClosingTerms, M>
void fields(Io& io, M& m) {
  io.field("channel_id", m.channel_id);
  io.sized("closer_scriptpubkey", m.closer_scriptpubkey);
  io.sized("closee_scriptpubkey", m.closee_scriptpubkey);
  io.field("fee_satoshis", m.fee_satoshis);
  io.field("locktime", m.locktime);
  auto sig = [](auto& io, auto& signature) { io.field("sig", signature); };
  io.tlvs(m.extra_tlvs, [&](auto& tlvs) {
    tlvs.record(1, "closer_output_only", m.closer_output_only, sig);
    tlvs.record(2, "closee_output_only", m.closee_output_only, sig);
    tlvs.record(3, "closer_and_closee_outputs", m.closer_and_closee_outputs, sig);
  });
}
template <class Io>
void fields(Io& io, StartBatch& m) {
  io.field("channel_id", m.channel_id);
  io.field("batch_size", m.batch_size);
  io.tlvs(m.extra_tlvs, [&](auto& tlvs) {
    tlvs.record(1, "message_type", m.message_type, [](auto& io, auto& type) { io.field("message_type", type); });
  });
}

namespace {
template <std::size_t kAt = 0>
Result<OtherMessage, ParseError> decode_other_as(std::uint16_t type, ByteView bytes) {
  if constexpr (kAt == std::variant_size_v<OtherMessage>) {
    auto code = type % 2 == 0 ? ParseCode::UnknownEven : ParseCode::UnexpectedField;
    return fail(ParseError{code, type, "message type"});
  } else {
    using M = std::variant_alternative_t<kAt, OtherMessage>;
    if (type != Type<M>::kNumber) return decode_other_as<kAt + 1>(type, bytes);
    LN_TRY(message, read_message<M>(bytes));
    return OtherMessage(std::move(message));
  }
}
}  // namespace

Bytes encode_other(const OtherMessage& message) {
  return std::visit([](const auto& given) { return write_message(given); }, message);
}

Result<OtherMessage, ParseError> decode_other(ByteView bytes) {
  LN_TRY(type, read_type(bytes));
  return decode_other_as(type, bytes);
}

void add_other_shapes(std::vector<MessageShape>& out) {
  add_shapes(out, static_cast<const OtherMessage*>(nullptr));
}

}  // namespace doze::wire
