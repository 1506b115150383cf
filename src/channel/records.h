// Rows of Table::Channel: the counter of keys; one row per channel; and one per HTLC, so that a commitment round writes
// only the HTLCs that it changed. All rows of a step are written in one transaction. Reading finds a row that is
// missing or older than the others, because then balances or places in lists do not fit.
//
// Keys: "keys"; channel_id; channel_id ‖ 1 if offered, 0 if received ‖ id. Rows of versions 1 and 2 contain the HTLCs
// of their channel. They are still read, and the next write turns all of their HTLCs into rows, in one batch.
#pragma once

#include "channel/state.h"

namespace doze::channel {

using commitment::HtlcId;

/// The lists of updates in the commitments. The numbers are on disk.
enum class UpdateList : std::uint8_t {
  LocalProposed = 1,
  LocalSigned = 2,
  LocalAcked = 3,
  RemoteAcked = 4,
  RemoteSigned = 5
};
/// The list of an update, and its place there, because retransmission keeps the order.
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
  std::optional<Offered> offered;  // if we offered it: until its outcome was emitted
  std::optional<Placed> add, removal;
  Hash32 digest;  // of the row's value
};

/// The channel's own row.
[[nodiscard]] Put record(const Channel& channel);
/// The values of its HTLCs' rows.
[[nodiscard]] std::map<HtlcId, Bytes> htlc_records(const Channel& channel);
/// The row as version 1 or 2 wrote it, for tests.
[[nodiscard]] Put old_record(const Channel& channel, std::uint8_t version);
[[nodiscard]] Put key_counter_record(std::uint64_t next);

[[nodiscard]] bool is_key_counter(ByteView key);
[[nodiscard]] bool is_htlc_key(ByteView key);
[[nodiscard]] Bytes htlc_key(const ChannelId& channel, const HtlcId& id);
[[nodiscard]] Result<std::uint64_t, ParseError> read_key_counter(ByteView value);
/// `key`: is_htlc_key.
[[nodiscard]] Result<HtlcRow, ParseError> read_htlc(ByteView key, ByteView value);
/// `htlcs`: all rows of this channel's HTLCs. The result has no signer, and no updates that the peer has not signed.
[[nodiscard]] Result<Channel, ParseError> read_channel(ByteView value, const std::vector<HtlcRow>& htlcs);

/// Notes that the channel changed: its rows are written at the end of the step, and its view is recomputed.
void save(Work& work, Channel& channel);
/// Writes, for each saved channel, its own row and the rows of the HTLCs that changed.
void write_rows(Work& work);
/// What is on disk of `close` is what it is now: after reading it.
void note_close_rows(Channel& channel);
/// The channel is forgotten: none of its rows stays.
void erase_rows(Work& work, const Channel& channel);

}  // namespace doze::channel

namespace doze {
DOZE_ON_DISK(channel::UpdateList, LocalProposed, RemoteSigned)
}  // namespace doze
