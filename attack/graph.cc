// A large graph for one node, written straight into its database while it is stopped, in the rows that 4887d87 wrote:
// nodes of which each has some channels to the ones before it, and the victim one to the first. Prints the last node.
// Nothing of it exists, and no signature is right: a node does not verify again what it has stored.
#include <cstdio>
#include <ctime>

#include "crypto/crypto.h"
#include "gossip/test/graph_rows.h"
#include "peer.h"
#include "store/store.h"

namespace doze::attack {
namespace {

constexpr std::size_t kChannelsPerNode = 4;

}  // namespace

Numbers graph(const Arguments& arguments) {
  auto self_bytes = from_hex(arguments.text("self"));
  auto salt = from_hex(arguments.text("salt", ""));  // a restored node has one
  auto self = self_bytes ? NodeId::from(*self_bytes) : std::nullopt;
  if (!self || !salt) throw Failed("self and salt are needed in hex");
  auto fingerprint = crypto::sha256(Writer().bytes(self->view()).bytes(*salt).take());
  auto store = store::Store::open(arguments.text("folder"), fingerprint.view(), false);
  if (!store) throw Failed(store.error().message);
  gossip::GraphRows graph_rows(UnixTime(static_cast<std::uint64_t>(::time(nullptr))));
  auto channels = arguments.number("channels", 40'000);
  std::vector<NodeId> nodes{*self};
  for (std::uint64_t made = 0; made < channels;) {
    nodes.push_back(crypto::public_key(fresh_key()));
    for (std::size_t i = 0; i < kChannelsPerNode && i + 1 < nodes.size() && made < channels; ++i, ++made) {
      // The victim has one channel only: what it wants to reach lies behind the first node.
      auto to = nodes.size() == 2 ? 0 : 1 + chance().u64() % (nodes.size() - 2);
      graph_rows.channel(ShortChannelId::of(100'000 + static_cast<std::uint32_t>(made / 100), made % 100, 0),
                         nodes.back(), nodes[to]);
    }
    graph_rows.node(nodes.back());
  }
  std::printf("%s\n", nodes.back().hex().c_str());
  Batch batch;
  for (auto& row : graph_rows.rows) batch.emplace_back(Put{row.table, std::move(row.key), std::move(row.value)});
  if (auto written = store->commit(batch); !written) throw Failed(written.error().message);
  return {{"channels", channels}, {"nodes", nodes.size()}};
}

}  // namespace doze::attack
