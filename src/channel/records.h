// Rows of Table::Channel: the counter of keys; one row per channel; and one per HTLC, so that a commitment round writes
// what it changed and not all HTLCs. All rows of a step are one transaction, and they are only read together: a row
// that is missing or of another moment is found, because balances and places in lists do not fit then.
//
// Keys: "keys"; channel_id; channel_id ‖ 1 if offered, 0 if received ‖ id. Channels of versions 1 and 2 have their
// HTLCs inside: they are read, and the next write makes rows of all of them in one batch.
#pragma once

#include "channel/state.h"

namespace doze::channel {

using commitment::HtlcId;

/// An update that waits in a list of the commitments. Numbers are on disk.
enum class UpdateList : std::uint8_t {
  LocalProposed = 1,
  LocalSigned = 2,
  LocalAcked = 3,
  RemoteAcked = 4,
  RemoteSigned = 5
};
/// In which list an update waits, and its place there: retransmission keeps the order.
struct Placed {
  UpdateList list = UpdateList::LocalProposed;
  std::uint32_t place = 0;
  Bytes message;
};
struct HtlcRow {
  HtlcId id;  // in the key
  commitment::SpecHtlc htlc;
  /// 1: in our commitment; 2: in the peer's; 4: in one of the peer's current and next one, but not in the other.
  std::uint8_t in = 0;
  std::optional<Offered> offered;  // of ours, until its end was said
  std::optional<Placed> add, removal;
  Hash32 digest;  // of its value
};

/// The channel's own row.
[[nodiscard]] Put record(const Channel& channel);
/// The values of its HTLCs' rows.
[[nodiscard]] std::map<HtlcId, Bytes> htlc_records(const Channel& channel);
/// As version 1 or 2 wrote it: for tests of what old nodes left.
[[nodiscard]] Put old_record(const Channel& channel, std::uint8_t version);
[[nodiscard]] Put key_counter_record(std::uint64_t next);

[[nodiscard]] bool is_key_counter(ByteView key);
[[nodiscard]] bool is_htlc_key(ByteView key);
[[nodiscard]] Bytes htlc_key(const ChannelId& channel, const HtlcId& id);
[[nodiscard]] Result<std::uint64_t, ParseError> read_key_counter(ByteView value);
/// `key`: is_htlc_key.
[[nodiscard]] Result<HtlcRow, ParseError> read_htlc(ByteView key, ByteView value);
/// `htlcs`: all rows of this channel's. Without its signer, and without what the peer did not sign.
[[nodiscard]] Result<Channel, ParseError> read_channel(ByteView value, const std::vector<HtlcRow>& htlcs);

/// The channel changed: its rows are written at the end of the step, its view recomputed.
void save(Work& work, Channel& channel);
/// Of each channel that was saved its own row, and those of HTLCs that changed.
void write_rows(Work& work);
/// What is on disk of `close` is what it is now: after reading it.
void note_close_rows(Channel& channel);
/// The channel is forgotten: none of its rows stays.
void erase_rows(Work& work, const Channel& channel);

}  // namespace doze::channel

namespace doze {
DOZE_ON_DISK(channel::UpdateList, LocalProposed, RemoteSigned)
}  // namespace doze
