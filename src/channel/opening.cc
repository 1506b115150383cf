// From open_channel to channel_ready and announcement_signatures. BOLT 2, "Channel Establishment v1"; BOLT 7.
#include <algorithm>
#include <set>

#include "bitcoin/script.h"
#include "channel/inside.h"
#include "crypto/crypto.h"
#include "effects/limits.h"
#include "wire/address.h"
#include "wire/chains.h"

namespace doze::channel {
namespace {

CommandError error(CommandErrorCode code, std::string message) {
  return {code, std::move(message), {}};
}

/// The lowest index that no other opening has. Whoever opens and fails takes none: see keep_keys.
void lend_keys(Work& work, Channel& channel) {
  channel.key_index = work.state.openings.free_index(work.state.next_key_index);
  channel.signer = work.context.signer.channel(channel.key_index);
  channel.local.keys = channel.signer->public_keys();
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

/// Without keys.
Terms our_terms(const Context& context, const Channel& channel) {
  Terms out;
  out.dust_limit = kOurDustLimit;
  out.max_htlc_value_in_flight = to_msat(channel.capacity);
  out.channel_reserve = std::max(Sat(channel.capacity.value() / 100), kMaxDustLimit);
  out.htlc_minimum = Msat(1);
  out.to_self_delay = context.config.to_self_delay;
  out.max_accepted_htlcs = kMaxAcceptedHtlcs;
  return out;
}

wire::FeatureBits channel_type(const Channel& channel) {
  wire::FeatureBits out{wire::kStaticRemotekey};
  if (channel.format == CommitmentFormat::AnchorsZeroFeeHtlc) out.set(wire::kAnchors);
  if (channel.scid_alias_type) out.set(wire::kScidAlias);
  return out;
}

bool set_type(Channel& channel, const wire::FeatureBits& type, const Config& config) {
  for (bool anchors : {false, true})
    for (bool alias : {false, true}) {
      channel.format = anchors ? CommitmentFormat::AnchorsZeroFeeHtlc : CommitmentFormat::StaticRemotekey;
      channel.scid_alias_type = alias;
      if (channel_type(channel) == type) return (!anchors || config.anchors) && (!alias || !channel.announce);
    }
  return false;
}

template <class M>
Terms terms_of(const M& m) {
  Terms out;
  out.dust_limit = m.dust_limit_satoshis;
  out.max_htlc_value_in_flight = m.max_htlc_value_in_flight_msat;
  out.channel_reserve = m.channel_reserve_satoshis;
  out.htlc_minimum = m.htlc_minimum_msat;
  out.to_self_delay = m.to_self_delay;
  out.max_accepted_htlcs = m.max_accepted_htlcs;
  out.keys = {m.funding_pubkey, m.revocation_basepoint, m.payment_basepoint, m.delayed_payment_basepoint,
              m.htlc_basepoint};
  return out;
}

template <class M>
void fill(M& m, const Terms& t, const Channel& channel) {
  m.dust_limit_satoshis = t.dust_limit;
  m.max_htlc_value_in_flight_msat = t.max_htlc_value_in_flight;
  m.channel_reserve_satoshis = t.channel_reserve;
  m.htlc_minimum_msat = t.htlc_minimum;
  m.to_self_delay = t.to_self_delay;
  m.max_accepted_htlcs = t.max_accepted_htlcs;
  m.funding_pubkey = t.keys.funding;
  m.revocation_basepoint = t.keys.revocation_basepoint;
  m.payment_basepoint = t.keys.payment_basepoint;
  m.delayed_payment_basepoint = t.keys.delayed_payment_basepoint;
  m.htlc_basepoint = t.keys.htlc_basepoint;
  m.first_per_commitment_point = channel.signer->per_commitment_point(0);
  m.channel_type = channel_type(channel);
}

/// What is unacceptable in the other side's terms, with numbers; empty: nothing.
std::string objection(const Channel& channel, const Terms& theirs, const PublicKey& point) {
  auto number = [](std::uint64_t value) { return std::to_string(value); };
  for (const auto& key : {theirs.keys.funding, theirs.keys.revocation_basepoint, theirs.keys.payment_basepoint,
                          theirs.keys.delayed_payment_basepoint, theirs.keys.htlc_basepoint, point})
    if (!crypto::is_valid(key)) return "a key is no point";
  if (theirs.dust_limit < kMinDustLimit || theirs.dust_limit > kMaxDustLimit)
    return "dust_limit_satoshis " + number(theirs.dust_limit.value()) + ": " + number(kMinDustLimit.value()) + " to " +
           number(kMaxDustLimit.value()) + " expected";
  if (theirs.channel_reserve.value() > channel.capacity.value() / 5)
    return "channel_reserve_satoshis " + number(theirs.channel_reserve.value()) + " is above a fifth of the channel";
  if (theirs.channel_reserve < theirs.dust_limit)
    return "dust_limit_satoshis " + number(theirs.dust_limit.value()) + " is above channel_reserve_satoshis " +
           number(theirs.channel_reserve.value());
  if (theirs.channel_reserve < channel.local.dust_limit) return "channel_reserve_satoshis is below our dust limit";
  if (channel.local.channel_reserve < theirs.dust_limit) return "dust_limit_satoshis is above our reserve";
  if (theirs.to_self_delay > kMaxToSelfDelay)
    return "to_self_delay " + number(theirs.to_self_delay) + " is above " + number(kMaxToSelfDelay);
  if (theirs.max_accepted_htlcs == 0 || theirs.max_accepted_htlcs > kMaxAcceptedHtlcs)
    return "max_accepted_htlcs " + number(theirs.max_accepted_htlcs) + ": 1 to 483 expected";
  if (theirs.htlc_minimum.value() > to_msat(channel.capacity).value() / 100)
    return "htlc_minimum_msat " + number(theirs.htlc_minimum.value()) + " is above a hundredth of the channel";
  if (theirs.max_htlc_value_in_flight.value() < 1'000'000) return "max_htlc_value_in_flight_msat is below 1000 sat";
  return "";
}

/// Both sides' first commitments: the same balances.
void set_first_specs(Channel& channel, Msat push, FeeratePerKw feerate) {
  Spec spec;
  spec.feerate = feerate;
  auto rest = to_msat(channel.capacity) - push;
  spec.to_local = channel.funder ? rest : push;
  spec.to_remote = channel.funder ? push : rest;
  channel.local_spec = channel.remote_spec = spec;
}

/// The opener must be able to pay for the first commitment and keep its reserve.
bool opener_can_pay(const Channel& channel) {
  const auto& spec = channel.local_spec;
  auto opener = channel.funder ? spec.to_local : spec.to_remote;
  auto reserve = channel.funder ? channel.remote.channel_reserve : channel.local.channel_reserve;
  return opener >= to_msat(reserve) + opener_cost(channel, spec, 1, 0);  // without HTLCs yet
}

ChannelId channel_id_of(const Outpoint& funding) {
  ChannelId id;
  id.bytes = funding.txid.bytes;
  id.bytes[30] ^= static_cast<std::uint8_t>(funding.index >> 8);
  id.bytes[31] ^= static_cast<std::uint8_t>(funding.index);
  return id;
}

FeeratePerKw feerate_now(const Work& work) {
  return std::max(work.state.feerate.value_or(work.context.config.default_feerate), work.context.config.feerate_floor);
}

Opening* find_opening(Work& work, const NodeId& peer, const ChannelId& id) {
  return work.state.openings.find({peer, id});
}

/// Invited, or with a channel that cost it something.
bool is_known(const Work& work, const NodeId& peer) {
  return work.context.views.is_client(peer);
}

/// Whether this peer may open one more channel to us; empty: yes.
std::string too_many(const Work& work, const NodeId& peer) {
  std::size_t opening = work.state.openings.with(peer).size(), unfunded = 0;
  for (const auto* view : work.context.views.channels_with(peer)) {
    const auto& channel = work.state.channels.at(view->channel_id);
    if (!channel.never_funded()) continue;
    if (channel.phase == ChannelPhase::Opening) ++opening;
    ++unfunded;
  }
  if (opening >= kMaxOpeningPerPeer) return "too many channels are being opened";
  if (unfunded >= kMaxUnfundedInbound) return "too many channels wait for their funding";
  return "";
}

std::string text_of(ShortChannelId scid) {
  return std::to_string(scid.block()) + "x" + std::to_string(scid.tx()) + "x" + std::to_string(scid.output());
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
  constexpr const char* kWhy = "it was not funded while many others wait";
  if (oldest->alive() && oldest->connected) work.send(oldest->peer, wire::Error{id, to_bytes(bytes_of(kWhy))});
  forget_unfunded(work, id, kWhy);
}

wire::ChannelAnnouncement announcement(const Context& context, const Channel& channel) {
  wire::ChannelAnnouncement out;
  out.chain_hash = wire::chain_hash(context.config.network);
  out.short_channel_id = channel.scid();
  bool first = context.signer.node_id() < channel.peer;
  out.node_id_1 = first ? context.signer.node_id() : channel.peer;
  out.node_id_2 = first ? channel.peer : context.signer.node_id();
  out.bitcoin_key_1 = first ? channel.local.keys.funding : channel.remote.keys.funding;
  out.bitcoin_key_2 = first ? channel.remote.keys.funding : channel.local.keys.funding;
  return out;
}

bool deep(const Channel& channel, BlockHeight tip, std::uint32_t depth) {
  return channel.confirmed() && tip.value() + 1 >= channel.funding_height.value() + depth;
}

}  // namespace

void refuse_unknown(Work& work, const NodeId& peer, const ChannelId& id) {
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
  out.set("channel_id", channel.id.hex()).set("funding", bitcoin::outpoint_to_string(channel.funding));
  out.set("channel_type", commitment::name(channel.format)).set("announced", channel.announce);
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
    return refuse(CommandErrorCode::NotReady, "not connected to this node: connect first");
  if (command.amount < kMinCapacity || command.amount > kMaxCapacity)
    return refuse(CommandErrorCode::BadRequest, "the amount must be " + std::to_string(kMinCapacity.value()) + " to " +
                                                    std::to_string(kMaxCapacity.value()) + " sat");
  if (command.push > to_msat(command.amount))
    return refuse(CommandErrorCode::BadRequest, "push_msat is above the channel's amount");
  if (!context.views.chain_synced)
    return refuse(CommandErrorCode::NotReady, "the block chain is not synced yet: see getinfo");
  if (!has_keys(work)) return refuse(CommandErrorCode::Limit, "this node has no channel keys left: begin another one");
  const auto* node = context.views.graph.node(command.node_id);
  bool peer_is_server =
      (node != nullptr && node->announced) || peer->second.holds(Profile::Ldk) || peer->second.holds(Profile::Draft);
  Opening opening;
  auto& channel = opening.channel;
  channel.peer = command.node_id;
  channel.funder = true;
  channel.asked = asked;
  channel.announce = command.announce.value_or(context.config.role == Role::Server && peer_is_server);
  if (channel.announce && context.config.role == Role::Client)
    return refuse(CommandErrorCode::BadRequest, "a client's channels are never announced");
  channel.capacity = command.amount;
  channel.format = context.config.anchors && peer->second.features.supports(wire::kAnchors)
                       ? CommitmentFormat::AnchorsZeroFeeHtlc
                       : CommitmentFormat::StaticRemotekey;
  channel.scid_alias_type = !channel.announce && peer->second.features.supports(wire::kScidAlias);
  channel.local = our_terms(context, channel);
  lend_keys(work, channel);
  opening.temporary_channel_id = context.rng.id<ChannelId>();
  opening.request = word.request;
  opening.started = context.mono;
  opening.amount = command.amount;
  opening.push = command.push;
  opening.feerate = feerate_now(work);
  opening.funding_feerate = command.feerate.value_or(opening.feerate);
  wire::OpenChannel message;
  fill(message, channel.local, channel);
  message.chain_hash = wire::chain_hash(context.config.network);
  message.temporary_channel_id = opening.temporary_channel_id;
  message.funding_satoshis = command.amount;
  message.push_msat = command.push;
  message.feerate_per_kw = opening.feerate;
  message.channel_flags = channel.announce ? 1 : 0;
  work.send(channel.peer, std::move(message));
  OpeningKey key{channel.peer, opening.temporary_channel_id};
  work.state.openings.put(key, std::move(opening));
}

void on(Work& work, const NodeId& peer, const wire::OpenChannel& m) {
  const auto& context = work.context;
  auto refuse = [&](const std::string& why) {
    work.send(peer, wire::Error{m.temporary_channel_id, to_bytes(bytes_of(why))});
    work.notify(Severity::Info, "channel_refused", {{"peer", peer.hex()}, {"reason", why}});
  };
  if (m.chain_hash != wire::chain_hash(context.config.network)) return refuse("another chain");
  if (m.funding_satoshis < kMinCapacity || m.funding_satoshis > kMaxCapacity)
    return refuse("funding_satoshis: " + std::to_string(kMinCapacity.value()) + " to " +
                  std::to_string(kMaxCapacity.value()) + " expected");
  if (m.push_msat > to_msat(m.funding_satoshis)) return refuse("push_msat is above the funding");
  if (m.feerate_per_kw < context.config.feerate_floor || m.feerate_per_kw > kMaxFeerate)
    return refuse("feerate_per_kw " + std::to_string(m.feerate_per_kw.value()) + " is not reasonable");
  if (!m.channel_type) return refuse("channel_type is missing");
  if (!context.views.chain_synced) return refuse("our block chain is not synced yet, try again later");
  if (auto why = too_many(work, peer); !why.empty()) return refuse(why);
  if (!has_keys(work)) return refuse("no channel keys are left");
  if (work.state.openings.contains({peer, m.temporary_channel_id})) return refuse("the temporary_channel_id is in use");
  auto source = source_of(work, peer);
  if (!is_known(work, peer) && !take_share(work, source))
    return refuse("too many channels were opened from your network just now: wait a moment");
  Opening opening;
  auto& channel = opening.channel;
  channel.peer = peer;
  channel.source = source;
  channel.announce = (m.channel_flags & 1) != 0;
  if (channel.announce && context.config.role == Role::Client) return refuse("this node has no announced channels");
  channel.capacity = m.funding_satoshis;
  if (!set_type(channel, *m.channel_type, context.config)) return refuse("this channel_type is not supported");
  channel.remote = terms_of(m);
  channel.local = our_terms(context, channel);
  channel.remote_point = m.first_per_commitment_point;
  channel.minimum_depth = context.config.minimum_depth;
  if (auto why = objection(channel, channel.remote, channel.remote_point); !why.empty()) return refuse(why);
  set_first_specs(channel, m.push_msat, m.feerate_per_kw);
  if (!opener_can_pay(channel)) return refuse("the funding does not pay for the first commitment and the reserve");
  lend_keys(work, channel);
  opening.temporary_channel_id = m.temporary_channel_id;
  opening.started = context.mono;
  wire::AcceptChannel accept;
  fill(accept, channel.local, channel);
  accept.temporary_channel_id = m.temporary_channel_id;
  accept.minimum_depth = channel.minimum_depth;
  work.send(peer, std::move(accept));
  work.state.openings.put({peer, m.temporary_channel_id}, std::move(opening));
}

void on(Work& work, const NodeId& peer, const wire::AcceptChannel& m) {
  auto* opening = find_opening(work, peer, m.temporary_channel_id);
  if (opening == nullptr) return refuse_unknown(work, peer, m.temporary_channel_id);
  if (opening->accepted || opening->request == 0) return;
  auto& channel = opening->channel;
  auto refuse = [&](const std::string& why) { fail_opening(work, {peer, m.temporary_channel_id}, why, true); };
  if (!m.channel_type || *m.channel_type != channel_type(channel))
    return refuse("another channel_type than was asked for");
  if (m.minimum_depth > kMaxMinimumDepth) return refuse("minimum_depth is too large");
  channel.remote = terms_of(m);
  channel.remote_point = m.first_per_commitment_point;
  channel.minimum_depth = std::max(m.minimum_depth, std::uint32_t{1});
  if (auto why = objection(channel, channel.remote, channel.remote_point); !why.empty()) return refuse(why);
  set_first_specs(channel, opening->push, opening->feerate);
  if (!opener_can_pay(channel)) return refuse("the amount does not pay for the first commitment and the reserve");
  opening->accepted = true;
  work.say(PrepareFunding{
      m.temporary_channel_id,
      bitcoin::p2wsh_script(commitment::funding_script(channel.local.keys.funding, channel.remote.keys.funding)),
      channel.capacity, opening->funding_feerate});
}

void on(Work& work, const FundingFailed& word) {
  auto key = work.state.openings.find_own(word.temporary_channel_id);
  if (!key) return;
  auto opening = work.state.openings.take(*key);
  work.send(opening.channel.peer, wire::Error{word.temporary_channel_id, to_bytes(bytes_of("the funding failed"))});
  answer(work, opening, word.error);
}

void on(Work& work, const FundingPrepared& word) {
  auto key = work.state.openings.find_own(word.temporary_channel_id);
  if (!key) return work.say(ReleaseFunding{bitcoin::txid(word.transaction)});
  auto& opening = *work.state.openings.find(*key);
  auto& channel = opening.channel;
  opening.funding_txid = bitcoin::txid(word.transaction);
  channel.funding = {opening.funding_txid, word.output_index};
  channel.funding_transaction = bitcoin::serialize(word.transaction);
  channel.id = channel_id_of(channel.funding);
  channel.created_height = work.context.tip;
  auto signed_commitment = sign_remote(channel, channel.remote_spec, 0, channel.remote_point, work.context.parallel);
  if (!signed_commitment) return fail_opening(work, *key, "the peer's keys cannot be combined", true);
  opening.sent_created = true;
  keep_keys(work, channel);
  work.send(channel.peer,
            wire::FundingCreated{word.temporary_channel_id, channel.funding.txid,
                                 static_cast<std::uint16_t>(channel.funding.index), signed_commitment->signature});
}

void on(Work& work, const NodeId& peer, const wire::FundingCreated& m) {
  auto* opening = find_opening(work, peer, m.temporary_channel_id);
  if (opening == nullptr) return refuse_unknown(work, peer, m.temporary_channel_id);
  if (opening->request != 0) return;
  auto channel = std::move(opening->channel);
  channel.funding = {m.funding_txid, m.funding_output_index};
  channel.id = channel_id_of(channel.funding);
  channel.created_height = work.context.tip;
  auto refuse = [&](const std::string& why) {
    opening->channel = std::move(channel);
    fail_opening(work, {peer, m.temporary_channel_id}, why, true);
  };
  if (work.state.channels.contains(channel.id)) return refuse("this funding output has a channel already");
  if (auto wrong = wrong_signature(channel, channel.local_spec, 0, m.signature, {}, work.context.parallel);
      !wrong.empty())
    return refuse("funding_created: " + wrong);
  auto signed_commitment = sign_remote(channel, channel.remote_spec, 0, channel.remote_point, work.context.parallel);
  if (!signed_commitment) return refuse("the keys cannot be combined");
  channel.local_signature = m.signature;
  channel.connected = channel.reestablished = channel.spoken = true;
  keep_keys(work, channel);
  static_cast<void>(work.state.openings.take({peer, m.temporary_channel_id}));
  if (!is_known(work, peer)) make_room_for_unfunded(work);
  work.send(peer, wire::FundingSigned{channel.id, signed_commitment->signature});
  auto& kept = work.state.channels.insert_or_assign(channel.id, std::move(channel)).first->second;
  save(work, kept);
  work.notify(Severity::Info, "channel_opening",
              {{"channel_id", kept.id.hex()}, {"peer", peer.hex()}, {"capacity_sat", kept.capacity.value()}});
}

void on(Work& work, const NodeId& peer, const wire::FundingSigned& m) {
  auto keys = work.state.openings.with(peer);
  auto key = std::find_if(keys.begin(), keys.end(), [&](const OpeningKey& each) {
    const auto& opening = *work.state.openings.find(each);
    return opening.sent_created && opening.channel.id == m.channel_id;
  });
  if (key == keys.end()) return refuse_unknown(work, peer, m.channel_id);
  const auto& opened = work.state.openings.find(*key)->channel;
  if (auto wrong = wrong_signature(opened, opened.local_spec, 0, m.signature, {}, work.context.parallel);
      !wrong.empty())
    return fail_opening(work, *key, "funding_signed: " + wrong, true);
  auto finished = work.state.openings.take(*key);
  auto channel = std::move(finished.channel);
  channel.local_signature = m.signature;
  channel.connected = channel.reestablished = channel.spoken = true;
  auto& kept = work.state.channels.insert_or_assign(channel.id, std::move(channel)).first->second;
  save(work, kept);
  if (auto transaction = bitcoin::parse_transaction(kept.funding_transaction))
    work.say(Broadcast{*std::move(transaction)});
  answer(work, finished, describe_opened(kept));
  work.notify(Severity::Info, "channel_opening",
              {{"channel_id", kept.id.hex()}, {"peer", peer.hex()}, {"capacity_sat", kept.capacity.value()}});
}

void note_depth(Work& work, Channel& channel) {
  if (!channel.reorganised || !deep(channel, work.context.tip, channel.minimum_depth)) return;
  channel.reorganised = false;
  work.notify(Severity::Info, "funding_confirmed_again",
              {{"channel_id", channel.id.hex()}, {"height", channel.funding_height.value()}});
  work.state.dirty.insert(channel.id);
  say_if_usable(work, channel);
}

void note_depth_at_start(Work& work, Channel& channel) {
  channel.reorganised = channel.sent_ready && !deep(channel, work.context.tip, channel.minimum_depth);
}

void on(Work& work, const FundingRefused& word) {
  for (auto& [id, channel] : work.state.channels) {
    if (!channel.funder || channel.funding.txid != word.txid || channel.confirmed() ||
        channel.phase == ChannelPhase::Closed)
      continue;
    auto how = "the backend refused the funding transaction: " + word.reason;
    if (channel.connected) work.send(channel.peer, wire::Error{id, to_bytes(bytes_of("the funding was refused"))});
    end(work, channel, how);
  }
  work.say(ReleaseFunding{word.txid});
}

void send_ready(Work& work, Channel& channel) {
  if (!channel.connected || !channel.reestablished || channel.phase != ChannelPhase::Opening) return;
  if (!channel.sent_ready && deep(channel, work.context.tip, channel.minimum_depth)) {
    channel.sent_ready = true;
    save(work, channel);
    work.send(
        channel.peer,
        wire::ChannelReady{
            channel.id, channel.signer->per_commitment_point(1), local_alias(work.context.signer, channel.id), {}});
  }
  if (channel.ready()) {
    channel.phase = ChannelPhase::Normal;
    save(work, channel);
    work.notify(
        Severity::Info, "channel_open",
        {{"channel_id", channel.id.hex()}, {"peer", channel.peer.hex()}, {"capacity_sat", channel.capacity.value()}});
    say_if_usable(work, channel);
    work.say(ChannelNeedsUpdate{channel.id});
    announce(work, channel);
  }
}

namespace {
/// Whether something that the peer says anew may be written once more in this connection.
bool may_rewrite(Channel& channel) {
  if (channel.rewrites >= kMaxRewrites) return false;
  ++channel.rewrites;
  return true;
}
}  // namespace

void on(Work& work, Channel& channel, const wire::ChannelReady& m) {
  if (!crypto::is_valid(m.second_per_commitment_point)) return hang_up(work, channel, "channel_ready: no point");
  bool alias_changed = m.short_channel_id && m.short_channel_id != channel.remote_alias;
  // Names that it gave before stay good: after many the last one that we wrote down will do.
  if (channel.got_ready && (!alias_changed || !may_rewrite(channel))) return;
  if (m.short_channel_id) channel.remote_alias = m.short_channel_id;
  if (!channel.got_ready) {
    channel.got_ready = true;
    channel.remote_next_point = m.second_per_commitment_point;
  }
  save(work, channel);
  send_ready(work, channel);
}

void announce(Work& work, Channel& channel) {
  if (!channel.announce || channel.announced || channel.phase != ChannelPhase::Normal || !channel.connected ||
      !channel.reestablished || !deep(channel, work.context.tip, kAnnounceDepth))
    return;
  auto message = announcement(work.context, channel);
  auto digest = wire::signature_hash(message);
  auto node = work.context.signer.sign_with_node_key(digest);
  auto bitcoin = channel.signer->sign_announcement(digest);
  if (!channel.sent_announcement) {
    channel.sent_announcement = true;
    save(work, channel);
    work.send(channel.peer, wire::AnnouncementSignatures{channel.id, channel.scid(), node, bitcoin});
  }
  if (!channel.remote_node_signature || !channel.remote_bitcoin_signature) return;
  bool good = crypto::ecdsa_verify(channel.peer, digest, *channel.remote_node_signature) &&
              crypto::ecdsa_verify(channel.remote.keys.funding, digest, *channel.remote_bitcoin_signature);
  if (!good) {
    channel.remote_node_signature.reset();
    channel.remote_bitcoin_signature.reset();
    save(work, channel);
    return work.send(channel.peer,
                     wire::Warning{channel.id, to_bytes(bytes_of("announcement_signatures: a signature is wrong"))});
  }
  bool first = work.context.signer.node_id() < channel.peer;
  message.node_signature_1 = first ? node : *channel.remote_node_signature;
  message.node_signature_2 = first ? *channel.remote_node_signature : node;
  message.bitcoin_signature_1 = first ? bitcoin : *channel.remote_bitcoin_signature;
  message.bitcoin_signature_2 = first ? *channel.remote_bitcoin_signature : bitcoin;
  channel.announced = true;
  save(work, channel);
  work.say(ChannelAnnounced{channel.id, std::move(message)});
}

void on(Work& work, Channel& channel, const wire::AnnouncementSignatures& m) {
  // The peer may have seen the blocks before us: its signatures are kept, and checked when we know the scid.
  if (!channel.announce) return;
  if (channel.confirmed() && m.short_channel_id != channel.scid())
    return work.send(channel.peer,
                     wire::Warning{channel.id, to_bytes(bytes_of("announcement_signatures: short_channel_id " +
                                                                 text_of(m.short_channel_id) + ", " +
                                                                 text_of(channel.scid()) + " expected"))});
  if (channel.announced) {
    // The peer lost ours: it gets them again, once a connection, or two of us would never stop.
    if (channel.resent_announcement) return;
    channel.resent_announcement = true;
    channel.sent_announcement = false;
    channel.announced = false;
  }
  bool again =
      channel.remote_node_signature == m.node_signature && channel.remote_bitcoin_signature == m.bitcoin_signature;
  if (!again && !may_rewrite(channel)) return;
  channel.remote_node_signature = m.node_signature;
  channel.remote_bitcoin_signature = m.bitcoin_signature;
  if (!again) save(work, channel);
  announce(work, channel);
}

}  // namespace doze::channel
