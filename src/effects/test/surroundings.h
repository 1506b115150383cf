// What the tests of a machine put around it: chance from a seed, views made by hand, and the rows that its steps write.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "effects/context.h"
#include "effects/driver_order.h"
#include "effects/read_rows.h"
#include "effects/words.h"
#include "keys/seed_signer.h"

namespace doze::test {

/// The same bytes from the same seed.
class CountingRng final : public Rng {
 public:
  explicit CountingRng(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::uint8_t> out) override {
    for (auto& byte : out) {
      state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
      byte = static_cast<std::uint8_t>(state_ >> 56);
    }
  }

 private:
  std::uint64_t state_;
};

/// The words of one kind, in order.
template <class E>
std::vector<E> of(const Effects& effects) {
  std::vector<E> out;
  for (const auto& effect : effects)
    if (const auto* one = std::get_if<E>(&effect)) out.push_back(*one);
  return out;
}

inline PrivateKey key(std::uint8_t byte) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(byte);
  return PrivateKey(bytes);
}

/// A field of an answer; `missing` if it is not there, or of another type.
template <class T>
T field_of(const Value& value, std::string_view field, T missing) {
  const auto* found = value.find(field);
  const auto* inner = found == nullptr ? nullptr : std::get_if<T>(&found->inner());
  return inner == nullptr ? missing : *inner;
}
inline std::string text_of(const Value& value, std::string_view field) {
  return field_of<std::string>(value, field, "");
}
inline std::uint64_t number_of(const Value& value, std::string_view field) {
  return field_of<std::uint64_t>(value, field, UINT64_MAX);
}
inline std::uint64_t number_of(const Fields& fields, std::string_view field) {
  return number_of(Value(fields), field);
}
inline bool flag_of(const Value& value, std::string_view field) {
  return field_of<bool>(value, field, false);
}

struct Surroundings {
  explicit Surroundings(std::uint8_t seed, Role role = Role::Client)
      : signer(make_seed_signer(Bytes(64, seed), wire::Network::Regtest)), rng(seed), id(signer->node_id()) {
    config.role = role;
  }
  Surroundings(const Surroundings&) = delete;
  Surroundings& operator=(const Surroundings&) = delete;

  std::unique_ptr<Signer> signer;
  CountingRng rng;
  NodeId id;
  Config config;
  ParallelMap parallel;
  graph::Graph graph;
  std::map<ChannelId, ChannelView> channels;
  std::map<NodeId, PeerView> peers;
  std::map<ChannelId, PolicyPair> policies;
  std::map<OfferId, OfferView> offers;
  std::set<NodeId> invited;
  ChannelIndex channel_index;  // of `channels`, which tests change as they like: made anew for each step
  Views views{graph, channels, channel_index, peers, policies, offers, invited, true};
  MonoTime mono{1'000'000};
  UnixTime wall{1'700'000'000};
  BlockHeight tip{100};
  RowMap rows;
  WatchSet watched;  // as the chain driver has it
  Effects said;      // everything since the last clear()

  [[nodiscard]] Context context() {
    channel_index = ChannelIndex(channels);
    return {mono, wall, tip, rng, config, views, *signer, parallel};
  }
  /// Takes note of the words of one step.
  void note(const Effects& effects) {
    for (const auto& effect : effects) {
      said.push_back(effect);
      if (const auto* put = std::get_if<Put>(&effect)) rows[{put->table, put->key}] = put->value;
      if (const auto* erase = std::get_if<Erase>(&effect)) rows.erase({erase->table, erase->key});
      if (const auto* watch = std::get_if<Watch>(&effect)) watched.apply(*watch);
      if (const auto* unwatch = std::get_if<Unwatch>(&effect)) watched.apply(*unwatch);
      if (const auto* notify = std::get_if<Notify>(&effect)) {
        EXPECT_EQ(mistakes_in(*notify), "");
      }
    }
  }
  [[nodiscard]] std::vector<Row> stored() const {
    std::vector<Row> out;
    for (const auto& [key, value] : rows) out.push_back({key.first, key.second, value});
    return out;
  }
  /// What the driver answers from the rows as they are now.
  [[nodiscard]] RowsRead read(const ReadRows& wanted) const { return read_rows(rows, wanted); }
  [[nodiscard]] RowsRead read(const ReadRange& wanted) const { return read_rows(rows, wanted); }
  [[nodiscard]] std::size_t count(Table table) const {
    return static_cast<std::size_t>(
        std::count_if(rows.begin(), rows.end(), [&](const auto& row) { return row.first.first == table; }));
  }
  void pass(std::uint64_t ms) {
    mono = after_ms(mono, ms);
    wall = after_s(wall, ms / 1000);
  }
  /// Time goes to this deadline of the machine.
  void pass_to(std::optional<MonoTime> deadline) {
    LN_ASSERT(deadline.has_value());
    pass(deadline->value() > mono.value() ? deadline->value() - mono.value() : 0);
  }
  /// What the corridor does before the rooms hear this of the chain driver.
  void follow(const ChainStatus& in) { views.chain_synced = in.synced; }
  void follow(const BlockConnected& in) { tip = in.height; }
  void follow(const BlockHasMore&) {}
  void follow(const BlockDisconnected& in) { tip = BlockHeight(in.height.value() - 1); }
  void see(const NodeId& peer, wire::FeatureBits features) {
    peers.insert_or_assign(peer, PeerView{peer, std::move(features), "x", false, wall});
  }
  template <class E>
  [[nodiscard]] std::vector<E> all() const {
    return of<E>(said);
  }
  /// What the log said of this event, its field `reason`.
  [[nodiscard]] std::vector<std::string> reasons(Event event) const {
    std::vector<std::string> out;
    for (const auto& word : all<Notify>())
      if (word.event == event) out.push_back(text_of(Value(word.facts), "reason"));
    return out;
  }
};

}  // namespace doze::test
