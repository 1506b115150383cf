#include "bitcoin/script.h"
#include "commitment/commitment_tx.h"
#include "crypto/crypto.h"
#include "effects/record_io.h"
#include "gossip/inside.h"

namespace doze::gossip {

namespace {
constexpr std::uint8_t kVersion = 1;

Bytes channel_key(ShortChannelId scid, ChannelPart part) {
  return Writer().u64(scid.value()).u8(static_cast<std::uint8_t>(part)).take();
}
Bytes policy_key(const ChannelId& id, Side side) {
  return Writer().bytes(id.view()).u8(static_cast<std::uint8_t>(side)).take();
}
Bytes raw_record(ByteView raw) {
  RecordWriter out(kVersion);
  out.put(to_bytes(raw));
  return out.take();
}

/// Reads the raw message behind the other fields of a row.
template <class Message>
Result<Message, ParseError> message_in(RecordReader& in, const char* what) {
  if (in.version() != kVersion) return fail(ParseError{ParseCode::UnknownVersion, in.version(), what});
  Bytes raw;
  in.get(raw);
  LN_CHECK(in.finish(what));
  LN_TRY(message, wire::decode(raw));
  auto* wanted = std::get_if<Message>(&message);
  if (wanted == nullptr) return fail(ParseError{ParseCode::BadValue, 0, what});
  return std::move(*wanted);
}

Status<ParseError> refused(const char* what) {
  return fail(ParseError{ParseCode::BadValue, 0, what});
}

Status<ParseError> read_channel(const Row& row, Gossip::Inside& state) {
  RecordReader in(row.value);
  UnixTime announced_at;
  std::optional<Sat> capacity;
  std::optional<BlockHeight> spent_at;
  in.all(announced_at, capacity, spent_at);
  LN_TRY(message, message_in<wire::ChannelAnnouncement>(in, "announced channel"));
  if (!state.graph.add_channel(message, message.raw, capacity, announced_at)) return refused("announced channel");
  if (spent_at && !state.graph.mark_spent(message.short_channel_id, *spent_at)) return refused("announced channel");
  auto funding = funding_hash(message);
  state.fundings.insert({beginning_of(funding), message.short_channel_id});
  state.not_watched_yet.push_back(funding);
  return Done{};
}
Status<ParseError> read_update(const Row& row, Gossip::Inside& state) {
  RecordReader in(row.value);
  LN_TRY(message, message_in<wire::ChannelUpdate>(in, "channel update"));
  if (!state.graph.apply(message, message.raw)) return refused("channel update");
  return Done{};
}
Status<ParseError> read_node(const Row& row, Gossip::Inside& state) {
  RecordReader in(row.value);
  LN_TRY(message, message_in<wire::NodeAnnouncement>(in, "node announcement"));
  if (!apply_node(state.graph, message)) return refused("node announcement");
  return Done{};
}
Status<ParseError> read_policy(const Row& row, Gossip::Inside& state) {
  RecordReader in(row.value);
  LN_TRY(message, message_in<wire::ChannelUpdate>(in, "channel policy"));
  Reader key(row.key);
  ChannelId id;
  id.bytes = key.array<32>();
  auto side = key.u8();
  if (!key.done() || side > 1) return refused("channel policy key");
  bool local = side == static_cast<std::uint8_t>(Side::Local);
  (local ? state.policies[id].local : state.policies[id].remote) = policy_of(message);
  (local ? state.own_updates[id].local : state.own_updates[id].remote) = std::move(message);
  return Done{};
}
bool is_announcement(const Row& row) {
  return row.table == Table::GossipChannel && row.key.size() == 9 && row.key.back() == 0;
}

/// Room for what stands before the message in a row.
constexpr std::size_t kAroundMessage = 64;
/// An earlier version kept messages of any size. What belongs to a channel or a node that is not read for that reason
/// is not read either.
bool is_refused(const Row& row, const std::set<ShortChannelId>& refused, const Gossip::Inside& state) {
  auto most = row.table == Table::GossipNode ? kMaxNodeBytes
              : is_announcement(row)         ? kMaxAnnouncementBytes
                                             : kMaxUpdateBytes;
  if (row.value.size() > most + kAroundMessage) return true;
  if (refused.empty() || is_announcement(row) || row.table == Table::PeerPolicy) return false;
  Reader key(row.key);
  if (row.table == Table::GossipChannel) return refused.contains(ShortChannelId(key.u64()));
  NodeId node;
  node.bytes = key.array<33>();
  return key.done() && state.graph.node(node) == nullptr;
}

}  // namespace

namespace {
Bytes funding_script(const wire::ChannelAnnouncement& announcement) {
  return commitment::funding_script(announcement.bitcoin_key_1, announcement.bitcoin_key_2);
}
}  // namespace

Hash32 funding_hash(const wire::ChannelAnnouncement& announcement) {
  return crypto::sha256(funding_script(announcement));
}
Bytes funding_script_pubkey(const wire::ChannelAnnouncement& announcement) {
  return bitcoin::p2wsh_script(funding_script(announcement));
}
std::uint64_t beginning_of(const Hash32& funding) {
  return Reader(funding.view()).u64();
}

ChannelPolicy policy_of(const wire::ChannelUpdate& update) {
  return ChannelPolicy{
      .fee_base = Msat(update.fee_base_msat),
      .fee_proportional_millionths = update.fee_proportional_millionths,
      .cltv_expiry_delta = CltvDelta(update.cltv_expiry_delta),
      .htlc_minimum = update.htlc_minimum_msat,
      .htlc_maximum = update.htlc_maximum_msat,
      // With a minimum above the maximum, and above all money perhaps, nothing gets through.
      .disabled = (update.channel_flags & 2) != 0 || update.htlc_minimum_msat > update.htlc_maximum_msat};
}

void save_channel(Work& work, const graph::Channel& channel) {
  RecordWriter out(kVersion);
  out.all(channel.announced_at, channel.capacity, channel.spent_at, channel.raw);
  work.effects.push_back(Put{Table::GossipChannel, channel_key(channel.scid, ChannelPart::Announcement), out.take()});
}
void save_update(Work& work, ShortChannelId scid, std::uint8_t direction, ByteView raw) {
  auto part = direction == 0 ? ChannelPart::Update1 : ChannelPart::Update2;
  work.effects.push_back(Put{Table::GossipChannel, channel_key(scid, part), raw_record(raw)});
}
void save_node(Work& work, const NodeId& node, ByteView raw) {
  work.effects.push_back(Put{Table::GossipNode, to_bytes(node.view()), raw_record(raw)});
}
void save_policy(Work& work, const ChannelId& id, Side side, ByteView raw) {
  work.effects.push_back(Put{Table::PeerPolicy, policy_key(id, side), raw_record(raw)});
}
void erase_policies(Work& work, const ChannelId& id) {
  for (auto side : {Side::Local, Side::Remote}) work.effects.push_back(Erase{Table::PeerPolicy, policy_key(id, side)});
}

bool apply_node(graph::Graph& graph, const wire::NodeAnnouncement& message) {
  if (message.addresses.size() <= kMaxAddressesOfNode) return graph.apply(message, message.raw).has_value();
  auto kept = message;
  kept.addresses.resize(kMaxAddressesOfNode);
  kept.addresses.shrink_to_fit();
  return graph.apply(kept, message.raw).has_value();
}

void erase_refused(Work& work) {
  for (auto& [table, key] : std::exchange(work.state.refused_rows, {}))
    work.effects.push_back(Erase{table, std::move(key)});
}

void erase_removed(Work& work, const std::vector<graph::ChannelRemoved>& removed) {
  for (const auto& channel : removed) {
    for (auto part : {ChannelPart::Announcement, ChannelPart::Update1, ChannelPart::Update2})
      work.effects.push_back(Erase{Table::GossipChannel, channel_key(channel.scid, part)});
    for (const auto& node : channel.gone_nodes) work.effects.push_back(Erase{Table::GossipNode, to_bytes(node.view())});
    unwatch_funding(work, decode_kept<wire::ChannelAnnouncement>(channel.raw));
  }
}

Status<LoadError> read_rows(std::span<const Row> rows, Gossip::Inside& state) {
  // Channels make nodes known and come first.
  std::set<ShortChannelId> refused_channels;
  for (bool channels : {true, false})
    for (const auto& row : rows) {
      if (is_announcement(row) != channels) continue;
      if (is_refused(row, refused_channels, state)) {
        if (channels) refused_channels.insert(ShortChannelId(Reader(row.key).u64()));
        state.refused_rows.emplace_back(row.table, row.key);
        continue;
      }
      auto read = channels                            ? read_channel(row, state)
                  : row.table == Table::GossipChannel ? read_update(row, state)
                  : row.table == Table::GossipNode    ? read_node(row, state)
                                                      : read_policy(row, state);
      if (!read) return fail(LoadError{row.table, row.key, read.error()});
    }
  return Done{};
}

}  // namespace doze::gossip
