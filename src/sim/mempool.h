// The mempool of a bitcoind: what it takes, replaces, evicts and drops. Rules and texts are those of Bitcoin Knots
// 29.4.3 (see relay_policy.h). After the first comma of a text, amounts are satoshi and feerates satoshi per 1000 vB.
#pragma once

#include <map>
#include <set>
#include <span>
#include <vector>

#include "bitcoin/block.h"
#include "bitcoin/interpreter.h"
#include "sim/relay_policy.h"

namespace doze::sim {

/// An unspent output in a block.
struct Coin {
  bitcoin::TxOut output;
  bitcoin::SpentAt at;
};
using Coins = std::map<Outpoint, Coin>;
/// The chain that a mempool stands on.
struct Ground {
  const Coins& coins;
  BlockHeight tip;
  UnixTime median_time;  // of the tip: BIP 113
};

struct Verdict {
  bool accepted = false;
  std::string reason;   // bitcoind's words; also where the transaction was known already
  bool broken = false;  // not accepted, and no chain and no policy would
};
struct PackageVerdict {
  bool accepted = false;      // each is in the mempool or in a block
  std::string message;        // "success", or bitcoind's package_msg
  std::vector<Verdict> each;  // parents in their order, then the child; empty if the package was not looked at
};

/// Whether a block has the transaction and an output of it is unspent there.
[[nodiscard]] bool has_coin(const Ground& ground, const Txid& txid);

/// Why a transaction is not taken.
struct Refusal {
  enum class Kind : std::uint8_t {
    MissingInputs,
    Fee,     // a package may cure it
    Broken,  // no chain and no policy takes it
    Other,
  } kind = Kind::Other;
  std::string reason;
};

inline constexpr std::size_t kMaxAncestors = 25;               // -limitancestorcount, itself counted
inline constexpr std::size_t kMaxDescendants = 25;             // -limitdescendantcount, itself counted
inline constexpr std::uint64_t kMaxFamilyVsize = 101'000;      // -limitancestorsize, -limitdescendantsize
inline constexpr std::uint64_t kCarveOutVsize = 10'000;        // so large may be one descendant above the limit
inline constexpr std::size_t kMaxReplaced = 100;               // BIP 125, rule 5
inline constexpr std::size_t kMaxPackage = 25;                 // transactions
inline constexpr std::uint64_t kMempoolExpiryS = 336 * 3'600;  // -mempoolexpiry

class Mempool {
 public:
  struct Entry {
    bitcoin::Transaction transaction;
    Sat fee;
    std::int64_t counted = 0;  // the fee that the policy counts
    std::uint64_t vsize = 0;
    std::uint64_t arrival = 0;  // parents come before their children
    UnixTime since;
  };

  [[nodiscard]] const RelayPolicy& policy() const { return policy_; }
  /// For what comes from now on.
  void set_policy(const RelayPolicy& policy) { policy_ = policy; }
  /// As if the mempool were full of transactions that pay this: what pays less is evicted, with descendants, without a
  /// word. 0: there is room.
  void set_minimum(FeeratePerKvb minimum);
  /// The higher of that and the policy's.
  [[nodiscard]] FeeratePerKvb minimum() const { return std::max(minimum_, policy_.minimum); }

  /// The caller has looked whether it is here or in a block.
  Status<Refusal> add(const bitcoin::Transaction& transaction, const Ground& ground, UnixTime now);
  /// Parents, then their child.
  PackageVerdict add_package(std::span<const bitcoin::Transaction> package, const Ground& ground, UnixTime now);

