// The fields of every message that we speak, in the order of the BOLTs.
#include "wire/messages.h"

#include "crypto/crypto.h"
#include "wire/fields.h"

namespace doze::wire {

DOZE_COMPILED_HERE(Message)

DOZE_MESSAGE(1, Warning, "warning");
DOZE_MESSAGE(16, Init, "init");
DOZE_MESSAGE(17, Error, "error");
DOZE_MESSAGE(18, Ping, "ping");
DOZE_MESSAGE(19, Pong, "pong");
DOZE_MESSAGE(32, OpenChannel, "open_channel");
DOZE_MESSAGE(33, AcceptChannel, "accept_channel");
DOZE_MESSAGE(34, FundingCreated, "funding_created");
DOZE_MESSAGE(35, FundingSigned, "funding_signed");
DOZE_MESSAGE(36, ChannelReady, "channel_ready");
DOZE_MESSAGE(38, Shutdown, "shutdown");
DOZE_MESSAGE(39, ClosingSigned, "closing_signed");
DOZE_MESSAGE(128, UpdateAddHtlc, "update_add_htlc");
DOZE_MESSAGE(130, UpdateFulfillHtlc, "update_fulfill_htlc");
DOZE_MESSAGE(131, UpdateFailHtlc, "update_fail_htlc");
DOZE_MESSAGE(132, CommitmentSigned, "commitment_signed");
DOZE_MESSAGE(133, RevokeAndAck, "revoke_and_ack");
DOZE_MESSAGE(134, UpdateFee, "update_fee");
DOZE_MESSAGE(135, UpdateFailMalformedHtlc, "update_fail_malformed_htlc");
DOZE_MESSAGE(136, ChannelReestablish, "channel_reestablish");
DOZE_MESSAGE(256, ChannelAnnouncement, "channel_announcement");
DOZE_MESSAGE(257, NodeAnnouncement, "node_announcement");
DOZE_MESSAGE(258, ChannelUpdate, "channel_update");
DOZE_MESSAGE(259, AnnouncementSignatures, "announcement_signatures");
DOZE_MESSAGE(261, QueryShortChannelIds, "query_short_channel_ids");
DOZE_MESSAGE(262, ReplyShortChannelIdsEnd, "reply_short_channel_ids_end");
DOZE_MESSAGE(263, QueryChannelRange, "query_channel_range");
DOZE_MESSAGE(264, ReplyChannelRange, "reply_channel_range");
DOZE_MESSAGE(265, GossipTimestampFilter, "gossip_timestamp_filter");
DOZE_MESSAGE(513, OnionMessage, "onion_message");

// ---- BOLT 1 ----
template <class Io>
void fields(Io& io, Init& m) {
  FeatureBits global;  // long since joined into features
  io.field("globalfeatures", global);
  io.field("features", m.features);
  m.features = m.features | global;
  io.tlvs(m.extra_tlvs, [&](auto& tlvs) {
    tlvs.record(1, "networks", m.networks, [](auto& io, auto& chains) { io.rest("chains", chains); });
    std::optional<Bytes> address;
    if (m.remote_addr) address = to_bytes(std::vector{*m.remote_addr});
    tlvs.record(3, "remote_addr", address, [](auto& io, auto& data) { io.rest("data", data, Form::RestAddress); });
    // An address of a kind that we do not know is left out.
    if (auto read = read_addresses(address.value_or(Bytes{})); read && read->size() == 1) m.remote_addr = read->front();
  });
}
template <class Io, class M>
  requires std::is_same_v<M, Error> || std::is_same_v<M, Warning>
void fields(Io& io, M& m) {
  io.field("channel_id", m.channel_id);
  io.sized("data", m.data, Form::Text);
  io.extension(m.extra_tlvs);
}
template <class Io>
void fields(Io& io, Ping& m) {
  io.field("num_pong_bytes", m.num_pong_bytes);
  io.ignored("ignored", m.ignored_length);
  io.extension(m.extra_tlvs);
}
template <class Io>
void fields(Io& io, Pong& m) {
  io.ignored("ignored", m.ignored_length);
  io.extension(m.extra_tlvs);
}

// ---- BOLT 2 ----
template <class Io>
void fields(Io& io, OpenChannel& m) {
  io.field("chain_hash", m.chain_hash);
  io.field("temporary_channel_id", m.temporary_channel_id);
  io.field("funding_satoshis", m.funding_satoshis);
  io.field("push_msat", m.push_msat);
  io.field("dust_limit_satoshis", m.dust_limit_satoshis);
  io.limit("max_htlc_value_in_flight_msat", m.max_htlc_value_in_flight_msat);
  io.field("channel_reserve_satoshis", m.channel_reserve_satoshis);
  io.field("htlc_minimum_msat", m.htlc_minimum_msat);
  io.field("feerate_per_kw", m.feerate_per_kw);
  io.field("to_self_delay", m.to_self_delay);
  io.field("max_accepted_htlcs", m.max_accepted_htlcs);
  channel_keys(io, m);
  io.field("channel_flags", m.channel_flags);
  io.tlvs(m.extra_tlvs, [&](auto& tlvs) { opening_records(tlvs, m); });
}
template <class Io>
void fields(Io& io, AcceptChannel& m) {
  io.field("temporary_channel_id", m.temporary_channel_id);
  io.field("dust_limit_satoshis", m.dust_limit_satoshis);
  io.limit("max_htlc_value_in_flight_msat", m.max_htlc_value_in_flight_msat);
  io.field("channel_reserve_satoshis", m.channel_reserve_satoshis);
  io.field("htlc_minimum_msat", m.htlc_minimum_msat);
  io.field("minimum_depth", m.minimum_depth);
  io.field("to_self_delay", m.to_self_delay);
  io.field("max_accepted_htlcs", m.max_accepted_htlcs);
  channel_keys(io, m);
  io.tlvs(m.extra_tlvs, [&](auto& tlvs) { opening_records(tlvs, m); });
}
template <class Io>
void fields(Io& io, FundingCreated& m) {
  io.field("temporary_channel_id", m.temporary_channel_id);
  io.field("funding_txid", m.funding_txid);
  io.field("funding_output_index", m.funding_output_index);
  io.field("signature", m.signature);
  io.extension(m.extra_tlvs);
}
template <class Io>
void fields(Io& io, FundingSigned& m) {
  io.field("channel_id", m.channel_id);
  io.field("signature", m.signature);
  io.extension(m.extra_tlvs);
}
template <class Io>
void fields(Io& io, ChannelReady& m) {
  io.field("channel_id", m.channel_id);
  io.field("second_per_commitment_point", m.second_per_commitment_point);
  io.tlvs(m.extra_tlvs, [&](auto& tlvs) {
    tlvs.record(1, "short_channel_id", m.short_channel_id, [](auto& io, auto& alias) { io.field("alias", alias); });
  });
}
template <class Io>
void fields(Io& io, Shutdown& m) {
  io.field("channel_id", m.channel_id);
  io.sized("scriptpubkey", m.scriptpubkey);
  io.tlvs(m.extra_tlvs, [](auto&) {});
}
template <class Io>
void fields(Io& io, ClosingSigned& m) {
  io.field("channel_id", m.channel_id);
  io.field("fee_satoshis", m.fee_satoshis);
  io.field("signature", m.signature);
  io.tlvs(m.extra_tlvs, [&](auto& tlvs) {
    tlvs.record(1, "fee_range", m.fee_range, [](auto& io, auto& range) {
      io.unchecked("min_fee_satoshis", range.min_fee_satoshis);
      io.unchecked("max_fee_satoshis", range.max_fee_satoshis);
    });
  });
}
template <class Io>
void fields(Io& io, UpdateAddHtlc& m) {
  io.field("channel_id", m.channel_id);
  io.field("id", m.id);
  io.field("amount_msat", m.amount_msat);
  io.field("payment_hash", m.payment_hash);
  io.field("cltv_expiry", m.cltv_expiry);
  io.fixed("onion_routing_packet", m.onion_routing_packet, kPaymentOnionBytes);
  io.tlvs(m.extra_tlvs, [&](auto& tlvs) {
    tlvs.record(0, "path_key", m.path_key, [](auto& io, auto& key) { io.unchecked("path_key", key); });
    std::optional<Profile> found;
    for (auto profile : {Profile::Draft, Profile::Ldk}) {  // LDK's wins where both are set
      bool hold = m.hold_htlc == profile;
      tlvs.flag(numbers(profile).add_hold_htlc, "hold_htlc", hold);  // [AP-num-02]
      if (hold) found = profile;
    }
    m.hold_htlc = found;
  });
}
template <class Io>
void fields(Io& io, UpdateFulfillHtlc& m) {
  io.field("channel_id", m.channel_id);
  io.field("id", m.id);
  io.field("payment_preimage", m.payment_preimage);
  io.tlvs(m.extra_tlvs, [](auto& tlvs) { attribution_record(tlvs); });
}
template <class Io>
void fields(Io& io, UpdateFailHtlc& m) {
  io.field("channel_id", m.channel_id);
  io.field("id", m.id);
  io.sized("reason", m.reason);
  io.tlvs(m.extra_tlvs, [](auto& tlvs) { attribution_record(tlvs); });
}
template <class Io>
void fields(Io& io, UpdateFailMalformedHtlc& m) {
  io.field("channel_id", m.channel_id);
  io.field("id", m.id);
  io.field("sha256_of_onion", m.sha256_of_onion);
  io.field("failure_code", m.failure_code);
  io.extension(m.extra_tlvs);
}
template <class Io>
void fields(Io& io, CommitmentSigned& m) {
  io.field("channel_id", m.channel_id);
  io.field("signature", m.signature);
  io.list("htlc_signatures", m.htlc_signatures);
  io.tlvs(m.extra_tlvs, [](auto& tlvs) { tlvs.kept(1, "funding_txid", {{"funding_txid", Form::Txid}}); });
}
namespace {
/// Takes those of one profile out of the list; nullopt: none.
std::optional<std::vector<ReleasePath>> take_paths(std::vector<ReleasePath>& all, Profile profile) {
  auto others =
      std::stable_partition(all.begin(), all.end(), [&](const auto& each) { return each.profile != profile; });
  if (others == all.end()) return std::nullopt;
  std::vector<ReleasePath> out(std::make_move_iterator(others), std::make_move_iterator(all.end()));
  all.erase(others, all.end());
  return out;
}
}  // namespace
template <class Io>
void fields(Io& io, RevokeAndAck& m) {
  io.field("channel_id", m.channel_id);
  io.field("per_commitment_secret", m.per_commitment_secret);
  io.field("next_per_commitment_point", m.next_per_commitment_point);
  io.tlvs(m.extra_tlvs, [&](auto& tlvs) {
    for (auto profile : {Profile::Draft, Profile::Ldk}) {
      auto paths = take_paths(m.release_paths, profile);
      tlvs.record(numbers(profile).raa_release_paths, "release_paths", paths,
                  [&](auto& io, auto& each) { io.rest("paths", each, profile); });
      for (auto& path : paths.value_or(std::vector<ReleasePath>{})) m.release_paths.push_back(std::move(path));
    }
  });
}
template <class Io>
void fields(Io& io, UpdateFee& m) {
  io.field("channel_id", m.channel_id);
  io.field("feerate_per_kw", m.feerate_per_kw);
  io.extension(m.extra_tlvs);
}
template <class Io>
void fields(Io& io, ChannelReestablish& m) {
  io.field("channel_id", m.channel_id);
  io.field("next_commitment_number", m.next_commitment_number);
  io.field("next_revocation_number", m.next_revocation_number);
  io.field("your_last_per_commitment_secret", m.your_last_per_commitment_secret);
  io.field("my_current_per_commitment_point", m.my_current_per_commitment_point);
  io.tlvs(m.extra_tlvs, [](auto& tlvs) {
    tlvs.kept(1, "next_funding", {{"next_funding_txid", Form::Txid}, {"retransmit_flags", Form::U8}});
    tlvs.kept(5, "my_current_funding_locked",
              {{"my_current_funding_locked_txid", Form::Txid}, {"retransmit_flags", Form::U8}});
  });
}

// ---- BOLT 7 ----
template <class Io>
void fields(Io& io, AnnouncementSignatures& m) {
  io.field("channel_id", m.channel_id);
  io.field("short_channel_id", m.short_channel_id);
  io.field("node_signature", m.node_signature);
  io.field("bitcoin_signature", m.bitcoin_signature);
  io.extension(m.extra_tlvs);
}
template <class Io>
void fields(Io& io, ChannelAnnouncement& m) {
  io.field("node_signature_1", m.node_signature_1);
  io.field("node_signature_2", m.node_signature_2);
  io.field("bitcoin_signature_1", m.bitcoin_signature_1);
  io.field("bitcoin_signature_2", m.bitcoin_signature_2);
  io.field("features", m.features);
  io.field("chain_hash", m.chain_hash);
  io.field("short_channel_id", m.short_channel_id);
  io.field("node_id_1", m.node_id_1);
  io.field("node_id_2", m.node_id_2);
  io.field("bitcoin_key_1", m.bitcoin_key_1);
  io.field("bitcoin_key_2", m.bitcoin_key_2);
  io.behind();
}
template <class Io>
void fields(Io& io, NodeAnnouncement& m) {
  io.field("signature", m.signature);
  io.field("features", m.features);
  io.field("timestamp", m.timestamp, Form::Time);
  io.field("node_id", m.node_id);
  io.field("rgb_color", m.rgb_color, Form::Color);
  io.field("alias", m.alias, Form::Alias);
  io.addresses("addresses", m.addresses);
  io.behind();
}
template <class Io>
void fields(Io& io, ChannelUpdate& m) {
  io.field("signature", m.signature);
  io.field("chain_hash", m.chain_hash);
  io.field("short_channel_id", m.short_channel_id);
  io.field("timestamp", m.timestamp, Form::Time);
  io.field("message_flags", m.message_flags);
  io.field("channel_flags", m.channel_flags);
  io.field("cltv_expiry_delta", m.cltv_expiry_delta);
  io.unchecked("htlc_minimum_msat",
               m.htlc_minimum_msat);  // above all money: nobody can route through, nobody is at fault
  io.field("fee_base_msat", m.fee_base_msat);
  io.field("fee_proportional_millionths", m.fee_proportional_millionths);
  io.limit("htlc_maximum_msat", m.htlc_maximum_msat);
  io.behind();
}
template <class Io>
void fields(Io& io, QueryShortChannelIds& m) {
  io.field("chain_hash", m.chain_hash);
  io.sized("encoded_short_ids", m.encoded_short_ids, Form::ShortIds);
  io.unread_tlvs(m.extra_tlvs, [](auto& tlvs) {
    tlvs.kept(1, "query_flags", {{"encoding_type", Form::U8}, {"encoded_query_flags", Form::RestBigSizes}});
  });
}
template <class Io>
void fields(Io& io, ReplyShortChannelIdsEnd& m) {
  io.field("chain_hash", m.chain_hash);
  io.field("full_information", m.full_information);
  io.extension(m.extra_tlvs);
}
template <class Io>
void fields(Io& io, QueryChannelRange& m) {
  io.field("chain_hash", m.chain_hash);
  io.field("first_blocknum", m.first_blocknum);
  io.field("number_of_blocks", m.number_of_blocks);
  io.unread_tlvs(m.extra_tlvs, [](auto& tlvs) {
    tlvs.kept(1, "query_option", {{"query_option_flags", Form::BigSize}});
  });
}
template <class Io>
void fields(Io& io, ReplyChannelRange& m) {
  io.field("chain_hash", m.chain_hash);
  io.field("first_blocknum", m.first_blocknum);
  io.field("number_of_blocks", m.number_of_blocks);
  io.field("sync_complete", m.sync_complete);
  io.sized("encoded_short_ids", m.encoded_short_ids, Form::ShortIds);
  io.unread_tlvs(m.extra_tlvs, [](auto& tlvs) {
    tlvs.kept(1, "timestamps_tlv", {{"encoding_type", Form::U8}, {"encoded_timestamps", Form::RestPairs}});
    tlvs.kept(3, "checksums_tlv", {{"checksums", Form::RestPairs}});
  });
}
template <class Io>
void fields(Io& io, GossipTimestampFilter& m) {
  io.field("chain_hash", m.chain_hash);
  io.field("first_timestamp", m.first_timestamp, Form::Time);
  io.field("timestamp_range", m.timestamp_range);
  io.extension(m.extra_tlvs);
}

// ---- BOLT 4 ----
template <class Io>
void fields(Io& io, OnionMessage& m) {
  io.field("path_key", m.path_key);
  io.sized("onion_message_packet", m.onion_message_packet);
  io.extension(m.extra_tlvs);
}

namespace {

/// Tries each alternative of the variant: the type numbers are in Type<M>.
template <std::size_t kAt = 0>
Result<Message, ParseError> decode_as(std::uint16_t type, ByteView bytes) {
  using M = std::variant_alternative_t<kAt, Message::variant>;
  if constexpr (std::is_same_v<M, UnknownMessage>) {
    if (type % 2 == 0) return fail(ParseError{ParseCode::UnknownEven, type, "message type"});
    return Message(UnknownMessage{type});
  } else {
    if (type != Type<M>::kNumber) return decode_as<kAt + 1>(type, bytes);
    LN_TRY(message, read_message<M>(bytes));
    if constexpr (requires { message.raw; }) message.raw = doze::to_bytes(bytes);
    return Message(std::move(message));
  }
}

template <class M>
Hash32 hash_behind(const M& message, std::size_t signature_count) {
  auto bytes = message.raw.empty() ? encode(message) : message.raw;
  return crypto::sha256d(ByteView(bytes).subspan(2 + 64 * signature_count));
}

}  // namespace

Bytes encode(const Message& message) {
  return std::visit(
      []<class M>(const M& given) -> Bytes {
        if constexpr (std::is_same_v<M, UnknownMessage>) {
          return Writer().u16(given.type).take();
        } else {
          if constexpr (requires { given.raw; })
            if (!given.raw.empty()) return given.raw;
          return write_message(given);
        }
      },
      message);
}

Result<Message, ParseError> decode(ByteView bytes) {
  LN_TRY(type, read_type(bytes));
  return decode_as(type, bytes);
}

bool is_gossip(ByteView bytes) {
  auto type = read_type(bytes);
  if (!type) return false;
  auto is = [&]<class... Ms>(std::type_identity<Ms>...) { return ((*type == Type<Ms>::kNumber) || ...); };
  return is(std::type_identity<ChannelAnnouncement>(), std::type_identity<NodeAnnouncement>(),
            std::type_identity<ChannelUpdate>(), std::type_identity<QueryShortChannelIds>(),
            std::type_identity<ReplyShortChannelIdsEnd>(), std::type_identity<QueryChannelRange>(),
            std::type_identity<ReplyChannelRange>(), std::type_identity<GossipTimestampFilter>());
}

const char* name(const Message& message) {
  return std::visit(
      []<class M>(const M&) {
        if constexpr (std::is_same_v<M, UnknownMessage>)
          return "unknown";
        else
          return Type<M>::kName;
      },
      message);
}

std::uint16_t type_of(const Message& message) {
  return std::visit(
      []<class M>(const M& given) -> std::uint16_t {
        if constexpr (std::is_same_v<M, UnknownMessage>)
          return given.type;
        else
          return Type<M>::kNumber;
      },
      message);
}

void add_message_shapes(std::vector<MessageShape>& out) {
  add_shapes(out, static_cast<const Message*>(nullptr));
}

Result<std::vector<ShortChannelId>, ParseError> read_short_ids(ByteView encoded) {
  std::vector<ShortChannelId> out;
  if (encoded.empty()) return out;
  if (encoded[0] != 0) return fail(ParseError{ParseCode::BadEncoding, encoded[0], "encoding of short ids"});
  if (encoded.size() % 8 != 1) return fail(ParseError{ParseCode::BadLength, encoded.size(), "encoded_short_ids"});
  Reader in(encoded.subspan(1));
  while (in.remaining() != 0) out.emplace_back(in.u64());
  return out;
}

Bytes write_short_ids(const std::vector<ShortChannelId>& ids) {
  Writer out;
  out.u8(0);
  for (auto id : ids) out.u64(id.value());
  return out.take();
}

Hash32 signature_hash(const ChannelAnnouncement& message) {
  return hash_behind(message, 4);
}
Hash32 signature_hash(const NodeAnnouncement& message) {
  return hash_behind(message, 1);
}
Hash32 signature_hash(const ChannelUpdate& message) {
  return hash_behind(message, 1);
}

}  // namespace doze::wire
