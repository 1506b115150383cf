// From open_channel to funding_signed. BOLT 2, "Channel Establishment v1".
#include "channel/opening.h"

#include <algorithm>
#include <set>

#include "bitcoin/script.h"
#include "channel/closed.h"
#include "channel/normal.h"
#include "channel/records.h"
#include "channel/terms.h"
#include "crypto/crypto.h"
#include "effects/limits.h"
#include "wire/address.h"
#include "wire/chains.h"

namespace doze::channel {
namespace {

using Code = commitment::ViolationCode;

CommandError error(CommandErrorCode code, std::string message) {
  return {code, std::move(message), {}};
}

/// The lowest index that no other opening has. Whoever opens and fails takes none: see keep_keys.
void lend_keys(Work& work, Channel& channel) {
  channel.key_index = work.state.openings.free_index(work.state.next_key_index);
  channel.signer = work.context.signer.channel(channel.key_index);
  channel.commitments.params.local.keys = channel.signer->public_keys();
}
/// For ever, with a durable row, before the first signature with them leaves: at funding_created.
void keep_keys(Work& work, const Channel& channel) {
  if (channel.key_index < work.state.next_key_index) return;
  work.state.next_key_index = channel.key_index + 1;
  work.say(key_counter_record(work.state.next_key_index));
}
bool has_keys(const Work& work) {
  return work.state.next_key_index + work.state.openings.size() < kMaxKeyIndexes;
}

/// Of the peer's first commitment. nullopt: the peer's points are not points.
std::optional<commitment::SignedCommitment> sign_first(const Work& work, const Channel& channel) {
  const auto& remote = channel.commitments.remote;
  return sign_remote(channel.params(), remote.spec, 0, remote.point, *channel.signer, work.context.parallel);
}
Status<Violation> verify_first(const Work& work, const Channel& channel, const Signature& signature) {
  const auto& params = channel.params();
  return verify_local(params, channel.commitments.local.spec, 0, channel.signer->per_commitment_point(0), signature, {},
                      work.context.parallel);
}

ChannelId channel_id_of(const Outpoint& funding) {  // [B2-fund-06]
  ChannelId id;
  id.bytes = funding.txid.bytes;
  id.bytes[30] ^= static_cast<std::uint8_t>(funding.index >> 8);
  id.bytes[31] ^= static_cast<std::uint8_t>(funding.index);
  return id;
}

Opening* find_opening(Work& work, const NodeId& peer, const ChannelId& id) {
  return work.state.openings.find({peer, id});
}

/// Invited, or with a channel that cost it something.
bool is_known(const Work& work, const NodeId& peer) {
  return work.context.views.is_client(peer);
}

/// Whether this peer may open one more channel to us; nullopt: yes.
std::optional<Violation> too_many(const Work& work, const NodeId& peer) {
  std::size_t opening = work.state.openings.with(peer).size(), unfunded = 0;
  for (const auto* view : work.context.views.channels_with(peer)) {
    const auto& channel = work.state.channels.at(view->channel_id);
    if (!channel.never_funded()) continue;
    if (channel.is<AwaitingReady>()) ++opening;
    ++unfunded;
  }
  if (opening >= kMaxOpeningPerPeer) return Violation{Code::OpenTooManyOpening, opening, kMaxOpeningPerPeer};
  if (unfunded >= kMaxUnfundedInbound) return Violation{Code::OpenTooManyUnfunded, unfunded, kMaxUnfundedInbound};
  return std::nullopt;
}

std::uint64_t source_of(const Work& work, const NodeId& peer) {
  auto it = work.context.views.peers.find(peer);
  return it == work.context.views.peers.end() ? 0 : wire::network_of(it->second.address);
}

/// Whether a stranger from there may begin one more opening now.
bool take_share(Work& work, std::uint64_t source) {
  auto& shares = work.state.opening_shares;
  auto now = work.context.mono;
  auto refill = [&](OpeningShare& share) {
    auto passed = now.value() - std::min(share.at.value(), now.value());
    share.left = std::min(kOpeningsBurst, share.left + static_cast<double>(passed) / double{kOpeningEveryMs});
    share.at = now;
  };
  if (!shares.contains(source) && shares.size() >= kMaxOpeningSources) {
    for (auto& [each, share] : shares) refill(share);
    shares.erase(std::max_element(shares.begin(), shares.end(),
                                  [](const auto& a, const auto& b) { return a.second.left < b.second.left; }));
  }
  auto& share = shares.try_emplace(source, OpeningShare{kOpeningsBurst, now}).first->second;
  refill(share);
  if (share.left < 1) return false;
  share.left -= 1;
  return true;
}

/// Makes room for one more channel of a stranger: of the network that has most of them the oldest goes.
void make_room_for_unfunded(Work& work) {
  std::map<std::uint64_t, std::vector<const Channel*>> by_source;
  std::size_t count = 0;
  for (const auto& id : work.state.lookup.unfunded()) {
    const auto& channel = work.state.channels.at(id);
    if (is_known(work, channel.peer)) continue;
    by_source[channel.source].push_back(&channel);
    ++count;
  }
  if (count < kMaxUnfundedInbound) return;
  const auto& most = std::max_element(by_source.begin(), by_source.end(), [](const auto& a, const auto& b) {
                       return a.second.size() < b.second.size();
                     })->second;
  const auto* oldest = *std::min_element(
      most.begin(), most.end(), [](const Channel* a, const Channel* b) { return a->key_index < b->key_index; });
  ChannelId id = oldest->id;
  constexpr const char* kWhy = "it was not funded while many newer openings wait";
  if (oldest->alive() && oldest->connected()) work.send(oldest->peer, wire::Error{id, to_bytes(bytes_of(kWhy))});
  forget_unfunded(work, id, kWhy);
}

}  // namespace

void refuse_unknown(Work& work, const NodeId& peer, const ChannelId& id) {  // [B2-shut-08]
  auto why = to_bytes(bytes_of("no such channel"));
  id.is_zero() ? work.send(peer, wire::Warning{id, std::move(why)}) : work.send(peer, wire::Error{id, std::move(why)});
}

namespace {

using Answered = std::variant<Value, CommandError>;

void answer(Work& work, const Opening& opening, const Answered& result) {
  if (opening.request == 0) return;
  work.say(Reply{opening.request, result});
  for (auto request : opening.repeated) work.say(Reply{request, result});
}

Value describe_opened(const Channel& channel) {
  Value out;
  out.set("channel_id", channel.id.hex()).set("funding", bitcoin::outpoint_to_string(channel.params().funding));
  out.set("channel_type", commitment::name(channel.params().format)).set("announced", channel.announce);
  out.set("minimum_depth", channel.minimum_depth);
  return out;
}

/// The key and the request, hashed: a row of fixed size, whatever the key is.
std::optional<Asked> asked_of(const command::OpenChannel& command) {
  if (command.idempotency_key.empty()) return std::nullopt;
  auto choice = [](std::optional<bool> v) { return static_cast<std::uint8_t>(!v ? 2 : *v ? 1 : 0); };
  Writer out;
  out.bytes(command.node_id.view()).u64(command.amount.value()).u64(command.push.value());
  out.u8(choice(command.announce)).u32(command.feerate ? command.feerate->value() : 0);
  return Asked{crypto::sha256(bytes_of(command.idempotency_key)), crypto::sha256(out.take())};
}

/// True: it is answered, or will be with the one that is under way.
bool asked_before(Work& work, const OpenChannelNow& word, const Asked& asked) {
  auto other = [&] {
    work.say(Reply{word.request, error(CommandErrorCode::BadRequest,
                                       "this idempotency_key belongs to an openchannel with other arguments")});
    return true;
  };
  if (auto* opening = work.state.openings.asked_with(asked.key)) {
    if (*opening->channel.asked != asked) return other();
    opening->repeated.push_back(word.request);
    return true;
  }
  const auto* id = work.state.lookup.asked_with(asked.key);
  if (id == nullptr) return false;
  const auto& channel = work.state.channels.at(*id);
  if (*channel.asked != asked) return other();
  work.say(Reply{word.request, describe_opened(channel)});
  return true;
}

}  // namespace

void fail_opening(Work& work, OpeningKey key, const std::string& why, bool tell_peer) {
  if (!work.state.openings.contains(key)) return;
  auto opening = work.state.openings.take(key);
  if (tell_peer) work.send(key.first, wire::Error{key.second, to_bytes(bytes_of(why))});
  if (!opening.funding_txid.is_zero()) work.say(ReleaseFunding{opening.funding_txid});
  answer(work, opening, error(CommandErrorCode::Refused, why));
  work.notify(Severity::Warning, "channel_opening_failed", {{"peer", opening.channel.peer.hex()}, {"reason", why}});
}

void open(Work& work, const OpenChannelNow& word) {
  const auto& context = work.context;
  const auto& command = word.command;
  auto refuse = [&](CommandErrorCode code, std::string why) {
    work.say(Reply{word.request, error(code, std::move(why))});
  };
  auto asked = asked_of(command);
  if (asked && asked_before(work, word, *asked)) return;
  auto peer = context.views.peers.find(command.node_id);
  if (peer == context.views.peers.end())
    return refuse(CommandErrorCode::NotReady, "node_id: not connected to this node: connect first");
  if (command.amount < kMinCapacity || command.amount > kMaxCapacity)
    return refuse(CommandErrorCode::BadRequest, "amount_sat: expected " + std::to_string(kMinCapacity.value()) +
                                                    " to " + std::to_string(kMaxCapacity.value()) + " sat");
  if (command.push > to_msat(command.amount))  // [B2-open-04]
    return refuse(CommandErrorCode::BadRequest, "push_msat: expected at most the channel's amount");
  if (!context.views.chain_synced)
    return refuse(CommandErrorCode::NotReady, "the block chain is not synced yet: see getinfo");
  if (!has_keys(work)) return refuse(CommandErrorCode::Limit, "this node has no channel keys left: create a new node");
  const auto* node = context.views.graph.node(command.node_id);
  bool peer_is_server =
      (node != nullptr && node->announced) || peer->second.holds(Profile::Ldk) || peer->second.holds(Profile::Draft);
  Opening opening;
  auto& channel = opening.channel;
  channel.peer = command.node_id;
  channel.commitments.params.funder = true;
  channel.asked = asked;
  channel.announce = command.announce.value_or(context.config.role == Role::Server && peer_is_server);
  if (channel.announce && context.config.role == Role::Client)
    return refuse(CommandErrorCode::BadRequest, "a client's channels are never announced");
  channel.commitments.params.capacity = command.amount;
  // [B2-open-10]
  channel.commitments.params.format = context.config.anchors && peer->second.features.supports(wire::kAnchors)
                                          ? CommitmentFormat::AnchorsZeroFeeHtlc
                                          : CommitmentFormat::StaticRemotekey;
  channel.scid_alias_type = !channel.announce && peer->second.features.supports(wire::kScidAlias);  // [B2-open-11]
  channel.commitments.params.local = our_terms(context, channel);
  lend_keys(work, channel);
  opening.temporary_channel_id = context.rng.id<ChannelId>();  // [B2-open-02]
  opening.request = word.request;
  opening.started = context.mono;
  opening.amount = command.amount;
  opening.push = command.push;
  opening.feerate = feerate_now(work);
  opening.funding_feerate = command.feerate.value_or(opening.feerate);
  wire::OpenChannel message;
  fill(message, channel.params().local, channel);
  message.chain_hash = wire::chain_hash(context.config.network);  // [B2-open-01]
  message.temporary_channel_id = opening.temporary_channel_id;
  message.funding_satoshis = command.amount;
  message.push_msat = command.push;
  message.feerate_per_kw = opening.feerate;
  message.channel_flags = channel.announce ? 1 : 0;  // [B2-open-07]
  work.send(channel.peer, std::move(message));
  OpeningKey key{channel.peer, opening.temporary_channel_id};
  work.state.openings.put(key, std::move(opening));
}

void on(Work& work, const NodeId& peer, const wire::OpenChannel& m) {
  const auto& context = work.context;
  const auto& config = context.config;
  auto refuse = [&](const Violation& violation) {
    auto why = text(violation);
    work.send(peer, wire::Error{m.temporary_channel_id, to_bytes(bytes_of(why))});
    work.notify(Severity::Info, "channel_refused", {{"peer", peer.hex()}, {"reason", std::move(why)}});
  };
  auto broken = [&](Code code, std::uint64_t given = 0, std::uint64_t limit = 0) {
    refuse(Violation{code, given, limit});
  };

  // What the message says by itself.
  auto funding = m.funding_satoshis;
  auto feerate = m.feerate_per_kw;
  if (m.chain_hash != wire::chain_hash(config.network)) return broken(Code::OpenWrongChain);  // [B2-open-16]
  if (funding < kMinCapacity) return broken(Code::OpenFundingTooSmall, funding.value(), kMinCapacity.value());
  // [B2-open-25]
  if (funding > kMaxCapacity) return broken(Code::OpenFundingTooLarge, funding.value(), kMaxCapacity.value());
  if (m.push_msat > to_msat(funding))
    return broken(Code::OpenPushAboveFunding, m.push_msat.value(), to_msat(funding).value());  // [B2-open-17]
  if (feerate < config.feerate_floor)
    return broken(Code::OpenFeerateTooLow, feerate.value(), config.feerate_floor.value());  // [B2-open-20]
  if (feerate > kMaxFeerate) return broken(Code::OpenFeerateTooHigh, feerate.value(), kMaxFeerate.value());
  if (!m.channel_type) return broken(Code::OpenWithoutType);  // [B2-open-14]

  // Whether there is room for one more.
  if (!context.views.chain_synced) return broken(Code::OpenChainNotSynced);
  if (auto why = too_many(work, peer)) return refuse(*why);
  if (!has_keys(work)) return broken(Code::OpenNoKeysLeft);
  if (work.state.openings.contains({peer, m.temporary_channel_id})) return broken(Code::OpenTemporaryIdInUse);
  auto source = source_of(work, peer);
  if (!is_known(work, peer) && !take_share(work, source)) return broken(Code::OpenTooManyFromNetwork);

  // The terms.
  Opening opening;
  auto& channel = opening.channel;
  auto& params = channel.commitments.params;
  channel.peer = peer;
  channel.source = source;
  channel.announce = (m.channel_flags & 1) != 0;  // [B2-open-13]
  if (channel.announce && config.role == Role::Client) return broken(Code::OpenAnnounced);
  params.capacity = funding;
  if (!set_type(channel, *m.channel_type, config)) return broken(Code::OpenTypeNotSupported);
  params.remote = terms_of(m);
  params.local = our_terms(context, channel);
  channel.commitments.remote.point = m.first_per_commitment_point;
  channel.minimum_depth = config.minimum_depth;
  if (auto why = objection(channel, params.remote, channel.commitments.remote.point)) return refuse(*why);
  set_first_specs(channel, m.push_msat, feerate);
  if (auto why = unaffordable(channel)) return refuse(*why);

  lend_keys(work, channel);
  opening.temporary_channel_id = m.temporary_channel_id;
  opening.started = context.mono;
  wire::AcceptChannel accept;
  fill(accept, channel.params().local, channel);
  accept.temporary_channel_id = m.temporary_channel_id;  // [B2-acc-01]
  accept.minimum_depth = channel.minimum_depth;          // [B2-acc-03]
  work.send(peer, std::move(accept));
  work.state.openings.put({peer, m.temporary_channel_id}, std::move(opening));
}

void on(Work& work, const NodeId& peer, const wire::AcceptChannel& m) {
  auto* opening = find_opening(work, peer, m.temporary_channel_id);
  if (opening == nullptr) return refuse_unknown(work, peer, m.temporary_channel_id);
  if (opening->accepted || opening->request == 0) return;
  auto& channel = opening->channel;
  auto refuse = [&](const Violation& why) { fail_opening(work, {peer, m.temporary_channel_id}, text(why), true); };
  // [B2-acc-06]
  if (!m.channel_type || *m.channel_type != channel_type(channel)) return refuse({Code::AcceptOtherType});
  if (m.minimum_depth > kMaxMinimumDepth) return refuse({Code::AcceptDepthTooLarge, m.minimum_depth, kMaxMinimumDepth});
  channel.commitments.params.remote = terms_of(m);
  channel.commitments.remote.point = m.first_per_commitment_point;
  channel.minimum_depth = std::max(m.minimum_depth, std::uint32_t{1});
  if (auto why = objection(channel, channel.params().remote, channel.commitments.remote.point)) return refuse(*why);
  set_first_specs(channel, opening->push, opening->feerate);
  if (auto why = unaffordable(channel)) return refuse(*why);
  opening->accepted = true;
  work.say(PrepareFunding{m.temporary_channel_id, bitcoin::p2wsh_script(funding_script(channel.params())),
                          channel.params().capacity, opening->funding_feerate});
}

void hear(Work& work, const FundingFailed& word) {
  auto key = work.state.openings.find_own(word.temporary_channel_id);
  if (!key) return;
  auto opening = work.state.openings.take(*key);
  work.send(opening.channel.peer, wire::Error{word.temporary_channel_id, to_bytes(bytes_of("the funding failed"))});
  answer(work, opening, word.error);
}

void hear(Work& work, const FundingPrepared& word) {
  auto key = work.state.openings.find_own(word.temporary_channel_id);
  if (!key) return work.say(ReleaseFunding{bitcoin::txid(word.transaction)});
  auto& opening = *work.state.openings.find(*key);
  auto& channel = opening.channel;
  opening.funding_txid = bitcoin::txid(word.transaction);
  channel.commitments.params.funding = {opening.funding_txid, word.output_index};
  channel.funding_transaction = bitcoin::serialize(word.transaction);
  channel.id = channel_id_of(channel.params().funding);
  channel.created_height = work.context.tip;
  auto signed_commitment = sign_first(work, channel);
  if (!signed_commitment) return fail_opening(work, *key, text(Violation{Code::CommitmentKeysDoNotCombine}), true);
  opening.sent_created = true;
  keep_keys(work, channel);
  // [B2-fund-01]
  work.send(channel.peer, wire::FundingCreated{word.temporary_channel_id, channel.params().funding.txid,
                                               static_cast<std::uint16_t>(channel.params().funding.index),
                                               signed_commitment->signature});
}

void on(Work& work, const NodeId& peer, const wire::FundingCreated& m) {
  auto* opening = find_opening(work, peer, m.temporary_channel_id);
  if (opening == nullptr) return refuse_unknown(work, peer, m.temporary_channel_id);
  if (opening->request != 0) return;
  auto channel = std::move(opening->channel);
  channel.commitments.params.funding = {m.funding_txid, m.funding_output_index};
  channel.id = channel_id_of(channel.params().funding);
  channel.created_height = work.context.tip;
  auto refuse = [&](const std::string& why) {
    opening->channel = std::move(channel);
    fail_opening(work, {peer, m.temporary_channel_id}, why, true);
  };
  if (work.state.channels.contains(channel.id)) return refuse(text(Violation{Code::FundingOutputTaken}));
  if (auto good = verify_first(work, channel, m.signature); !good)
    return refuse("funding_created: " + text(good.error()));  // [B2-fund-04]
  auto signed_commitment = sign_first(work, channel);
  if (!signed_commitment) return refuse(text(Violation{Code::CommitmentKeysDoNotCombine}));
  channel.commitments.local.signature = m.signature;
  channel.session = Talking{work.context.mono};
  channel.spoken = true;
  keep_keys(work, channel);
  static_cast<void>(work.state.openings.take({peer, m.temporary_channel_id}));
  if (!is_known(work, peer)) make_room_for_unfunded(work);
  work.send(peer, wire::FundingSigned{channel.id, signed_commitment->signature});  // [B2-re-02]
  auto& kept = work.state.channels.insert_or_assign(channel.id, std::move(channel)).first->second;
  save(work, kept);
  work.notify(Severity::Info, "channel_opening",
              {{"channel_id", kept.id.hex()},
               {"peer", peer.hex()},
               {"capacity_sat", kept.commitments.params.capacity.value()}});
}

void on(Work& work, const NodeId& peer, const wire::FundingSigned& m) {
  auto keys = work.state.openings.with(peer);
  auto key = std::find_if(keys.begin(), keys.end(), [&](const OpeningKey& each) {
    const auto& opening = *work.state.openings.find(each);
    return opening.sent_created && opening.channel.id == m.channel_id;
  });
  if (key == keys.end()) return refuse_unknown(work, peer, m.channel_id);
  const auto& opened = work.state.openings.find(*key)->channel;
  if (auto good = verify_first(work, opened, m.signature); !good)
    return fail_opening(work, *key, "funding_signed: " + text(good.error()), true);  // [B2-fund-04]
  auto finished = work.state.openings.take(*key);
  auto channel = std::move(finished.channel);
  channel.commitments.local.signature = m.signature;
  channel.session = Talking{work.context.mono};
  channel.spoken = true;
  auto& kept = work.state.channels.insert_or_assign(channel.id, std::move(channel)).first->second;
  save(work, kept);
  if (auto transaction = bitcoin::parse_transaction(kept.funding_transaction))  // [B2-fund-02]
    work.say(Broadcast{*std::move(transaction)});
  answer(work, finished, describe_opened(kept));  // [B2-re-01]
  work.notify(Severity::Info, "channel_opening",
              {{"channel_id", kept.id.hex()},
               {"peer", peer.hex()},
               {"capacity_sat", kept.commitments.params.capacity.value()}});
}

}  // namespace doze::channel
