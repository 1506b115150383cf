// Hand-made graphs for tests. Signatures are no business of the graph, so there are none.
#pragma once

#include <gtest/gtest.h>

#include "graph/graph.h"
#include "graph/pathfind.h"

namespace doze::graph::test {

/// A node id that sorts like its number. Not on the curve: nothing here computes with it.
inline NodeId id(std::uint8_t number) {
  NodeId out;
  out.bytes[0] = 2;
  out.bytes[32] = number;
  return out;
}

inline ShortChannelId scid(std::uint32_t number) {
  return ShortChannelId::of(number, 1, 0);
}

struct PolicyText {
  std::uint32_t fee_base = 0;
  std::uint32_t ppm = 0;
  std::uint16_t cltv = 0;
  std::uint64_t minimum = 0;
  std::uint64_t maximum = 1'000'000'000;
  bool disabled = false;
  std::uint32_t timestamp = 1'000;
};

inline wire::ChannelAnnouncement announcement(std::uint32_t number, std::uint8_t a, std::uint8_t b) {
  wire::ChannelAnnouncement out;
  out.short_channel_id = scid(number);
  out.node_id_1 = id(std::min(a, b));
  out.node_id_2 = id(std::max(a, b));
  return out;
}

/// Raw bytes whose contents (behind type and signature) are `contents`, so that differences can be told.
inline Bytes raw_update(std::uint64_t contents, std::uint8_t signature = 0) {
  Writer out;
  out.u16(258).bytes(Bytes(64, signature)).u64(contents);
  return out.take();
}

inline wire::ChannelUpdate update(std::uint32_t number, std::uint8_t from, std::uint8_t to, const PolicyText& policy) {
  wire::ChannelUpdate out;
  out.short_channel_id = scid(number);
  out.timestamp = policy.timestamp;
  out.message_flags = 1;
  out.channel_flags = static_cast<std::uint8_t>((from < to ? 0 : 1) | (policy.disabled ? 2 : 0));
  out.cltv_expiry_delta = policy.cltv;
  out.htlc_minimum_msat = Msat(policy.minimum);
  out.fee_base_msat = policy.fee_base;
  out.fee_proportional_millionths = policy.ppm;
  out.htlc_maximum_msat = Msat(policy.maximum);
  return out;
}

inline wire::NodeAnnouncement node_announcement(std::uint8_t number, std::initializer_list<std::size_t> feature_bits,
                                                std::uint32_t timestamp = 1'000) {
  wire::NodeAnnouncement out;
  out.node_id = id(number);
  out.features = wire::FeatureBits(feature_bits);
  out.timestamp = timestamp;
  return out;
}

inline void add_channel(Graph& graph, std::uint32_t number, std::uint8_t a, std::uint8_t b,
                        std::optional<Sat> capacity = Sat(10'000'000)) {
  ASSERT_TRUE(graph.add_channel(announcement(number, a, b), Bytes{1, 0}, capacity, UnixTime(1'000)).has_value());
}

inline void set_policy(Graph& graph, std::uint32_t number, std::uint8_t from, std::uint8_t to,
                       const PolicyText& policy) {
  ASSERT_TRUE(graph.apply(update(number, from, to, policy), raw_update(policy.timestamp)).has_value());
}

/// A channel with the same policy both ways.
inline void connect(Graph& graph, std::uint32_t number, std::uint8_t a, std::uint8_t b, const PolicyText& policy) {
  add_channel(graph, number, a, b);
  set_policy(graph, number, a, b, policy);
  set_policy(graph, number, b, a, policy);
}

inline void announce(Graph& graph, std::uint8_t number, std::initializer_list<std::size_t> feature_bits,
                     std::uint32_t timestamp = 1'000) {
  ASSERT_TRUE(graph.apply(node_announcement(number, feature_bits, timestamp), raw_update(timestamp)).has_value());
}

inline LocalChannel local(std::uint32_t number, std::uint8_t peer, std::uint64_t spendable = 500'000'000) {
  LocalChannel out;
  out.channel_id.bytes[0] = static_cast<std::uint8_t>(number);
  out.scid = scid(number);
  out.peer = id(peer);
  out.spendable = Msat(spendable);
  return out;
}

}  // namespace doze::graph::test
