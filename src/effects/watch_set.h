// What the rooms watch on the chain, all together, as a driver that sees whole blocks keeps it.
//
// Memory: some 110 bytes per output or script, 11 per funding. A lookup that finds nothing, as nearly all of a block's
// do, costs one cache miss. Ids that others choose make nothing slow: what the filter lets through is looked up in an
// ordered set.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/compact_set.h"
#include "effects/io.h"

namespace doze {

class WatchSet {
 public:
  void apply(const WatchChange& change);

  [[nodiscard]] bool has_output(const Outpoint& outpoint) const;
  /// An output of this transaction is watched.
  [[nodiscard]] bool has_output_of(const Txid& txid) const;
  [[nodiscard]] bool has_script(const Bytes& script_pubkey) const;
  /// A funding with this witness script is watched, or one whose hash begins alike.
  [[nodiscard]] bool has_funding(ByteView witness_script) const;

  /// Grows with each thing that was not watched before.
  [[nodiscard]] std::uint64_t additions() const { return additions_; }
  /// Outputs, scripts and fundings.
  [[nodiscard]] std::size_t size() const { return outputs_.size() + scripts_.size() + fundings_.size(); }

 private:
  using Owners = std::uint8_t;  // one bit per WatchOwner
  /// Says "no" of 15 in 16 keys at least that are not in it. What leaves the set stays in it until it is full.
  class Filter {
   public:
    [[nodiscard]] bool is_full() const { return room_ == 0; }
    /// Empty, with room for twice as many.
    void begin(std::size_t keys);
    void add(std::uint64_t key);
    [[nodiscard]] bool may_have(std::uint64_t key) const;

   private:
    std::vector<std::uint64_t> words_;  // a power of two
    std::size_t room_ = 0;              // keys that may be added
  };
  void add(const Watch& watch);
  void remove(const Unwatch& unwatch);
  void add_output(const Outpoint& outpoint, Owners owner);
  void add_script(const Bytes& script, Owners owner);

  std::map<Outpoint, Owners> outputs_;
  std::map<Bytes, Owners> scripts_;
  CompactSet<std::uint64_t> fundings_;  // the first 8 bytes of each
  Filter transactions_, payees_;        // of outputs_, by txid; of scripts_
  std::uint64_t additions_ = 0;
};

}  // namespace doze
