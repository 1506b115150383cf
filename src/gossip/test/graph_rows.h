// Rows of a large graph as the store keeps them (version 1), for benchmarks and attacks. Nothing of it exists, and no
// signature is right: what is stored is not verified again.
#pragma once

#include <algorithm>
#include <tuple>
#include <vector>

#include "effects/features.h"
#include "effects/record_io.h"
#include "effects/records.h"
#include "wire/chains.h"
#include "wire/messages.h"

namespace doze::gossip {

class GraphRows {
 public:
  explicit GraphRows(UnixTime now) : now_(now) {}
  std::vector<Row> rows;

  /// On regtest, with an update of both ends.
  void channel(ShortChannelId scid, const NodeId& a, const NodeId& b) {
    wire::ChannelAnnouncement m;
    m.chain_hash = wire::chain_hash(wire::Network::Regtest);
    m.short_channel_id = scid;
    std::tie(m.node_id_1, m.node_id_2) = std::minmax(a, b);
    m.bitcoin_key_1 = m.node_id_1;
    m.bitcoin_key_2 = m.node_id_2;
    RecordWriter row(kVersion);
    row.all(now_, std::optional(Sat(1'000'000)), std::optional<BlockHeight>(), wire::encode(m));
    rows.push_back({Table::GossipChannel, key(scid, 0), row.take()});
    for (std::uint8_t direction : {0, 1}) {
      wire::ChannelUpdate update;
      update.chain_hash = m.chain_hash;
      update.short_channel_id = scid;
      update.timestamp = static_cast<std::uint32_t>(now_.value());
      update.channel_flags = direction;
      update.cltv_expiry_delta = 40;
      update.htlc_minimum_msat = Msat(1);
      update.htlc_maximum_msat = Msat(1'000'000'000);
      add(Table::GossipChannel, key(scid, direction + 1), wire::encode(update));
    }
  }
  /// A node_announcement without an address.
  void node(const NodeId& id) {
    wire::NodeAnnouncement m;
    m.features = own_features(Config{});
    m.timestamp = static_cast<std::uint32_t>(now_.value());
    m.node_id = id;
    add(Table::GossipNode, to_bytes(id.view()), wire::encode(m));
  }

 private:
  static constexpr std::uint8_t kVersion = 1;
  static Bytes key(ShortChannelId scid, int part) {
    return Writer().u64(scid.value()).u8(static_cast<std::uint8_t>(part)).take();
  }
  void add(Table table, Bytes at, Bytes raw) {
    RecordWriter row(kVersion);
    row.put(raw);
    rows.push_back({table, std::move(at), row.take()});
  }

  UnixTime now_;
};

}  // namespace doze::gossip
