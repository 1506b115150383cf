#include "channel/channels.h"

#include <algorithm>

#include "channel/awaiting_ready.h"
#include "channel/blocks.h"
#include "channel/closed.h"
#include "channel/describe.h"
#include "channel/htlc_log.h"
#include "channel/negotiating.h"
#include "channel/normal.h"
#include "channel/on_chain.h"
#include "channel/opening.h"
#include "channel/reactions.h"
#include "channel/records.h"
#include "channel/reestablish.h"
#include "channel/shutting_down.h"
#include "channel/unclaimed.h"
#include "channel/unilateral.h"
#include "channel/waits.h"
#include "effects/record_io.h"
#include "onchain/records.h"

namespace doze::channel {

DOZE_COMPILED_HERE(Input)

Channels::Channels() : inside(make_hidden<Inside>()) {}

namespace {

void hear(Work& work, const Started&) {
  work.state.started = work.context.mono;
  work.state.broadcast_height = work.context.tip;
  for (auto& [id, channel] : work.state.channels) {
    rebroadcast(work, channel);
    note_depth_at_start(work, channel);
    resume_chain(work, channel);
    work.state.dirty.insert(id);
  }
}

void hear(Work& work, const PeerReady& word) {
  for (const auto* view : work.context.views.channels_with(word.node_id))
    reconnect(work, work.state.channels.at(view->channel_id));
}

void hear(Work& work, const PeerGone& word) {
  for (const auto& key : work.state.openings.with(word.node_id))
    fail_opening(work, key, "the connection to the peer was lost", false);  // [B2-re-03, B2-open-15]
  for (const auto* view : work.context.views.channels_with(word.node_id))
    disconnect(work, work.state.channels.at(view->channel_id));
}

/// The channel that a message is about, if it is the sender's. Otherwise the sender is told.
template <class M>
Channel* find(Work& work, const NodeId& peer, const M& message) {
  auto it = work.state.channels.find(message.channel_id);
  if (it == work.state.channels.end() || it->second.peer != peer) {
    refuse_unknown(work, peer, message.channel_id);
    return nullptr;
  }
  return &it->second;
}

/// BOLT 1, "The error and warning Messages": an error about no channel of ours with this peer is ignored, and free for
/// its sender: it does not even make a line in the log.
void on_error(Work& work, const NodeId& peer, const wire::Error& m) {
  // Before funding_created by the temporary id, afterwards by the real one, too; zeros: everything.
  std::vector<OpeningKey> refused;
  std::vector<ChannelId> failed;
  for (const auto& key : work.state.openings.with(peer))
    if (m.channel_id.is_zero() || m.channel_id == key.second ||
        m.channel_id == work.state.openings.find(key)->channel.id)
      refused.push_back(key);
  for (const auto* view : work.context.views.channels_with(peer))
    if (m.channel_id.is_zero() || m.channel_id == view->channel_id) failed.push_back(view->channel_id);
  if (refused.empty() && failed.empty()) return;
  std::string text = escape_untrusted(std::string_view(reinterpret_cast<const char*>(m.data.data()), m.data.size()));
  work.notify(Severity::Warning, "peer_error",
              {{"peer", peer.hex()}, {"channel_id", m.channel_id.hex()}, {"error", text}});
  for (const auto& key : refused) fail_opening(work, key, "the peer refuses: " + text, false);
  for (const auto& id : failed) force_close(work, work.state.channels.at(id), "the peer sent an error: " + text);
}

void on_warning(Work& work, const NodeId& peer, const wire::Warning& m) {
  std::string_view text(reinterpret_cast<const char*>(m.data.data()), m.data.size());
  work.notify(Severity::Warning, "peer_warning", {{"peer", peer.hex()}, {"warning", escape_untrusted(text)}});
}

/// Each state takes each message, or a group of them by name: otherwise this does not compile.
template <OneChannelMessage M>
void on_channel(Work& work, const NodeId& peer, const M& m) {
  auto* channel = find(work, peer, m);
  if (channel == nullptr || !channel->alive()) return;
  work.state.touched.insert(channel->id);
  if constexpr (std::is_same_v<M, wire::ChannelReestablish>)
    return take_reestablish(work, *channel, m);
  else if (channel->talking() == nullptr)
    return react(work, *channel, {commitment::ViolationCode::BeforeReestablish});  // [B2-re-08]
  else
    std::visit([&](auto& state) { on(work, *channel, state, m); }, channel->state);
}

void hear(Work& work, const MessageReceived& word) {
  const auto& peer = word.node_id;
  std::visit(
      [&]<class M>(const M& m) {
        if constexpr (OpeningMessage<M>)
          on(work, peer, m);
        else if constexpr (OneChannelMessage<M>)
          on_channel(work, peer, m);
        else if constexpr (std::is_same_v<M, wire::Error>)
          on_error(work, peer, m);
        else if constexpr (std::is_same_v<M, wire::Warning>)
          on_warning(work, peer, m);
        else
          static_assert(!ChannelMessage<M>, "a message about channels without a handler");
      },
      word.message);
}

void answer(Work& work, RequestId request, const command::ListChannels& command) {
  list_channels(work, request, command);
}
void answer(Work& work, RequestId request, const command::CloseChannel& command) {
  close(work, request, command);
}
void hear(Work& work, const CommandReceived& in) {
  std::visit(
      [&]<class C>(const C& command) {
        if constexpr (ChannelCommand<C>) answer(work, in.request, command);
      },
      in.command);
}
void hear(Work& work, const OpenChannelNow& word) {
  open(work, word);
}
void hear(Work& work, const FundingPrepared& word) {
  on(work, word);
}
void hear(Work& work, const FundingFailed& word) {
  on(work, word);
}
void hear(Work& work, const FundingRefused& word) {
  on(work, word);
}
void hear(Work& work, const CoinsReserved& word) {
  claim_with_coins(work, word);
}
void hear(Work& work, const AddHtlc& word) {
  add_htlc(work, word);
}
void hear(Work& work, const FulfillHtlc& word) {
  remove_htlc(work, word.channel_id, wire::UpdateFulfillHtlc{{}, word.htlc_id, word.preimage, {}});
}
void hear(Work& work, const FailHtlc& word) {
  remove_htlc(work, word.channel_id, wire::UpdateFailHtlc{{}, word.htlc_id, word.reason, {}});
}
void hear(Work& work, const FailMalformedHtlc& word) {
  remove_htlc(work, word.channel_id,
              wire::UpdateFailMalformedHtlc{{}, word.htlc_id, word.sha256_of_onion, word.failure_code});
}
void hear(Work& work, const BlockConnected& in) {
  on_block(work, in);
}
void hear(Work& work, const BlockDisconnected& in) {
  on_block_gone(work, in);
}
void hear(Work& work, const ChainStatus& in) {
  if (!in.connected) work.state.broadcast_height = BlockHeight(0);  // it may come back with an empty mempool
  if (work.context.views.chain_synced) on_synced(work);
}
void hear(Work& work, const FeeEstimate& in) {
  work.state.feerate = std::min(in.feerate, kMaxFeerate);
  if (in.minimum.value() != 0) work.state.mempool_minimum = std::min(in.minimum, kMaxFeerate);
  work.state.fees.in_12 = work.state.feerate;
  work.state.fees.minimum = work.state.mempool_minimum.value_or(FeeratePerKw(0));
  for (auto& [id, channel] : work.state.channels) {
    work.state.touched.insert(id);  // its feerate may be too low now
    propose_fee(work, channel);
  }
}
void hear(Work& work, const BroadcastResult& in) {
  if (!in.accepted && !in.unanswered)
    work.notify(Severity::Debug, "broadcast_refused",
                {{"txid", bitcoin::txid_to_string(in.txid)}, {"reason", escape_untrusted(in.reason)}});
}
void hear(Work& work, const RowsRead& in) {
  on(work, in);
}
void hear(Work& work, const DeadlineReached&) {
  end_waits(work);
}
void hear(Work& work, const EndOfStep&) {
  for (const auto& id : std::exchange(work.state.touched, {})) {
    auto it = work.state.channels.find(id);
    if (it == work.state.channels.end()) continue;
    sign_if_due(work, it->second);
    shutdown_if_due(work, it->second);
    note_waiting(work, it->second);
    note_lookup(work.state, id);
    if (it->second.void_opening()) forget_unfunded(work, id, "the opening failed before it was funded");
  }
  write_rows(work);
}

/// Views follow what this input changed.
void bring_views(Channels::Inside& state, const Signer& signer) {
  for (const auto& id : state.dirty) {
    auto it = state.channels.find(id);
    if (it == state.channels.end())
      state.views.erase(id);
    else
      state.views.put(view_of(it->second, signer));
    note_lookup(state, id);
  }
  for (const auto& id : state.moved)
    if (auto it = state.channels.find(id); it != state.channels.end())
      state.views.change(id, [&](ChannelView& view) { update_balances(view, it->second); });
  state.touched.merge(state.dirty);
  state.touched.merge(state.moved);
  state.dirty.clear();
  state.moved.clear();
}

}  // namespace

namespace {
/// What is on chain of each channel that is there.
Result<Channels, LoadError> with_closes(Channels out, std::span<const Row> rows, const Signer& signer) {
  auto& state = *out.inside;
  LN_TRY(closes, onchain::read(rows));
  for (auto& [id, close] : closes) {
    auto it = state.channels.find(id);
    if (it == state.channels.end() || !it->second.is<OnChain>())
      return fail(LoadError{Table::Close, to_bytes(id.view()), {ParseCode::BadValue, 0, "close: without its channel"}});
    auto& channel = it->second;
    auto& published = close.published;
    if (published.whose == commitment::WhoseCommitment::Revoked) {
      published.secret = channel.commitments.secrets.find(commitment::kFirstIndex - published.number);
      if (!published.secret)
        return fail(LoadError{Table::Close, to_bytes(id.view()), {ParseCode::BadValue, 0, "close: it is not revoked"}});
    }
    channel.close = std::move(close);
    note_close_rows(channel);
    state.views.put(view_of(channel, signer));
  }
  for (const auto& [id, channel] : state.channels)
    if (channel.is<OnChain>() && !channel.close)
      return fail(
          LoadError{Table::Channel, to_bytes(id.view()), {ParseCode::BadValue, 0, "channel: its close is missing"}});
  return out;
}
}  // namespace

Result<Channels, LoadError> load(std::span<const Row> rows, const Signer& signer) {
  Channels out;
  auto& state = *out.inside;
  auto refused = [](const Row& row, const ParseError& error) { return fail(LoadError{row.table, row.key, error}); };
  auto bad = [&](const Row& row, const char* what) { return refused(row, {ParseCode::BadValue, 0, what}); };

  // HTLCs by their channel, with one of its rows to name.
  std::map<Bytes, std::pair<const Row*, std::vector<HtlcRow>>> htlcs;
  for (const auto& row : rows) {
    if (row.table != Table::Channel || !is_htlc_key(row.key)) continue;
    auto read = read_htlc(row.key, row.value);
    if (!read) return refused(row, read.error());
    auto& [named, list] = htlcs[to_bytes(ByteView(row.key).first(32))];
    named = &row;
    list.push_back(*std::move(read));
  }

  for (const auto& row : rows) {
    if (row.table != Table::Channel || is_htlc_key(row.key)) continue;
    if (is_key_counter(row.key)) {
      auto read = read_key_counter(row.value);
      if (!read) return refused(row, read.error());
      state.next_key_index = *read;
      continue;
    }
    auto own = htlcs.extract(row.key);
    auto read = read_channel(row.value, own.empty() ? std::vector<HtlcRow>{} : std::move(own.mapped().second));
    if (!read) return refused(row, read.error());
    auto channel = *std::move(read);
    channel.signer = signer.channel(channel.key_index);
    auto id = channel.id;
    if (row.key != to_bytes(id.view())) return bad(row, "channel: the id belongs to another channel");
    if (channel.signer->public_keys() != channel.params().local.keys) return bad(row, "channel: the keys are not ours");
    complete_old_row(channel);
    state.views.put(view_of(channel, signer));
    state.channels.insert_or_assign(id, std::move(channel));
    note_lookup(state, id);
  }
  if (!htlcs.empty()) return bad(*htlcs.begin()->second.first, "channel htlc: without its channel");
  return with_closes(std::move(out), rows, signer);
}

Transition<Channels> step(Channels state, const Input& input, const Context& context) {
  Effects out;
  Work work{{*state.inside, context, out}};
  std::visit([&](const auto& in) { hear(work, in); }, input);
  bring_views(*state.inside, context.signer);
  return {std::move(state), std::move(out)};
}

std::optional<MonoTime> deadline(const Channels& state) {
  return next_wait(*state.inside);
}

const std::map<ChannelId, ChannelView>& views(const Channels& state) {
  return state.inside->views.all();
}
const ChannelIndex& index(const Channels& state) {
  return state.inside->views.index();
}

}  // namespace doze::channel