  /// A block has come: what is in it leaves, and what conflicts with it, with descendants.
  void connected(const bitcoin::Block& block);
  /// Blocks have gone, these transactions were in them. They come back whatever they pay, if they are standard and
  /// valid in the next block; all that is not leaves without a word: locks that the tip or a parent without a block no
  /// longer pass, and what comes after 25 ancestors.
  void disconnected(std::span<const bitcoin::Transaction> transactions, const Ground& ground, UnixTime now);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] const Entry* find(const Txid& txid) const;
  [[nodiscard]] std::optional<Txid> spender(const Outpoint& outpoint) const;
  [[nodiscard]] std::vector<Txid> by_arrival() const;
  /// All that are not in a block and that it needs; not itself.
  [[nodiscard]] std::set<Txid> ancestors(const Txid& txid) const;
  /// Not itself.
  [[nodiscard]] std::set<Txid> descendants(const Txid& txid) const;

 private:
  enum class Way : std::uint8_t { Alone, InPackage, FromBlock };
  struct Sum {
    std::int64_t counted = 0;
    std::uint64_t vsize = 0;
    std::size_t count = 0;
  };
  struct Candidate {
    const bitcoin::Transaction* transaction = nullptr;
    Txid txid;
    Sat fee;
    Sum sum;  // its own
    std::vector<bitcoin::TxOut> spent;
    std::vector<bitcoin::SpentAt> at;
    std::set<Txid> ancestors;  // in the mempool
    std::set<Txid> conflicts;  // in the mempool: they spend what it spends, or it takes their place as a child
    bool evicts_sibling = false;
  };
  using Package = std::vector<Candidate>;
  /// What became of transactions that are judged together: a message for all ("" if taken), and who broke what.
  struct Together {
    std::string message;
    std::map<Txid, Refusal> refused;
  };

  Result<Candidate, Refusal> examine(const bitcoin::Transaction& transaction, const Ground& ground, Way way,
                                     const Package& ahead) const;
  Status<Refusal> find_inputs(Candidate& candidate, const Ground& ground, const Package& ahead) const;
  Status<Refusal> check_family(const Candidate& candidate) const;
  Status<Refusal> check_limits(const std::set<Txid>& ancestors, const Sum& added, const Sum& room,
                               std::size_t most_ancestors) const;
  Status<Refusal> check_truc(Candidate& candidate) const;
  Status<Refusal> check_truc_package(const Candidate& candidate, const Package& package) const;
  Status<Refusal> check_spends_dust(const Candidate& candidate, const Package& package) const;
  Result<std::set<Txid>, Refusal> replaced_by(const Candidate& candidate) const;
  Result<std::set<Txid>, Refusal> replaced_by(const Package& package) const;
  Status<Refusal> check_conflict_cluster(const Txid& conflict) const;
  [[nodiscard]] bool improves_diagram(const std::set<Txid>& conflicts, const Sum& package) const;
  Status<Refusal> enough_to_replace(const std::set<Txid>& replaced, const Sum& by, const Txid& txid) const;
  Status<Refusal> check_feerate(std::int64_t counted, std::uint64_t vsize) const;
  /// Whether more than kMaxReplaced fall out with these; what is counted twice counts twice, as in bitcoind.
  Status<Refusal> check_replaced_count(const std::set<Txid>& conflicts, const Txid& txid) const;

  Status<Refusal> take(Package package, const std::set<Txid>& replaced, UnixTime now);
  Together add_together(const std::vector<const bitcoin::Transaction*>& package, const Ground& ground, UnixTime now);

  void insert(const Candidate& candidate, UnixTime since);
  void erase(const Txid& txid);
  void erase_with_descendants(const Txid& txid);
  void trim();
  void expire(UnixTime now);
  [[nodiscard]] std::set<Txid> parents(const bitcoin::Transaction& transaction) const;
  [[nodiscard]] std::set<Txid> children(const Txid& txid) const;
  [[nodiscard]] std::set<Txid> with_descendants(const std::set<Txid>& txids) const;
  [[nodiscard]] Sum sum_of(const std::set<Txid>& txids) const;

  RelayPolicy policy_ = knots_policy();
  FeeratePerKvb minimum_;
  std::map<Txid, Entry> entries_;
  std::map<Outpoint, Txid> spenders_;
  std::uint64_t arrivals_ = 0;
};

}  // namespace doze::sim
