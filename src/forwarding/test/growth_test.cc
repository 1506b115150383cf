// A step costs what it is about, however much is over or waits.
#include "payment/test/growth.h"
#include "holds.h"

namespace doze::forwarding::testing {
namespace {

using payment::testing::far_channel;
using payment::testing::fastest;
using payment::testing::kNoise;
using payment::testing::kRows;

TEST_F(Holds, a_forward_costs_the_same_with_many_that_ended_and_many_that_are_held) {
  auto forward = [&](int first) {
    return fastest(20, [&, first](int i) {
      auto id = static_cast<std::uint64_t>(first + i);
      l.channels.at(channel_id(1)).received_htlcs = {id};
      l.step(HtlcReceived{channel_id(1), world.s.id, htlc(id)});
      l.step(release_over(world.r.id, release_context(l, channel_id(1), id)));
      l.step(HtlcAdded{origin(id), channel_id(2), id});
      l.step(HtlcFulfilled{origin(id), channel_id(2), id, preimage(1)});
      l.step(DeadlineReached{});
      (void)l.deadline();
    });
  };
  auto before = forward(0);
  receive(htlc(1'000));
  auto row = l.forwarding.inside->forwards.at({channel_id(1), 1'000});
  for (std::size_t i = 0; i < kRows; ++i) {
    row.incoming = {far_channel(i), 0};
    row.state = i < kRows / 3 ? ForwardState::Held : i % 2 == 0 ? ForwardState::Settled : ForwardState::Failed;
    row.peer.bytes[1] = static_cast<std::uint8_t>(i);
    if (is_terminal(row.state))
      l.rows[{Table::EndedForward, key_of(row.incoming)}] = record(row).value;
    else
      l.forwarding.inside->forwards.add(row);
  }
  l.forwarding.inside->forwards.settle(l.forwarding.inside->questions);
  EXPECT_LT(forward(2'000), kNoise * before);
}

}  // namespace
}  // namespace doze::forwarding::testing
