#include "channel/watching.h"

#include <algorithm>
#include <iterator>

#include "bitcoin/script.h"
#include "channel/rounds.h"

namespace doze::channel {
namespace {

/// A revoked one, of whose outputs we do not know yet which are ours: the log of old HTLCs is being read.
std::optional<bitcoin::Transaction> unread_commitment(const Channel& channel) {
  const auto& unread = channel.close->unread;
  if (unread.empty()) return std::nullopt;
  auto read = bitcoin::parse_transaction(unread.front().transaction);
  return read ? std::optional(*std::move(read)) : std::nullopt;
}

/// Empty where an older version kept too little: a driver that finds outputs by their outpoints needs no script.
Bytes script_of(const Channel& channel, const Outpoint& outpoint) {
  if (outpoint == channel.params().funding) return bitcoin::p2wsh_script(funding_script(channel.params()));
  if (!channel.close) return {};
  auto known = channel.close->outputs.find(outpoint);
  if (known != channel.close->outputs.end()) return known->second.facts.output.script_pubkey;
  auto commitment = unread_commitment(channel);
  return commitment ? commitment->outputs.at(outpoint.index).script_pubkey : Bytes{};
}

/// What is in `all` and not in `others`; both are sorted.
std::vector<Outpoint> without(const std::vector<Outpoint>& all, const std::vector<Outpoint>& others) {
  std::vector<Outpoint> out;
  std::ranges::set_difference(all, others, std::back_inserter(out));
  return out;
}

void watch_only(Work& work, Channel& channel, std::vector<Outpoint> wanted) {
  std::ranges::sort(wanted);
  Watched begins, ends;
  for (const auto& outpoint : without(wanted, channel.watching)) {
    begins.outputs.push_back({outpoint, script_of(channel, outpoint)});
    work.state.watched.insert_or_assign(outpoint, channel.id);
  }
  for (const auto& outpoint : without(channel.watching, wanted)) {
    ends.outputs.push_back({outpoint, {}});
    work.state.watched.erase(outpoint);
  }
  channel.watching = std::move(wanted);
  if (!begins.empty()) work.say(Watch{WatchOwner::Channel, std::move(begins)});
  if (!ends.empty()) work.say(Unwatch{WatchOwner::Channel, std::move(ends)});
}

}  // namespace

std::vector<Outpoint> outputs_to_watch(const Channel& channel) {
  std::vector<Outpoint> out;
  if (channel.is<Closed>()) {
    for (const auto& item : channel.unclaimed)
      if (channel.closed_by && item.output != kUnknownOutput) out.push_back({*channel.closed_by, item.output});
    return out;
  }
  out.push_back(channel.params().funding);  // [B5-gen-01]
  if (!channel.close) return out;
  for (const auto& [outpoint, output] : channel.close->outputs) out.push_back(outpoint);
  if (auto commitment = unread_commitment(channel))
    for (std::uint32_t i = 0; i < commitment->outputs.size(); ++i)
      if (Outpoint outpoint{channel.close->txid, i}; !channel.close->outputs.contains(outpoint))
        out.push_back(outpoint);
  return out;
}

void watch(Work& work, Channel& channel) {
  watch_only(work, channel, outputs_to_watch(channel));
}

void unwatch(Work& work, Channel& channel) {
  watch_only(work, channel, {});
}

}  // namespace doze::channel
