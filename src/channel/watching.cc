#include "channel/watching.h"

#include <algorithm>
#include <set>

#include "bitcoin/script.h"
#include "channel/rounds.h"
#include "channel/unclaimed.h"

namespace doze::channel {
namespace {

/// Empty where we do not know the transaction: a driver that finds outputs by their outpoints needs no script.
Bytes script_of(const Channel& channel, const Outpoint& output) {
  if (output == channel.params().funding) return bitcoin::p2wsh_script(funding_script(channel.params()));
  if (channel.close)
    if (auto known = channel.close->outputs.find(output); known != channel.close->outputs.end())
      return known->second.facts.output.script_pubkey;
  auto closing = known_commitment(channel, output.txid);
  return closing && output.index < closing->outputs.size() ? closing->outputs[output.index].script_pubkey : Bytes{};
}

bool has(const std::vector<Outpoint>& outputs, const Outpoint& wanted) {
  return std::ranges::find(outputs, wanted) != outputs.end();
}

void watch_only(Work& work, Channel& channel, std::vector<Outpoint> wanted) {
  if (wanted == channel.watching) return;
  Watched begins, ends;
  for (const auto& output : wanted) {
    if (has(channel.watching, output)) continue;
    begins.outputs.push_back({output, script_of(channel, output)});
    work.state.watched.insert_or_assign(output, channel.id);
  }
  for (const auto& output : channel.watching) {
    if (has(wanted, output)) continue;
    ends.outputs.push_back({output, {}});
    work.state.watched.erase(output);
  }
  channel.watching = std::move(wanted);
  if (!begins.empty()) work.say(Watch{WatchOwner::Channel, std::move(begins)});
  if (!ends.empty()) work.say(Unwatch{WatchOwner::Channel, std::move(ends)});
}

}  // namespace

std::vector<Outpoint> outputs_to_watch(const Channel& channel) {
  std::vector<Outpoint> out;
  if (!channel.is<Closed>()) out.push_back(channel.params().funding);  // [B5-gen-01]
  if (channel.close) {
    // Spent ones too: a reorganisation may bring another spend. [B5-gen-02]
    std::set<Outpoint> all;
    for (const auto& [outpoint, output] : channel.close->outputs) all.insert(outpoint);
    // While the log of a revoked commitment is read any of its outputs may be an HTLC.
    if (!channel.close->unread.empty())
      if (auto commitment = bitcoin::parse_transaction(channel.close->unread.front().transaction))
        for (std::uint32_t i = 0; i < commitment->outputs.size(); ++i) all.insert({channel.close->txid, i});
    out.insert(out.end(), all.begin(), all.end());
  }
  if (!channel.is<Closed>()) return out;
  if (!channel.closed_by) return out;
  for (const auto& item : channel.unclaimed)
    if (item.output != kUnknownOutput) out.push_back({*channel.closed_by, item.output});
  return out;
}

void watch(Work& work, Channel& channel) {
  watch_only(work, channel, outputs_to_watch(channel));
}

void unwatch(Work& work, Channel& channel) {
  watch_only(work, channel, {});
}

}  // namespace doze::channel
