// Places for inbound connections: silent ones, handshakes and strangers. Each kind is bounded, and no peer is kept out
// by a crowd. Times at which a connection is to be looked at.
#pragma once

#include "peer/state.h"

namespace doze::peer {

/// It leaves the crowd that it belongs to, and joins that of `stage`.
void enter(Work& work, Connection& connection, Stage stage);
/// For one more of Stage::Silent or Handshake.
void make_room(Work& work, Stage stage);
/// False: all places are taken by those that we dialled ourselves.
[[nodiscard]] bool make_room_for_stranger(Work& work);
/// What it has sent of an unfinished message. Above kMaxPartialOfStrangers the connection with the most is closed.
void count_partial(Work& work, Connection& connection);
void set_wake_up(Work& work, Connection& connection);
void connection_deadlines(Work& work);

}  // namespace doze::peer
