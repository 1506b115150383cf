// Lines of the log that others cause are bounded, per source and over all strangers.
#include "app/log_limits.h"

#include <gtest/gtest.h>

namespace doze::app {
namespace {

struct LogLimitsTest : ::testing::Test {
  LogLimits limits;
  MonoTime now{1'000'000};

  Notify line(Event event, const std::string& peer, Severity severity = Severity::Warning) {
    return {severity, event, {{"peer", peer}, {"warning", "x"}}};
  }
  /// How many of so many are written, without those that say what was left out.
  std::size_t written(std::size_t count, const std::function<Notify(std::size_t)>& make) {
    std::size_t out = 0;
    for (std::size_t i = 0; i < count; ++i)
      for (const auto& one : limits.admit(make(i), now)) out += one.event != LogLimits::kLeftOut ? 1 : 0;
    return out;
  }
};

TEST_F(LogLimitsTest, a_flood_of_warnings_of_one_peer_makes_a_bounded_number_of_lines_and_says_how_many_are_missing) {
  EXPECT_EQ(written(30'000, [&](std::size_t) { return line("peer_warning", "aa"); }), kLinesOfPeer.burst);
  now = after_ms(now, 60'000);
  auto next = limits.admit(line("peer_warning", "aa"), now);
  ASSERT_EQ(next.size(), 2U);
  EXPECT_EQ(next[0].event, LogLimits::kLeftOut);
  EXPECT_EQ(std::get<std::uint64_t>(Value(next[0].facts).find("lines")->inner()), 30'000 - kLinesOfPeer.burst);
  EXPECT_EQ(next[1].event, Event("peer_warning"));
  // A minute gives so many, and nothing is saved beyond the burst.
  EXPECT_EQ(written(1'000, [&](std::size_t) { return line("peer_warning", "aa"); }), kLinesOfPeer.per_minute - 1);
  now = after_ms(now, 86'400'000);
  EXPECT_EQ(written(1'000, [&](std::size_t) { return line("peer_warning", "aa"); }), kLinesOfPeer.burst);
}

TEST_F(LogLimitsTest, a_crowd_of_free_ids_is_bounded_together_and_another_peer_with_a_channel_is_not_among_them) {
  Notify with_channel{Severity::Info, "peer_connected", {{"node_id", "friend"}, {"has_channel", true}}};
  EXPECT_EQ(limits.admit(with_channel, now).size(), 1U);
  auto connect = [&](std::size_t i) {
    return Notify{Severity::Info, "peer_connected", {{"node_id", std::to_string(i)}, {"has_channel", false}}};
  };
  EXPECT_EQ(written(20'000, connect), kLinesOfStrangers.burst);
  EXPECT_EQ(written(10, [&](std::size_t) { return line("peer_warning", "friend"); }), 10U);
  now = after_ms(now, 60'000);
  EXPECT_EQ(written(20'000, [&](std::size_t i) { return connect(50'000 + i); }), kLinesOfStrangers.per_minute);
  // Once it has gone it is a stranger like others.
  EXPECT_EQ(limits.admit(line("peer_disconnected", "friend"), now).size(), 1U);
  EXPECT_EQ(written(10, [&](std::size_t) { return line("peer_warning", "friend"); }), 0U);
}

TEST_F(LogLimitsTest, who_has_a_channel_is_known_also_where_the_level_does_not_write_that_it_connected) {
  Notify with_channel{Severity::Info, "peer_connected", {{"node_id", "friend"}, {"has_channel", true}}};
  EXPECT_TRUE(limits.admit(with_channel, now, false).empty());
  EXPECT_EQ(written(20'000, [&](std::size_t i) { return line("peer_warning", std::to_string(i)); }),
            kLinesOfStrangers.burst);
  EXPECT_EQ(written(10, [&](std::size_t) { return line("peer_warning", "friend"); }), 10U);
  Notify gone{Severity::Info, "peer_disconnected", {{"node_id", "friend"}}};
  EXPECT_TRUE(limits.admit(gone, now, false).empty());
  EXPECT_EQ(written(10, [&](std::size_t) { return line("peer_warning", "friend"); }), 0U);
}

TEST_F(LogLimitsTest, lines_that_name_no_peer_are_bounded_by_their_kind) {
  auto failed = [&](std::size_t) {
    return Notify{Severity::Info, "forward_failed", {{"amount_msat", std::uint64_t{1}}}};
  };
  EXPECT_EQ(written(20'000, failed), kLinesOfKind.burst);
  EXPECT_EQ(written(1, [&](std::size_t) { return Notify{Severity::Info, "payment_settled", {}}; }), 1U);
}

TEST_F(LogLimitsTest, errors_are_always_written) {
  EXPECT_EQ(written(3'000, [&](std::size_t) { return line("revoked_commitment", "aa", Severity::Error); }), 3'000U);
}

}  // namespace
}  // namespace doze::app
