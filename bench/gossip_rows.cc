// Questions about a large graph whose answer is empty: they may not cost a walk over it.
#include "bench.h"
#include "crypto/crypto.h"
#include "gossip/gossip.h"
#include "gossip/test/graph_rows.h"

namespace bench {

namespace {

constexpr std::size_t kChannels = 40'000, kNodes = 10'000;

struct MadeGraph {
  std::vector<NodeId> nodes;
  UnixTime now{1'700'000'000};
  gossip::GraphRows stored{now};

  explicit MadeGraph(SeededRng& rng) {
    for (std::size_t i = 0; i < kNodes; ++i) nodes.push_back(crypto::public_key(fresh_key(rng)));
    for (std::size_t i = 0; i < kChannels; ++i)
      stored.channel(ShortChannelId::of(100'000 + static_cast<std::uint32_t>(i / 100), i % 100, 0), nodes[i % kNodes],
                     nodes[(i + 1 + i / kNodes) % kNodes]);
  }
};

/// A node with the graph, and one peer that asks.
struct Asked {
  SeededRng rng{14};
  MadeGraph made{rng};
  BenchNode node{21, Role::Server};
  gossip::Gossip room = loaded();
  NodeId peer = crypto::public_key(fresh_key(rng));

  Asked() {
    node.wall = made.now;
    node.tip = BlockHeight(200'000);
    node.see(peer);
    step(Started{});
    step(PeerReady{peer});
  }
  Effects step(const gossip::Input& input) {
    auto transition = gossip::step(std::move(room), input, node.context());
    room = std::move(transition.next);
    return std::move(transition.effects);
  }
  /// The question, and the steps until it is answered: how many messages left.
  std::size_t ask(const wire::Message& question) {
    auto sent = count(step(MessageReceived{peer, question}));
    for (int i = 0; i < 100; ++i) {
      auto due = gossip::deadline(room);
      if (!due || *due > after_ms(node.mono, 1'000)) break;
      node.mono = std::max(node.mono, *due);
      sent += count(step(DeadlineReached{}));
    }
    return sent;
  }
  static std::size_t count(const Effects& effects) {
    std::size_t out = 0;
    for (const auto& effect : effects) out += std::holds_alternative<SendMessage>(effect) ? 1U : 0U;
    return out;
  }

 private:
  gossip::Gossip loaded() {
    auto out = gossip::load(made.stored.rows);
    must(out.has_value(), "the graph is not read");
    return *std::move(out);
  }
};

Row none_row(const std::string& name, const wire::Message& question, std::size_t answers) {
  return {name, 0, [=](const Options& options) {
            auto asked = std::make_shared<std::unique_ptr<Asked>>();
            Sides out;
            out.operations = options.quick ? 2 : 20;
            out.fresh = [=] {
              if (!*asked) *asked = std::make_unique<Asked>();
              (*asked)->node.mono = after_ms((*asked)->node.mono, 60'000'000);  // its rates are as at the beginning
            };
            out.floor = [=](std::size_t) { must(wire::decode(wire::encode(question)).has_value(), "no question"); };
            out.ours = [=](std::size_t) { must((*asked)->ask(question) == answers, "not the answer"); };
            return out;
          }};
}

}  // namespace

std::vector<Row> gossip_rows() {
  wire::QueryChannelRange range;
  range.chain_hash = wire::chain_hash(wire::Network::Regtest);
  range.first_blocknum = 900'000;
  range.number_of_blocks = 1'000;
  wire::GossipTimestampFilter filter;
  filter.chain_hash = range.chain_hash;
  filter.first_timestamp = 1'800'000'000;
  filter.timestamp_range = 1'000;
  return {none_row("gossip_range_none", range, 1), none_row("gossip_filter_none", filter, 0)};
}

}  // namespace bench
