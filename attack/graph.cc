// A large graph for one node, written straight into its database while it is stopped, in the rows that 4887d87 wrote:
// nodes of which each has some channels to the ones before it, and the victim one to the first. Prints the last node.
// Nothing of it exists, and no signature is right: a node does not verify again what it has stored.
#include <cstdio>
#include <ctime>

#include "crypto/crypto.h"
#include "effects/features.h"
#include "effects/record_io.h"
#include "peer.h"
#include "store/store.h"
#include "wire/chains.h"

namespace doze::attack {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kChannelsPerNode = 4;

struct Rows {
  Batch batch;
  UnixTime now;

  void channel(ShortChannelId scid, const NodeId& a, const NodeId& b) {
    wire::ChannelAnnouncement m;
    m.chain_hash = wire::chain_hash(wire::Network::Regtest);
    m.short_channel_id = scid;
    std::tie(m.node_id_1, m.node_id_2) = std::minmax(a, b);
    m.bitcoin_key_1 = m.node_id_1;
    m.bitcoin_key_2 = m.node_id_2;
    RecordWriter row(kVersion);
    row.all(now, std::optional(Sat(1'000'000)), std::optional<BlockHeight>(), wire::encode(m));
    batch.emplace_back(Put{Table::GossipChannel, key(scid, 0), row.take()});
    for (std::uint8_t direction : {0, 1}) {
      wire::ChannelUpdate update;
      update.chain_hash = m.chain_hash;
      update.short_channel_id = scid;
      update.timestamp = static_cast<std::uint32_t>(now.value());
      update.channel_flags = direction;
      update.cltv_expiry_delta = 40;
      update.htlc_minimum_msat = Msat(1);
      update.htlc_maximum_msat = Msat(1'000'000'000);
      put(Table::GossipChannel, key(scid, direction + 1), wire::encode(update));
    }
  }
  void node(const NodeId& id) {
    wire::NodeAnnouncement m;
    m.features = own_features(Config{});
    m.timestamp = static_cast<std::uint32_t>(now.value());
    m.node_id = id;
    put(Table::GossipNode, to_bytes(id.view()), wire::encode(m));
  }

 private:
  static Bytes key(ShortChannelId scid, int part) {
    return Writer().u64(scid.value()).u8(static_cast<std::uint8_t>(part)).take();
  }
  void put(Table table, Bytes at, Bytes raw) {
    RecordWriter row(kVersion);
    row.put(raw);
    batch.emplace_back(Put{table, std::move(at), row.take()});
  }
};

}  // namespace

Numbers graph(const Arguments& arguments) {
  auto self_bytes = from_hex(arguments.text("self"));
  auto salt = from_hex(arguments.text("salt", ""));  // a restored node has one
  auto self = self_bytes ? NodeId::from(*self_bytes) : std::nullopt;
  if (!self || !salt) throw Failed("self and salt are needed in hex");
  auto fingerprint = crypto::sha256(Writer().bytes(self->view()).bytes(*salt).take());
  auto store = store::Store::open(arguments.text("folder"), fingerprint.view(), false);
  if (!store) throw Failed(store.error().message);
  Rows rows;
  rows.now = UnixTime(static_cast<std::uint64_t>(::time(nullptr)));
  auto channels = arguments.number("channels", 40'000);
  std::vector<NodeId> nodes{*self};
  for (std::uint64_t made = 0; made < channels;) {
    nodes.push_back(crypto::public_key(fresh_key()));
    for (std::size_t i = 0; i < kChannelsPerNode && i + 1 < nodes.size() && made < channels; ++i, ++made) {
      // The victim has one channel only: what it wants to reach lies behind the first node.
      auto to = nodes.size() == 2 ? 0 : 1 + chance().u64() % (nodes.size() - 2);
      rows.channel(ShortChannelId::of(100'000 + static_cast<std::uint32_t>(made / 100), made % 100, 0), nodes.back(),
                   nodes[to]);
    }
    rows.node(nodes.back());
  }
  std::printf("%s\n", nodes.back().hex().c_str());
  if (auto written = store->commit(rows.batch); !written) throw Failed(written.error().message);
  return {{"channels", channels}, {"nodes", nodes.size()}};
}

}  // namespace doze::attack
