// Field tables of every message: `fields` for the fixed part, `tlvs` for the stream behind it, both ways.
#include "wire/messages.h"

#include "crypto/crypto.h"
#include "wire/fields.h"

namespace doze::wire {

namespace {

constexpr std::uint64_t kPathKeyTlv = 0;
constexpr std::size_t kMaxHtlcSignatures = 966;  // BOLT 2: max_accepted_htlcs is 483 at most, in each direction

// ---- BOLT 1 ----
void fields(FieldWriter& io, Init& m) {
  io.out.u16(0);  // globalfeatures: long since joined into features
  io.field(m.features);
  TlvJoiner tlvs;
  if (m.networks) {
    Writer chains;
    for (const auto& chain : *m.networks) chains.bytes(chain.view());
    tlvs.add(1, chains.view());
  }
  if (m.remote_addr) {
    Writer address;
    write(address, *m.remote_addr);
    tlvs.add(3, address.view());
  }
  tlvs.join(io.out, {});
}
void fields(FieldReader& io, Init& m) {
  FeatureBits global;
  io.field(global);
  io.field(m.features);
  m.features = m.features | global;
  if (!io.good()) return;
  TlvFields tlvs(io);
  if (auto chains = tlvs.take(1)) {
    m.networks.emplace();
    if (chains->size() % 32 != 0) io.refuse(ParseCode::BadLength, "networks");
    for (std::size_t at = 0; at + 32 <= chains->size(); at += 32)
      m.networks->push_back(*ChainHash::from(chains->subspan(at, 32)));
  }
  if (auto address = tlvs.take(3))
    if (auto read = read_addresses(*address); read && read->size() == 1) m.remote_addr = read->front();
  (void)tlvs.keep_rest();
}
template <class Io, class M>
  requires std::is_same_v<M, Error> || std::is_same_v<M, Warning>
void fields(Io& io, M& m) {
  io.field(m.channel_id);
  io.sized(m.data);
}
template <class Io>
void fields(Io& io, Ping& m) {
  io.field(m.num_pong_bytes);
  Bytes ignored(m.ignored_length);
  io.sized(ignored);
  m.ignored_length = static_cast<std::uint16_t>(ignored.size());
}
template <class Io>
void fields(Io& io, Pong& m) {
  Bytes ignored(m.ignored_length);
  io.sized(ignored);
  m.ignored_length = static_cast<std::uint16_t>(ignored.size());
}

// ---- BOLT 2 ----
template <class M>
void opening_tlvs(FieldWriter& io, M& m) {
  TlvJoiner tlvs;
  if (m.upfront_shutdown_script) tlvs.add(0, *m.upfront_shutdown_script);
  if (m.channel_type) tlvs.add(1, m.channel_type->to_bytes());
  tlvs.join(io.out, m.extra_tlvs);
}
template <class M>
void opening_tlvs(FieldReader& io, M& m) {
  if (!io.good()) return;
  TlvFields tlvs(io);
  if (auto script = tlvs.take(0)) m.upfront_shutdown_script = doze::to_bytes(*script);
  if (auto type = tlvs.take(1)) m.channel_type = FeatureBits(*type);
  m.extra_tlvs = tlvs.keep_rest();
}
template <class Io, class M>
void six_points(Io& io, M& m) {
  io.field(m.funding_pubkey);
  io.field(m.revocation_basepoint);
  io.field(m.payment_basepoint);
  io.field(m.delayed_payment_basepoint);
  io.field(m.htlc_basepoint);
  io.field(m.first_per_commitment_point);
}
template <class Io>
void fields(Io& io, OpenChannel& m) {
  io.field(m.chain_hash);
  io.field(m.temporary_channel_id);
  io.field(m.funding_satoshis);
  io.field(m.push_msat);
  io.field(m.dust_limit_satoshis);
  io.limit(m.max_htlc_value_in_flight_msat);
  io.field(m.channel_reserve_satoshis);
  io.field(m.htlc_minimum_msat);
  io.field(m.feerate_per_kw);
  io.field(m.to_self_delay);
  io.field(m.max_accepted_htlcs);
  six_points(io, m);
  io.field(m.channel_flags);
  opening_tlvs(io, m);
}
template <class Io>
void fields(Io& io, AcceptChannel& m) {
  io.field(m.temporary_channel_id);
  io.field(m.dust_limit_satoshis);
  io.limit(m.max_htlc_value_in_flight_msat);
  io.field(m.channel_reserve_satoshis);
  io.field(m.htlc_minimum_msat);
  io.field(m.minimum_depth);
  io.field(m.to_self_delay);
  io.field(m.max_accepted_htlcs);
  six_points(io, m);
  opening_tlvs(io, m);
}
template <class Io>
void fields(Io& io, FundingCreated& m) {
  io.field(m.temporary_channel_id);
  io.field(m.funding_txid);
  io.field(m.funding_output_index);
  io.field(m.signature);
}
template <class Io>
void fields(Io& io, FundingSigned& m) {
  io.field(m.channel_id);
  io.field(m.signature);
}
/// A stream without records of ours: unknown odd ones are kept.
void extras(FieldWriter& io, Bytes& kept) {
  io.out.bytes(kept);
}
void extras(FieldReader& io, Bytes& kept) {
  if (!io.good()) return;
  TlvFields tlvs(io);
  kept = tlvs.keep_rest();
}
void alias_tlv(FieldWriter& io, ChannelReady& m) {
  TlvJoiner tlvs;
  if (m.short_channel_id) tlvs.add(1, Writer().u64(m.short_channel_id->value()).view());
  tlvs.join(io.out, m.extra_tlvs);
}
void alias_tlv(FieldReader& io, ChannelReady& m) {
  if (!io.good()) return;
  TlvFields tlvs(io);
  if (auto alias = tlvs.take(1)) {
    Reader in(*alias);
    m.short_channel_id = ShortChannelId(in.u64());
    if (!in.done()) io.refuse(ParseCode::BadLength, "short_channel_id alias");
  }
  m.extra_tlvs = tlvs.keep_rest();
}
template <class Io>
void fields(Io& io, ChannelReady& m) {
  io.field(m.channel_id);
  io.field(m.second_per_commitment_point);
  alias_tlv(io, m);
}
template <class Io>
void fields(Io& io, Shutdown& m) {
  io.field(m.channel_id);
  io.sized(m.scriptpubkey);
  extras(io, m.extra_tlvs);
}
void fee_range_tlv(FieldWriter& io, ClosingSigned& m) {
  TlvJoiner tlvs;
  if (m.fee_range)
    tlvs.add(1, Writer().u64(m.fee_range->min_fee_satoshis.value()).u64(m.fee_range->max_fee_satoshis.value()).view());
  tlvs.join(io.out, m.extra_tlvs);
}
void fee_range_tlv(FieldReader& io, ClosingSigned& m) {
  if (!io.good()) return;
  TlvFields tlvs(io);
  if (auto range = tlvs.take(1)) {
    Reader in(*range);
    m.fee_range = FeeRange{Sat(in.u64()), Sat(in.u64())};
    if (!in.done()) io.refuse(ParseCode::BadLength, "fee_range");
  }
  m.extra_tlvs = tlvs.keep_rest();
}
template <class Io>
void fields(Io& io, ClosingSigned& m) {
  io.field(m.channel_id);
  io.field(m.fee_satoshis);
  io.field(m.signature);
  fee_range_tlv(io, m);
}
void add_tlvs(FieldWriter& io, UpdateAddHtlc& m) {
  TlvJoiner tlvs;
  if (m.path_key) tlvs.add(kPathKeyTlv, m.path_key->view());
  if (m.hold_htlc) tlvs.add(numbers(*m.hold_htlc).add_hold_htlc, {});
  tlvs.join(io.out, m.extra_tlvs);
}
void add_tlvs(FieldReader& io, UpdateAddHtlc& m) {
  if (!io.good()) return;
  TlvFields tlvs(io);
  if (auto key = tlvs.take(kPathKeyTlv)) {
    m.path_key = PublicKey::from(*key);
    if (!m.path_key) io.refuse(ParseCode::BadLength, "path_key");
  }
  for (auto profile : {Profile::Draft, Profile::Ldk})  // LDK's wins where both are set
    if (auto hold = tlvs.take(numbers(profile).add_hold_htlc)) {
      if (!hold->empty()) io.refuse(ParseCode::BadLength, "hold_htlc");
      m.hold_htlc = profile;
    }
  m.extra_tlvs = tlvs.keep_rest();
}
template <class Io>
void fields(Io& io, UpdateAddHtlc& m) {
  io.field(m.channel_id);
  io.field(m.id);
  io.field(m.amount_msat);
  io.field(m.payment_hash);
  io.field(m.cltv_expiry);
  io.fixed(m.onion_routing_packet, kPaymentOnionBytes);
  add_tlvs(io, m);
}
template <class Io>
void fields(Io& io, UpdateFulfillHtlc& m) {
  io.field(m.channel_id);
  io.field(m.id);
  io.field(m.payment_preimage);
  extras(io, m.extra_tlvs);
}
template <class Io>
void fields(Io& io, UpdateFailHtlc& m) {
  io.field(m.channel_id);
  io.field(m.id);
  io.sized(m.reason);
  extras(io, m.extra_tlvs);
}
template <class Io>
void fields(Io& io, UpdateFailMalformedHtlc& m) {
  io.field(m.channel_id);
  io.field(m.id);
  io.field(m.sha256_of_onion);
  io.field(m.failure_code);
}
void signatures(FieldWriter& io, std::vector<Signature>& v) {
  io.out.u16(static_cast<std::uint16_t>(v.size()));
  for (const auto& signature : v) io.out.bytes(signature.view());
}
void signatures(FieldReader& io, std::vector<Signature>& v) {
  std::uint16_t count = 0;
  io.field(count);
  if (count > kMaxHtlcSignatures) return io.refuse(ParseCode::BadValue, "num_htlcs");
  for (; count > 0 && io.in.ok(); --count) {
    Signature signature;
    io.field(signature);
    v.push_back(signature);
  }
}
template <class Io>
void fields(Io& io, CommitmentSigned& m) {
  io.field(m.channel_id);
  io.field(m.signature);
  signatures(io, m.htlc_signatures);
  extras(io, m.extra_tlvs);
}
void release_tlvs(FieldWriter& io, RevokeAndAck& m) {
  TlvJoiner tlvs;
  for (auto profile : {Profile::Draft, Profile::Ldk}) {
    Writer records;
    for (const auto& release : m.release_paths) {
      if (release.profile != profile) continue;
      if (numbers(profile).raa_record_has_htlc_id) records.u64(release.htlc_id.value_or(0));
      write(records, release.path);
    }
    if (records.size() != 0) tlvs.add(numbers(profile).raa_release_paths, records.view());
  }
  tlvs.join(io.out, m.extra_tlvs);
}
void release_tlvs(FieldReader& io, RevokeAndAck& m) {
  if (!io.good()) return;
  TlvFields tlvs(io);
  for (auto profile : {Profile::Draft, Profile::Ldk}) {
    auto value = tlvs.take(numbers(profile).raa_release_paths);
    if (!value) continue;
    Reader in(*value);
    while (in.remaining() != 0) {
      ReleasePath release{std::nullopt, {}, profile};
      if (numbers(profile).raa_record_has_htlc_id) release.htlc_id = in.u64();
      auto path = read_blinded_path(in);
      if (!path) {
        io.refuse(path.error().code, "release path");
        break;
      }
      release.path = *std::move(path);
      m.release_paths.push_back(std::move(release));
    }
  }
  m.extra_tlvs = tlvs.keep_rest();
}
template <class Io>
void fields(Io& io, RevokeAndAck& m) {
  io.field(m.channel_id);
  io.field(m.per_commitment_secret);
  io.field(m.next_per_commitment_point);
  release_tlvs(io, m);
}
template <class Io>
void fields(Io& io, UpdateFee& m) {
  io.field(m.channel_id);
  io.field(m.feerate_per_kw);
}
template <class Io>
void fields(Io& io, ChannelReestablish& m) {
  io.field(m.channel_id);
  io.field(m.next_commitment_number);
  io.field(m.next_revocation_number);
  io.field(m.your_last_per_commitment_secret);
  io.field(m.my_current_per_commitment_point);
  extras(io, m.extra_tlvs);
}

// ---- BOLT 7 ----
template <class Io>
void fields(Io& io, AnnouncementSignatures& m) {
  io.field(m.channel_id);
  io.field(m.short_channel_id);
  io.field(m.node_signature);
  io.field(m.bitcoin_signature);
}
/// What stands behind the known fields of a gossip message is kept in `raw` only.
void behind(FieldWriter&) {}
void behind(FieldReader& io) {
  (void)io.in.rest();
}
template <class Io>
void fields(Io& io, ChannelAnnouncement& m) {
  io.field(m.node_signature_1);
  io.field(m.node_signature_2);
  io.field(m.bitcoin_signature_1);
  io.field(m.bitcoin_signature_2);
  io.field(m.features);
  io.field(m.chain_hash);
  io.field(m.short_channel_id);
  io.field(m.node_id_1);
  io.field(m.node_id_2);
  io.field(m.bitcoin_key_1);
  io.field(m.bitcoin_key_2);
  behind(io);
}
void addresses(FieldWriter& io, std::vector<NetworkAddress>& v) {
  auto bytes = to_bytes(v);
  io.sized(bytes);
}
void addresses(FieldReader& io, std::vector<NetworkAddress>& v) {
  Bytes bytes;
  io.sized(bytes);
  if (!io.good()) return;
  auto read = read_addresses(bytes);
  if (read)
    v = *std::move(read);
  else
    io.error = read.error();
}
template <class Io>
void fields(Io& io, NodeAnnouncement& m) {
  io.field(m.signature);
  io.field(m.features);
  io.field(m.timestamp);
  io.field(m.node_id);
  io.field(m.rgb_color);
  io.field(m.alias);
  addresses(io, m.addresses);
  behind(io);
}
template <class Io>
void fields(Io& io, ChannelUpdate& m) {
  io.field(m.signature);
  io.field(m.chain_hash);
  io.field(m.short_channel_id);
  io.field(m.timestamp);
  io.field(m.message_flags);
  io.field(m.channel_flags);
  io.field(m.cltv_expiry_delta);
  io.field(m.htlc_minimum_msat);
  io.field(m.fee_base_msat);
  io.field(m.fee_proportional_millionths);
  io.limit(m.htlc_maximum_msat);
  behind(io);
}
template <class Io>
void fields(Io& io, QueryShortChannelIds& m) {
  io.field(m.chain_hash);
  io.sized(m.encoded_short_ids);
  io.rest(m.extra_tlvs);
}
template <class Io>
void fields(Io& io, ReplyShortChannelIdsEnd& m) {
  io.field(m.chain_hash);
  io.field(m.full_information);
}
template <class Io>
void fields(Io& io, QueryChannelRange& m) {
  io.field(m.chain_hash);
  io.field(m.first_blocknum);
  io.field(m.number_of_blocks);
  io.rest(m.extra_tlvs);
}
template <class Io>
void fields(Io& io, ReplyChannelRange& m) {
  io.field(m.chain_hash);
  io.field(m.first_blocknum);
  io.field(m.number_of_blocks);
  io.field(m.sync_complete);
  io.sized(m.encoded_short_ids);
  io.rest(m.extra_tlvs);
}
template <class Io>
void fields(Io& io, GossipTimestampFilter& m) {
  io.field(m.chain_hash);
  io.field(m.first_timestamp);
  io.field(m.timestamp_range);
}

// ---- BOLT 4 ----
template <class Io>
void fields(Io& io, OnionMessage& m) {
  io.field(m.path_key);
  io.sized(m.onion_message_packet);
}

// ---- the table of types ----
template <class M>
struct Type;
#define DOZE_MESSAGE(NUMBER, STRUCT, NAME)           \
  template <>                                        \
  struct Type<STRUCT> {                              \
    static constexpr std::uint16_t kNumber = NUMBER; \
    static constexpr const char* kName = NAME;       \
  };
DOZE_MESSAGE(1, Warning, "warning")
DOZE_MESSAGE(16, Init, "init")
DOZE_MESSAGE(17, Error, "error")
DOZE_MESSAGE(18, Ping, "ping")
DOZE_MESSAGE(19, Pong, "pong")
DOZE_MESSAGE(32, OpenChannel, "open_channel")
DOZE_MESSAGE(33, AcceptChannel, "accept_channel")
DOZE_MESSAGE(34, FundingCreated, "funding_created")
DOZE_MESSAGE(35, FundingSigned, "funding_signed")
DOZE_MESSAGE(36, ChannelReady, "channel_ready")
DOZE_MESSAGE(38, Shutdown, "shutdown")
DOZE_MESSAGE(39, ClosingSigned, "closing_signed")
DOZE_MESSAGE(128, UpdateAddHtlc, "update_add_htlc")
DOZE_MESSAGE(130, UpdateFulfillHtlc, "update_fulfill_htlc")
DOZE_MESSAGE(131, UpdateFailHtlc, "update_fail_htlc")
DOZE_MESSAGE(132, CommitmentSigned, "commitment_signed")
DOZE_MESSAGE(133, RevokeAndAck, "revoke_and_ack")
DOZE_MESSAGE(134, UpdateFee, "update_fee")
DOZE_MESSAGE(135, UpdateFailMalformedHtlc, "update_fail_malformed_htlc")
DOZE_MESSAGE(136, ChannelReestablish, "channel_reestablish")
DOZE_MESSAGE(256, ChannelAnnouncement, "channel_announcement")
DOZE_MESSAGE(257, NodeAnnouncement, "node_announcement")
DOZE_MESSAGE(258, ChannelUpdate, "channel_update")
DOZE_MESSAGE(259, AnnouncementSignatures, "announcement_signatures")
DOZE_MESSAGE(261, QueryShortChannelIds, "query_short_channel_ids")
DOZE_MESSAGE(262, ReplyShortChannelIdsEnd, "reply_short_channel_ids_end")
DOZE_MESSAGE(263, QueryChannelRange, "query_channel_range")
DOZE_MESSAGE(264, ReplyChannelRange, "reply_channel_range")
DOZE_MESSAGE(265, GossipTimestampFilter, "gossip_timestamp_filter")
DOZE_MESSAGE(513, OnionMessage, "onion_message")
#undef DOZE_MESSAGE

template <class M>
Result<Message, ParseError> read(ByteView bytes) {
  FieldReader io(bytes.subspan(2));
  M message;
  fields(io, message);
  if (!io.good()) return fail(*io.error);
  if constexpr (requires { message.raw; }) message.raw = doze::to_bytes(bytes);
  return Message(std::move(message));
}

/// Tries each alternative of the variant: the type numbers are in Type<M>.
template <std::size_t kAt = 0>
Result<Message, ParseError> decode_as(std::uint16_t type, ByteView bytes) {
  using M = std::variant_alternative_t<kAt, Message>;
  if constexpr (std::is_same_v<M, UnknownMessage>) {
    if (type % 2 == 0) return fail(ParseError{ParseCode::UnknownEven, type, "message type"});
    return Message(UnknownMessage{type});
  } else {
    if (type == Type<M>::kNumber) return read<M>(bytes);
    return decode_as<kAt + 1>(type, bytes);
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
          FieldWriter io;
          io.out.u16(Type<M>::kNumber);
          M copy = given;
          fields(io, copy);
          LN_ASSERT(io.out.size() <= kMaxMessageBytes);
          return io.out.take();
        }
      },
      message);
}

Result<Message, ParseError> decode(ByteView bytes) {
  if (bytes.size() < 2) return fail(ParseError{ParseCode::Truncated, 0, "message type"});
  if (bytes.size() > kMaxMessageBytes) return fail(ParseError{ParseCode::TooLarge, bytes.size(), "message"});
  return decode_as(static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]), bytes);
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
