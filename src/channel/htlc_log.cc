#include "channel/htlc_log.h"

#include "channel/on_chain.h"
#include "channel/records.h"
#include "effects/limits.h"

namespace doze::channel {
namespace {

using commitment::CommittedHtlc;

bool has_output(const Channel& channel, const wire::UpdateAddHtlc& add) {
  // Whatever the feerate is: with a lower one it gets an output later.
  return to_sat_floor(add.amount_msat) >= channel.params().remote.dust_limit;
}

void log(Work& work, const Channel& channel, const HtlcId& id, const commitment::SpecHtlc& htlc) {
  work.say(Put{Table::HtlcLog, htlc_key(channel.id, id), serialize(commitment::committed_htlc(id, htlc))});
}
void log(Work& work, const Channel& channel, const Updates& updates, bool ours) {
  for (const auto& update : updates)
    if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&update); add != nullptr && has_output(channel, *add))
      log(work, channel, {ours, add->id}, {add->amount_msat, add->payment_hash, add->cltv_expiry});
}

/// Rows of this channel behind `after`; empty: from the first.
ReadRange next_page(const ChannelId& id, const Bytes& after, std::uint32_t most) {
  auto from = Writer().bytes(id.view()).take(), to = Writer().bytes(id.view()).u8(2).take();
  if (!after.empty()) from = Writer().bytes(after).u8(0).take();
  return ReadRange{Table::HtlcLog, std::move(from), std::move(to), false, most};
}

void ask(Work& work, LogAsked asked, const Bytes& after) {
  auto most = static_cast<std::uint32_t>(asked.erase ? kMovedPerStep : kMaxRowsPerRead);
  auto read = next_page(asked.id, after, most);
  work.state.questions.ask(work.out, {std::move(read)}, asked);
}

void erase_next(Work& work) {
  auto& waiting = work.state.logs_to_erase;
  if (work.state.erasing_log || waiting.empty()) return;
  work.state.erasing_log = true;
  auto id = waiting.extract(waiting.begin()).value();
  ask(work, {id, true}, {});
}

void read_page(Work& work, const ChannelId& id, const std::vector<Row>& rows) {
  std::vector<CommittedHtlc> page;
  for (const auto& row : rows) {
    if (auto htlc = commitment::parse_committed_htlc(row.value))
      page.push_back(*htlc);
    else
      work.notify(Severity::Error, "row_unreadable",
                  {{"table", std::uint64_t{static_cast<std::uint8_t>(row.table)}}, {"key", to_hex(row.key)}});
  }
  bool last = rows.size() < kMaxRowsPerRead;
  on_log_read(work, id, page, last);
  if (!last) ask(work, {id, false}, rows.back().key);
}

void erase_page(Work& work, const ChannelId& id, const std::vector<Row>& rows) {
  for (const auto& row : rows) work.say(Erase{row.table, row.key});
  if (rows.size() == kMovedPerStep) return ask(work, {id, true}, rows.back().key);
  work.state.erasing_log = false;
  erase_next(work);
}

}  // namespace

void log_htlcs(Work& work, const Channel& channel) {
  log(work, channel, channel.commitments.updates.local_proposed, true);
  log(work, channel, channel.commitments.updates.remote_acked, false);
}

void read_log(Work& work, const ChannelId& id) {
  ask(work, {id, false}, {});
}

void erase_log(Work& work, const ChannelId& id) {
  work.state.logs_to_erase.insert(id);
  erase_next(work);
}

void hear(Work& work, const RowsRead& in) {
  auto answer = work.state.questions.answered(in);
  if (!answer) return;
  const auto& asked = answer->what;
  asked.erase ? erase_page(work, asked.id, answer->rows.at(0)) : read_page(work, asked.id, answer->rows.at(0));
}

}  // namespace doze::channel
