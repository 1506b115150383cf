// A row per HTLC that goes on to another node: an ordinary forward, or a hold.
#pragma once

#include <optional>
#include <string>

#include "base/on_disk.h"
#include "base/units.h"
#include "effects/htlc_key.h"
#include "onion/htlc_onion.h"
#include "wire/numbers.h"

namespace doze::forwarding {

enum class ForwardState : std::uint8_t {
  Early = 0,  // released before its HTLC was committed; acts when the HTLC arrives
  Held = 1,
  Released = 2,  // waits for its outgoing channel
  Waiting = 3,   // ordinary forward to a client that may be waking
  Forwarded = 4,
  Settled = 5,
  Failed = 6,
};
[[nodiscard]] const char* name(ForwardState state);
[[nodiscard]] inline bool is_terminal(ForwardState state) {
  return state >= ForwardState::Settled;
}

struct Forward {
  HtlcKey incoming;
  ForwardState state = ForwardState::Waiting;
  std::optional<Profile> hold;
  PaymentHash payment_hash;
  Msat amount_in, amount_out;
  CltvExpiry expiry_in, expiry_out;
  BlockHeight fail_back;  // failed back, off-chain, at this height unless forwarded
  ChannelId next_channel;
  Bytes next_onion;  // dropped once terminal
  std::optional<PublicKey> next_path_key;
  onion::BlindedRole role = onion::BlindedRole::None;
  SharedSecret shared_secret;  // of the incoming onion: encrypts a failure
  Hash32 sha256_of_onion;      // of the incoming onion: for update_fail_malformed_htlc
  std::optional<std::uint64_t> outgoing_htlc;
  UnixTime received_at, ended_at;
  std::string failure;  // one line

  // Not durable.
  NodeId peer;                         // of the incoming channel
  std::optional<MonoTime> wait_until;  // Waiting
  bool gone = false;                   // ended, and its HTLC is in no commitment any more
  std::uint64_t turn = 0;              // not 0: its place in the queue for room in the next channel
};

/// The lists of ended rows in Table::EndedForward.
inline constexpr std::uint8_t kSettledList = 1, kFailedList = 2;

/// Not offered downstream yet.
[[nodiscard]] inline bool is_parked(const Forward& forward) {
  return forward.state == ForwardState::Held || forward.state == ForwardState::Released ||
         forward.state == ForwardState::Waiting;
}

}  // namespace doze::forwarding

namespace doze {
DOZE_ON_DISK(forwarding::ForwardState, Early, Failed)
}  // namespace doze
