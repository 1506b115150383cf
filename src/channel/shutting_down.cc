#include "channel/shutting_down.h"

#include <set>
#include <utility>

#include "base/texts.h"
#include "bitcoin/address.h"
#include "bitcoin/script.h"
#include "channel/announcing.h"
#include "channel/awaiting_ready.h"
#include "channel/closed.h"
#include "channel/negotiating.h"
#include "channel/records.h"
#include "channel/unclaimed.h"
#include "channel/unilateral.h"

namespace doze::channel {
namespace {

/// From now on no HTLC is added. A negotiation of the fee continues.
void begin_shutdown(Channel& channel) {
  if (!channel.closing()) channel.state = ShuttingDown{};
}

/// Decides to send our shutdown. It leaves when none of our updates waits for the peer's revocation.
void want_shutdown(Work& work, Channel& channel, Bytes script) {
  channel.local_shutdown = std::move(script);
  begin_shutdown(channel);
  save(work, channel);
  say_if_usable(work, channel);
}

}  // namespace

Bytes own_closing_script(const Work& work, const Channel& channel) {  // [B2-shut-07]
  std::set<Bytes> named;
  for (const auto& [id, other] : work.state.channels)
    if (!other.is<Closed>()) named.insert(other.local_shutdown);
  auto script = [&](std::uint32_t ahead) {
    auto index = kChannelScriptIndexBase + work.context.views.next_closing_script + ahead;
    return bitcoin::p2wpkh_script(work.context.signer.wallet_key(false, index));
  };
  for (std::uint32_t ahead = 0; ahead + 1 < kClosingScriptsAhead && !channel.never_funded(); ++ahead)
    if (auto out = script(ahead); !named.contains(out)) return out;
  return script(kClosingScriptsAhead - 1);
}

namespace {
/// Where the operator wants our balance to go; empty: it named no address.
Result<Bytes, ParseError> script_asked_for(const Work& work, const command::CloseChannel& command) {
  if (!command.address) return Bytes();
  return bitcoin::script_of_address(*command.address, wire::address_prefix(work.context.config.network));
}

}  // namespace

bool both_shut_down(const Channel& channel) {
  const auto* session = channel.talking();
  return channel.closing() && session != nullptr && session->sent_shutdown && session->got_shutdown &&
         quiet(channel.commitments);
}

void close(Work& work, RequestId request, const command::CloseChannel& command) {
  auto it = work.state.channels.find(command.channel_id);
  if (it == work.state.channels.end())
    return work.refuse(request, CommandErrorCode::NotFound, "channel_id: no such channel: see listchannels");
  auto script = script_asked_for(work, command);
  if (!script)
    return work.refuse(request, CommandErrorCode::BadRequest,
                       "address: not a valid address: " + describe(script.error()));
  auto& channel = it->second;
  if (!channel.alive())
    return work.refuse(request, CommandErrorCode::Refused,
                       "channel_id: the channel is already closed: " + channel.status);
  if (command.force && !command.accept_cost) return work.reply(request, cost_of_force(channel));
  if (command.force && !may_publish(work, channel)) {
    hold_back(work, channel, {"the operator closed the channel", true});
    auto minutes = (after_ms(work.state.started, kSpeakFirstMs).value() - work.context.mono.value()) / 60'000 + 1;
    return work.say(
        Reply{request,
              Value()
                  .set("channel_id", channel.id.hex())
                  .set("how", "when the peer has answered our channel_reestablish, or in " + std::to_string(minutes) +
                                  " minutes: until then this database could be an old copy, whose commitment "
                                  "would lose everything. Keep the node running")});
  }
  if (command.force) {
    channel.close_requests.push_back(request);
    if (channel.connected())
      work.send(channel.peer, wire::Error{channel.id, to_bytes(bytes_of("the operator closed the channel"))});
    return publish_commitment(work, channel, "the operator closed the channel");
  }

  // [B2-shut-01]
  if (channel.is<AwaitingReady>())
    return work.refuse(request, CommandErrorCode::NotReady, "the channel is not open yet: wait until it is usable");
  if (!channel.connected())
    return work.refuse(
        request, CommandErrorCode::NotReady,
        "the peer is offline: wait until it is connected. A force close loses access to the money in the channel");
  if (channel.local_shutdown.empty())
    want_shutdown(work, channel, script->empty() ? own_closing_script(work, channel) : *std::move(script));

  // A hold may last for a day, and the caller should not wait for the answer that long.
  if (auto pending = pending_htlcs(channel.commitments); pending.count != 0)
    return work.say(Reply{request, Value()
                                       .set("channel_id", channel.id.hex())
                                       .set("how", "when its HTLCs have ended")
                                       .set("pending_htlcs", std::uint64_t{pending.count})
                                       .set("last_expiry_height", pending.last_expiry.value())});
  channel.close_requests.push_back(request);
}

void take_shutdown(Work& work, Channel& channel, const wire::Shutdown& m) {
  if (!bitcoin::is_valid_shutdown_script(m.scriptpubkey, true))  // [B2-shut-09]
    return react(work, channel, {commitment::ViolationCode::ShutdownScriptNotAllowed});
  if (!channel.remote_shutdown.empty() && channel.remote_shutdown != m.scriptpubkey)
    return react(work, channel, {commitment::ViolationCode::ShutdownScriptChanged});
  bool again = !channel.remote_shutdown.empty() && channel.closing();
  channel.remote_shutdown = m.scriptpubkey;
  channel.talking()->got_shutdown = true;
  begin_shutdown(channel);
  if (!again) save(work, channel);
  if (channel.local_shutdown.empty()) want_shutdown(work, channel, own_closing_script(work, channel));  // [B2-shut-10]
  say_if_usable(work, channel);
  continue_closing(work, channel);
}

void shutdown_if_due(Work& work, Channel& channel) {  // [B2-re-22]
  auto* session = channel.talking();
  // BOLT 2: not while updates of ours are pending on the peer's commitment. [B2-shut-02]
  const auto& updates = channel.commitments.updates;
  if (!channel.closing() || channel.local_shutdown.empty() || session == nullptr || session->sent_shutdown ||
      !updates.local_proposed.empty() || !updates.local_signed.empty())
    return;
  session->sent_shutdown = true;  // [B2-shut-03]
  if (!channel.first_after_shutdown) channel.first_after_shutdown = updates.next_remote_htlc;
  work.send(channel.peer, wire::Shutdown{channel.id, channel.local_shutdown, {}});
  continue_closing(work, channel);
}

void on(Work& work, Channel& channel, ShuttingDown& /*state*/, const wire::ChannelReady& message) {
  take_ready(work, channel, message);
}

void on(Work& work, Channel& channel, ShuttingDown& /*state*/, const wire::AnnouncementSignatures& message) {
  take_announcement(work, channel, message);
}

void on(Work& work, Channel& channel, ShuttingDown& /*state*/, const wire::ClosingSigned& message) {
  take_closing_signed(work, channel, message);
}

}  // namespace doze::channel
