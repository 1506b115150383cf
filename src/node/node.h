// The corridor: one step() for the whole node. A routing table, no protocol rule.
//
// step() delivers the input to the machines that hear it, routes every word they say (in order, breadth first), says
// EndOfStep to the channels when nothing is left, and gives one Outbox. The same rows, keys and inputs give the same
// node.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "effects/context.h"
#include "effects/words.h"

namespace doze::node {

struct Now {
  MonoTime mono;
  UnixTime wall;
};

struct Tip {
  BlockHeight height;
  BlockHash hash;
};

using ReadTable = std::function<std::vector<Row>(Table)>;

class Node {
 public:
  /// `read` gives all rows of a table in key order; it is asked for one table after the other, and each is given back
  /// before the next. Empty: there are none yet. Those that stay on disk are not asked for. `signer` and `config`
  /// outlive the node.
  [[nodiscard]] static Result<Node, LoadError> load(const Config& config, const Signer& signer, const ReadTable& read,
                                                    const ParallelMap& parallel);
  ~Node();
  Node(Node&&) noexcept;
  Node& operator=(Node&&) noexcept;

  [[nodiscard]] Outbox step(const Input& input, Now now, Rng& rng);
  /// As peer::record_messages.
  void record_messages();
  /// When DeadlineReached is wanted at the latest.
  [[nodiscard]] std::optional<MonoTime> deadline() const;
  /// The last block that was connected; nullopt before the first.
  [[nodiscard]] std::optional<Tip> tip() const;
  /// The last blocks that were connected, oldest first: for finding the common block after a reorganisation.
  [[nodiscard]] std::vector<Tip> chain_tail() const;
  [[nodiscard]] const std::map<ChannelId, ChannelView>& channels() const;
  [[nodiscard]] const std::map<NodeId, PeerView>& peers() const;
  /// Words between machines in the last step. Their number has no bound; how deep they cause each other has
  /// (kMaxDepth).
  [[nodiscard]] std::size_t last_hops() const;

  struct Inside;

 private:
  explicit Node(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace doze::node
