// Rows of Table::Channel: one per channel, and the counter of keys.
#pragma once

#include "channel/state.h"

namespace doze::channel {

[[nodiscard]] Put record(const Channel& channel);
[[nodiscard]] Put key_counter_record(std::uint64_t next);
/// Without its signer, and without what the peer did not sign.
[[nodiscard]] Result<Channel, ParseError> read_channel(ByteView value);
[[nodiscard]] bool is_key_counter(ByteView key);
[[nodiscard]] Result<std::uint64_t, ParseError> read_key_counter(ByteView value);
/// The channel changed: its row is written at the end of the step, its view recomputed.
void save(Work& work, Channel& channel);
void write_rows(Work& work);

}  // namespace doze::channel
