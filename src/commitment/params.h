// What both sides agreed on when the channel was opened. It never changes. BOLT 2, "Channel Establishment v1".
#pragma once

#include "commitment/commitment_tx.h"

namespace doze::commitment {

/// What one side asks of the other: from its open_channel or accept_channel.
struct Terms {
  Sat dust_limit;
  Msat max_htlc_value_in_flight;
  Sat channel_reserve;  // the other side must keep
  Msat htlc_minimum;
  std::uint16_t to_self_delay = 0;  // the other side must wait
  std::uint16_t max_accepted_htlcs = 0;
  ChannelPublicKeys keys;
};

struct ChannelParams {
  CommitmentFormat format = CommitmentFormat::AnchorsZeroFeeHtlc;
  Sat capacity;
  Outpoint funding;
  bool funder = false;  // we opened the channel, and pay its fees
  Terms local, remote;  // what we ask, what the peer asks
};

}  // namespace doze::commitment
