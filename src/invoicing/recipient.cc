#include "invoicing/recipient.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "invoicing/describe.h"
#include "invoicing/issuer.h"
#include "invoicing/records.h"
#include "invoicing/tables.h"
#include "offers/invitation.h"
#include "offers/invoice_request.h"
#include "paths/own_paths.h"

namespace doze::invoicing {
namespace {

constexpr std::uint64_t kSecondsPerBlock = 600;

std::optional<std::string> missing(const Context& context, const NodeId& server) {
  if (!context.views.connected(server))
    return "not connected to the server yet: this node dials it automatically, see listpeers";
  if (context.views.channel_index.usable() != 0) return std::nullopt;
  return "no usable channel yet: the server's operator opens one, or use openchannel; see listchannels";
}

void ask_for_paths(Work& work, const NodeId& server, const Nonce& nonce, std::uint16_t slot, Profile profile) {
  auto joined = work.state.joined.find(server);
  if (joined == work.state.joined.end()) return;
  Bytes data = Writer().bytes(nonce).u16(slot).take();
  auto reply =
      message_paths_to_self(work.context, seal(work.context.signer, PathPurpose::OfferPathsReply, data), 1, server);
  if (reply.empty()) return;
  work.say(
      SendOnionMessage{joined->second.paths.front(), onion::OfferPathsRequest{slot, profile}, reply.front(), true, 0});
}

void ask_for_paths(Work& work, SlotRequest& op) {
  op.next_try = after_ms(work.context.mono, kServeRepeatMs);
  ask_for_paths(work, op.server, op.nonce, op.slot, op.profile);
}

void ask_to_join(Work& work, JoinRequest& joining) {
  bool connected = work.context.views.connected(joining.server);
  joining.next_try = after_ms(work.context.mono, connected ? kServeRepeatMs : 1'000);
  auto joined = work.state.joined.find(joining.server);
  if (connected && joined != work.state.joined.end())
    ask_for_paths(work, joining.server, joining.nonce, 0, joined->second.profile);
}

Hash32 policy_digest(const ChannelView& channel, const ChannelPolicy& remote) {
  Writer out;
  out.u64(channel.remote_alias.value_or(channel.scid.value_or(ShortChannelId(0))).value());
  out.u64(remote.fee_base.value()).u32(remote.fee_proportional_millionths).u32(remote.cltv_expiry_delta.value());
  out.u64(remote.htlc_minimum.value()).u64(remote.htlc_maximum.value());
  return crypto::sha256(out.view());
}

/// The channel's policy that an invoice would name; nullptr: it would not name the channel now.
const ChannelPolicy* payable_over(const Context& context, const ChannelView& channel) {
  auto policies = context.views.policies.find(channel.channel_id);
  if (!channel.usable || policies == context.views.policies.end()) return nullptr;
  const auto& remote = policies->second.remote;
  return remote && !remote->disabled ? &*remote : nullptr;
}

constexpr std::size_t kPathsPerInvoice = 2;

/// The channels that payment_paths_to_self takes.
std::vector<NamedChannel> named_now(const Context& context) {
  std::vector<NamedChannel> out;
  for (const auto& [id, channel] : context.views.channels)
    if (const auto* policy = payable_over(context, channel); policy != nullptr && out.size() < kPathsPerInvoice)
      out.push_back({id, policy_digest(channel, *policy)});
  return out;
}

/// What the newest invoice says of a channel that is there is not so any more: its payers pay too little, or ask the
/// wrong hop.
bool names_old_policies(const Context& context, const OwnOffer& own) {
  return std::any_of(own.named.begin(), own.named.end(), [&](const NamedChannel& named) {
    const auto* channel = context.views.channel(named.channel_id);
    const auto* policy = channel == nullptr ? nullptr : payable_over(context, *channel);
    return policy != nullptr && policy_digest(*channel, *policy) != named.policy;
  });
}
/// It names a channel that does not come back.
bool names_gone_channel(const Context& context, const OwnOffer& own) {
  return std::any_of(own.named.begin(), own.named.end(), [&](const NamedChannel& named) {
    const auto* channel = context.views.channel(named.channel_id);
    return channel == nullptr || channel->phase > ChannelPhase::Normal;
  });
}

/// What an invoice made now would say about our channels: the input of payment_paths_to_self.
Hash32 channels_digest(const Context& context) {
  Writer out;
  for (const auto& [id, channel] : context.views.channels)
    if (const auto* policy = payable_over(context, channel))
      out.bytes(id.view()).bytes(policy_digest(channel, *policy).view());
  return crypto::sha256(out.view());
}

/// The invoice with the paths that its server needs; `terms` has its times and payment paths. False: no path to the
/// server.
bool send_to_server(Work& work, OwnOffer& own, offers::StaticInvoiceTerms terms) {
  const auto& context = work.context;
  auto held = seal(
      context.signer, PathPurpose::HeldHtlcAvailable,
      Writer().u64(after_s(terms.created_at, terms.relative_expiry_s).value()).bytes(own.offer.id().view()).view());
  auto count = own.profile == Profile::Draft ? offers::kMinMessagePathsDraft : std::size_t{1};
  terms.profile = own.profile;
  terms.message_paths = message_paths_to_self(context, held, count, own.server);
  auto forward =
      message_paths_to_self(context, seal(context.signer, PathPurpose::ForwardedRequest, own.nonce), 1, own.server);
  Bytes persisted = Writer().bytes(own.offer.id().view()).u64(terms.created_at.value()).take();
  auto reply =
      message_paths_to_self(context, seal(context.signer, PathPurpose::PersistedReply, persisted), 1, own.server);
  if (terms.message_paths.empty() || forward.empty() || reply.empty()) return false;
  terms.node_key = issuer_key(context.signer, own.nonce);
  auto invoice = offers::StaticInvoice::make(own.offer, terms);
  if (!invoice) {
    work.notify(Severity::Error, "static_invoice_not_made", {{"reason", doze::describe(invoice.error())}});
    return false;
  }
  work.say(SendOnionMessage{*own.serve_path,
                            onion::ServeStaticInvoice{invoice->bytes(), std::move(forward.front()), own.profile},
                            std::move(reply.front()), true, 0});
  return true;
}

/// Makes and sends the invoice for this offer. False: there is no payment path yet.
bool serve(Work& work, OwnOffer& own) {
  const auto& context = work.context;
  if (!own.serve_path || !context.views.chain_synced) return false;  // its paths end at a height
  offers::StaticInvoiceTerms terms;
  terms.relative_expiry_s = context.config.static_invoice_expiry_s;
  terms.created_at = std::max(context.wall, after_s(own.invoice_created_at, 1));
  PaymentContext payment;
  payment.kind = PaymentContext::Kind::StaticInvoice;
  payment.offer_id = own.offer.id();
  payment.expiry = after_s(terms.created_at, terms.relative_expiry_s);
  CltvDelta blocks(static_cast<std::uint32_t>(terms.relative_expiry_s / kSecondsPerBlock) + kMaxHoldWindow +
                   kRecipientMargin.value());
  auto paths = payment_paths_to_self(context, seal(context.signer, payment), kPathsPerInvoice, context.tip + blocks,
                                     std::nullopt);
  if (paths.empty()) return false;
  for (auto& path : paths) terms.payment_paths.push_back({std::move(path.path), std::move(path.payinfo)});
  if (!send_to_server(work, own, terms)) return false;
  own.invoice_created_at = terms.created_at;
  own.outdated = false;
  own.named = named_now(context);
  if (auto channels = channels_digest(context); own.channels != channels) {
    own.channels = channels;
    own.channels_since = terms.created_at;
  }
  work.say(record(own));
  return true;
}

/// Overwrites the offer's slot with an unpayable invoice: any server accepts it as a newer one, and no message exists
/// that removes an invoice. False: no path to the server.
bool serve_withdrawal(Work& work, OwnOffer& own) {
  offers::StaticInvoiceTerms terms;
  terms.relative_expiry_s = kWithdrawnLifeS;
  terms.created_at = std::max({work.context.wall, after_s(own.invoice_created_at, 1), after_s(own.withdrawal, 1)});
  // No amount fits between its least and its most, and no channel need be there to make it.
  auto paths = message_paths_to_self(work.context, seal(work.context.signer, PaymentContext{}), 1, own.server);
  if (paths.empty()) return false;
  wire::BlindedPayInfo nothing;
  nothing.htlc_minimum_msat = Msat::max_money();
  terms.payment_paths.push_back({std::move(paths.front()), nothing});
  if (!send_to_server(work, own, terms)) return false;
  own.withdrawal = terms.created_at;
  work.say(record(own));
  return true;
}

bool wants_serving(const OwnOffer& own, const Context& context) {
  if (!own.async || own.disabled || own.offer.expired(context.wall)) return false;
  return own.acknowledged.value() == 0 || own.outdated || own.acknowledged < own.channels_since ||
         context.wall >= after_s(own.acknowledged, context.config.static_invoice_expiry_s / kRenewAfterPart);
}

void serve_now(Work& work, OwnOffer& own) {
  bool sent = own.disabled ? serve_withdrawal(work, own) : serve(work, own);
  own.next_serve = after_ms(work.context.mono, sent ? own.serve_wait_ms : 1'000);
  if (sent) own.serve_wait_ms = std::min(own.serve_wait_ms * 2, kServeRepeatMaxMs);
}

/// A closed channel cannot carry a payment: an invoice whose channels differ from ours is replaced.
void check_channels(Work& work, OwnOffer& own) {
  auto now = work.context.mono;
  own.next_check.reset();
  if (!own.async || own.disabled || own.offer.expired(work.context.wall)) return;
  if (work.context.views.channel_index.usable() == 0) return;
  bool settled = own.settled_at <= now;
  own.next_check = settled ? after_ms(now, kServedCheckMs) : own.settled_at;
  bool rested = !own.changed_at || after_ms(*own.changed_at, kServedCheckMs) <= now;
  bool changed = names_old_policies(work.context, own) ||
                 (settled && !own.channels.is_zero() && own.channels != channels_digest(work.context));
  if (own.acknowledged.value() != 0 && ((changed && rested) || names_gone_channel(work.context, own))) {
    own.outdated = true;
    own.changed_at = now;
  }
  if (wants_serving(own, work.context) && !own.next_serve) own.next_serve = now;
}

void check_soon(Work& work) {
  auto when = after_ms(work.context.mono, kChannelsSettleMs);
  for (auto& [id, own] : work.state.own) {
    if (!own.async || own.disabled) continue;
    own.settled_at = when;
    if (!own.next_check || *own.next_check > when) own.next_check = when;
  }
}

/// Slots whose server may still have an invoice: it takes none for another offer before that has expired.
bool is_used(const OwnOffer& own, const Context& context) {
  if (!own.disabled) return true;
  if (own.withdrawn.value() != 0) return context.wall <= after_s(own.withdrawn, kWithdrawnLifeS);
  return own.invoice_created_at.value() != 0 &&
         context.wall <= after_s(own.invoice_created_at, context.config.static_invoice_expiry_s);
}

std::uint16_t free_slot(const Invoicing::Inside& state, const Context& context, const NodeId& server) {
  std::set<std::uint16_t> used;
  for (const auto& [id, own] : state.own)
    if (own.async && own.server == server && is_used(own, context)) used.insert(own.slot);
  for (const auto& op : state.slot_requests)
    if (op.server == server) used.insert(op.slot);
  std::uint16_t slot = 0;
  while (used.contains(slot)) ++slot;
  return slot;
}

/// Bytes of a request for this offer, as a payer with our own habits would make it.
std::size_t request_size(const offers::Offer& offer, const Config& config) {
  offers::RequestTerms terms;
  terms.metadata = Bytes(16);
  terms.chain = wire::chain_hash(config.network);
  terms.amount = Msat::max_money();
  auto key = crypto::parse_private_key(Bytes(32, 1));
  LN_ASSERT(key.has_value());
  terms.payer_key = *key;
  auto request = offers::InvoiceRequest::make(offer, terms);
  return request ? request->bytes().size() : 0;
}

}  // namespace

void join(Work& work, RequestId request, const command::AsyncJoin& command) {
  auto invitation = offers::Invitation::parse(command.link);
  if (!invitation)
    return work.refuse(request, CommandErrorCode::BadRequest,
                       "link: expected an invitation (lnai1… or hex): " + doze::describe(invitation.error()));
  if (invitation->expired(work.context.wall))
    return work.refuse(request, CommandErrorCode::Expired,
                       "the invitation has expired: ask the server's operator for a new one");
  // LDK shortens the introduction node of its raw form to a channel's end where it can.
  if (!invitation->server)
    invitation->server = work.context.views.graph.resolve(invitation->paths.front().first_node_id);
  if (!invitation->server)
    return work.refuse(request, CommandErrorCode::NotReady,
                       "the invitation names its server by a channel that this node does not know yet: connect to the "
                       "server, or wait until its announcements have arrived");
  if (*invitation->server == work.context.signer.node_id())
    return work.refuse(request, CommandErrorCode::BadRequest,
                       "link: this is our own invitation: give it to the recipient");
  Joined joined{*invitation->server,
                invitation->addresses,
                invitation->paths,
                invitation->profile,
                invitation->token,
                work.context.wall,
                false};
  work.say(record(joined));
  work.say(WantPeer{joined.server, joined.addresses, true});
  JoinRequest joining;
  joining.request = request;
  joining.server = joined.server;
  work.context.rng.fill(joining.nonce);
  joining.give_up = after_ms(work.context.mono, kServerWordMs);
  if (auto before = work.state.joined.find(joined.server); before != work.state.joined.end())
    joining.before = before->second;
  work.state.joined.insert_or_assign(joined.server, std::move(joined));
  ask_to_join(work, joining);
  work.state.join_requests.push_back(std::move(joining));
}

namespace {
/// `confirmed`: the server has taken the invitation.
void answer_join(Work& work, const JoinRequest& joining, bool confirmed) {
  auto lacking = missing(work.context, joining.server);
  if (!lacking && !confirmed)
    lacking = "the server has not confirmed the invitation yet: createoffer --async shows whether it does";
  Value reply;
  reply.set("server", joining.server.hex())
      .set("profile", name(work.state.joined.at(joining.server).profile))
      .set("confirmed", confirmed)
      .set("ready", !lacking);
  if (lacking) reply.set("missing", *lacking);
  work.say(Reply{joining.request, std::move(reply)});
}

bool reads_context(ByteView data, Nonce& nonce, std::uint16_t& slot) {
  Reader in(data);
  nonce = in.array<16>();
  slot = in.u16();
  return in.done();
}

/// The server is forgotten when the last offer there is withdrawn.
void finish_leaving(Work& work, const NodeId& server) {
  auto joined = work.state.joined.find(server);
  if (joined == work.state.joined.end() || !joined->second.left) return;
  for (const auto& [id, own] : work.state.own)
    if (own.async && own.server == server && wants_withdrawal(own, work.context)) return;
  work.say(Erase{Table::Joined, to_bytes(server.view())});
  work.state.joined.erase(joined);
  work.notify(Severity::Info, "server_left", {{"server", server.hex()}});
}

void answer_withdrawal(Work& work, const WithdrawRequest& waiting) {
  if (waiting.left) {
    std::uint64_t open = 0;
    for (const auto& id : waiting.offers)
      if (wants_withdrawal(work.state.own.at(id), work.context)) ++open;
    Value reply;
    reply.set("server", waiting.left->hex())
        .set("status", open == 0 ? "left" : "leaving")
        .set("offers_disabled", std::uint64_t{waiting.offers.size()})
        .set("offers_not_withdrawn_yet", open);
    if (open != 0)
      reply.set("message",
                "the server does not know yet and may still send payers to these offers: it is told as soon as it can "
                "be reached");
    return work.say(Reply{waiting.request, std::move(reply)});
  }
  for (const auto& id : waiting.offers) work.say(Reply{waiting.request, describe(work.state.own.at(id), work.context)});
}
}  // namespace

void on_paths_refused(Work& work, ByteView data, const std::string& why) {
  Nonce nonce{};
  std::uint16_t slot = 0;
  if (!reads_context(data, nonce, slot)) return;
  auto refused = [&](RequestId request) {
    work.refuse(request, CommandErrorCode::Refused, "the server refuses: " + why);
    return true;
  };
  std::erase_if(work.state.slot_requests,
                [&](const auto& op) { return op.nonce == nonce && !op.offer && refused(op.request); });
  std::erase_if(work.state.join_requests, [&](const JoinRequest& joining) {
    if (joining.nonce != nonce) return false;
    // As if it had not been tried: an older invitation of the same server goes on.
    if (joining.before) {
      work.say(record(*joining.before));
      work.state.joined.insert_or_assign(joining.server, *joining.before);
    } else {
      work.say(Erase{Table::Joined, to_bytes(joining.server.view())});
      work.state.joined.erase(joining.server);
    }
    return refused(joining.request);
  });
}

bool wants_withdrawal(const OwnOffer& own, const Context& context) {
  if (!own.async || !own.disabled || !own.serve_path || own.withdrawn.value() != 0) return false;
  return own.invoice_created_at.value() != 0 && !own.offer.expired(context.wall) &&
         context.wall <= after_s(own.invoice_created_at, context.config.static_invoice_expiry_s);
}

void withdraw(Work& work, OwnOffer& own) {
  own.disabled = true;
  own.next_serve.reset();
  own.next_check.reset();
  own.serve_wait_ms = kServeRepeatMs;
  work.say(record(own));
  // createoffer may still wait for the acknowledgement of an invoice that is not wanted any more.
  std::erase_if(work.state.slot_requests, [&](const auto& op) {
    if (op.offer != own.offer.id()) return false;
    work.refuse(op.request, CommandErrorCode::Refused, "the offer was disabled");
    return true;
  });
  if (wants_withdrawal(own, work.context)) serve_now(work, own);
}

void leave(Work& work, RequestId request, const command::AsyncLeave& command) {
  auto joined = work.state.joined.find(command.server);
  if (joined == work.state.joined.end())
    return work.refuse(request, CommandErrorCode::NotFound, "server: no such server: see liststaticinvoices");
  joined->second.left = true;
  work.say(record(joined->second));
  WithdrawRequest waiting{request, {}, command.server, after_ms(work.context.mono, kServerWordMs)};
  bool open = false;
  for (auto& [id, own] : work.state.own) {
    if (!own.async || own.server != command.server) continue;
    if (!own.disabled) {
      withdraw(work, own);
      waiting.offers.insert(id);
    }
    open = open || wants_withdrawal(own, work.context);
  }
  refresh_views(work.state);
  finish_leaving(work, command.server);
  if (!open || !work.context.views.connected(command.server)) return answer_withdrawal(work, waiting);
  work.state.withdraw_requests.push_back(std::move(waiting));
}

void create_async_offer(Work& work, RequestId request, const command::CreateOffer& command) {
  const auto& servers = work.state.joined;
  if (std::all_of(servers.begin(), servers.end(), [](const auto& entry) { return entry.second.left; }))
    return work.refuse(
        request, CommandErrorCode::NotReady,
        "this node has not joined a server: run asyncjoin with a link of your LSP (asyncinvite prints it there)");
  if (command.description.size() > kMaxAsyncDescriptionBytes)
    return work.refuse(request, CommandErrorCode::BadRequest,
                       "description: expected at most " + std::to_string(kMaxAsyncDescriptionBytes) +
                           " bytes for an async offer, not " + std::to_string(command.description.size()));
  const Joined* joined = nullptr;
  std::optional<std::string> lacking;
  for (const auto& [id, candidate] : servers) {
    if (candidate.left) continue;
    lacking = missing(work.context, id);
    joined = &candidate;
    if (!lacking) break;
  }
  if (lacking) return work.refuse(request, CommandErrorCode::NotReady, *lacking);
  auto slot = free_slot(work.state, work.context, joined->server);
  if (slot >= kSlotsPerRecipient)
    return work.refuse(request, CommandErrorCode::Limit,
                       "all " + std::to_string(kSlotsPerRecipient) +
                           " slots at the server are used: a slot becomes free when its offer is disabled and "
                           "the offer's last static invoice has expired");
  SlotRequest op;
  op.request = request;
  op.command = command;
  op.profile = command.profile.value_or(joined->profile);
  op.server = joined->server;
  op.slot = slot;
  work.context.rng.fill(op.nonce);
  op.give_up = after_ms(work.context.mono, kServeWaitMs);
  ask_for_paths(work, op);
  work.state.slot_requests.push_back(std::move(op));
}

namespace {
/// The first one that an offer may contain.
const wire::BlindedPath* usable_path(const Context& context, const std::vector<wire::BlindedPath>& paths) {
  for (const auto& path : paths) {
    auto first = context.views.graph.resolve(path.first_node_id);
    if (const auto* named = std::get_if<NodeId>(&path.first_node_id)) first = *named;
    if (first != context.signer.node_id() && offers::on_the_curve(path)) return &path;
  }
  return nullptr;
}
}  // namespace

void on_offer_paths(Work& work, const OnionMessageReceived& word, const onion::OfferPaths& message, ByteView data) {
  Nonce nonce{};
  std::uint16_t slot = 0;
  if (!reads_context(data, nonce, slot) || !word.reply_path || message.paths.empty()) return;
  std::erase_if(work.state.join_requests, [&](const JoinRequest& joining) {
    if (joining.nonce != nonce) return false;
    answer_join(work, joining, true);
    return true;
  });
  auto op = std::find_if(work.state.slot_requests.begin(), work.state.slot_requests.end(),
                         [&](const auto& candidate) { return candidate.nonce == nonce && candidate.slot == slot; });
  if (op == work.state.slot_requests.end() || op->offer) return;
  auto give_up = [&](std::string why) {
    work.refuse(op->request, CommandErrorCode::BadRequest, std::move(why));
    work.state.slot_requests.erase(op);
  };
  auto terms = terms_of(work.context, op->command);
  auto path = usable_path(work.context, message.paths);
  if (path == nullptr)
    return give_up(
        "the server's paths begin at this node, which the offer would then name, or their keys are not valid points");
  terms.paths = {*path};  // [AP-offer-01]
  const auto& until = message.paths_absolute_expiry;
  if (until && *until < after_s(work.context.wall, kLeastOfferLifeS))
    return give_up("the server's paths end at " + time_text(*until) + ": the offer would expire before it can be used");
  if (until && (!terms.absolute_expiry || *terms.absolute_expiry > *until)) terms.absolute_expiry = until;
  terms.issuer_id = crypto::public_key(issuer_key(work.context.signer, nonce));
  auto offer = offers::Offer::make(terms);
  if (!offer) return give_up("not a valid offer: " + doze::describe(offer.error()));
  if (auto size = request_size(*offer, work.context.config); size > kMaxAsyncRequestBytes)
    return give_up("the offer is " + std::to_string(size - kMaxAsyncRequestBytes) +
                   " bytes too long for a payment onion: shorten description or issuer");
  OwnOffer own{*std::move(offer)};
  own.nonce = nonce;
  own.async = true;
  own.created_at = work.context.wall;
  own.profile = op->profile;
  own.server = op->server;
  own.slot = slot;
  own.serve_path = word.reply_path;
  op->offer = own.offer.id();
  work.say(record(own));
  auto& kept = add(work.state, std::move(own));
  refresh_views(work.state);
  serve_now(work, kept);
}

namespace {
/// The server has an invoice of a disabled offer: if it is the unpayable one, the withdrawal is done.
void on_withdrawn(Work& work, OwnOffer& own, UnixTime created) {
  if (own.withdrawal.value() == 0 || created < own.withdrawal || own.withdrawn.value() != 0) return;
  own.withdrawn = created;
  own.next_serve.reset();
  work.say(record(own));
  work.notify(Severity::Info, "offer_withdrawn", {{"offer_id", own.offer.id().hex()}, {"server", own.server.hex()}});
  std::erase_if(work.state.withdraw_requests, [&](const WithdrawRequest& waiting) {
    for (const auto& id : waiting.offers)
      if (wants_withdrawal(work.state.own.at(id), work.context)) return false;
    answer_withdrawal(work, waiting);
    return true;
  });
  finish_leaving(work, own.server);
}
}  // namespace

void on_persisted(Work& work, ByteView data) {
  Reader in(data);
  OfferId id;
  id.bytes = in.array<32>();
  UnixTime created(in.u64());
  auto it = work.state.own.find(id);
  if (!in.done() || it == work.state.own.end()) return;
  auto& own = it->second;
  own.serve_wait_ms = kServeRepeatMs;
  if (own.disabled) return on_withdrawn(work, own, created);
  if (created > own.acknowledged) {
    own.acknowledged = created;
    work.say(record(own));
  }
  if (!wants_serving(own, work.context)) own.next_serve.reset();
  if (!own.next_check) own.next_check = after_ms(work.context.mono, kServedCheckMs);
  work.notify(Severity::Info, "static_invoice_persisted", {{"offer_id", id.hex()}, {"created_at", created.value()}});
  std::erase_if(work.state.slot_requests, [&](const auto& op) {
    if (op.offer != id) return false;
    work.say(Reply{op.request, describe(own, work.context)});
    return true;
  });
}

void recipient_started(Work& work) {
  for (const auto& [id, joined] : work.state.joined) work.say(WantPeer{id, joined.addresses, true});
}

void recipient_on_peer(Work& work, const NodeId& peer) {
  // A server needs no channel to be told.
  for (auto& [id, own] : work.state.own)
    if (own.server == peer && wants_withdrawal(own, work.context) && !own.next_serve)
      own.next_serve = work.context.mono;
}

void recipient_on_usable(Work& work) {
  auto soon = after_ms(work.context.mono, kUpdatesSettleMs);
  check_soon(work);
  for (auto& [id, own] : work.state.own) {
    check_channels(work, own);
    if (own.next_check && *own.next_check > soon) own.next_check = soon;
    bool wanted = own.disabled ? wants_withdrawal(own, work.context) : wants_serving(own, work.context);
    if (wanted && !own.next_serve) own.next_serve = work.context.mono;
  }
  recipient_deadlines(work);
}

void recipient_on_unusable(Work& work) {
  check_soon(work);
  for (auto& [id, own] : work.state.own)
    if (names_gone_channel(work.context, own)) check_channels(work, own);
  recipient_deadlines(work);
}

void recipient_deadlines(Work& work) {
  auto now = work.context.mono;
  for (const auto& [made, id] : work.state.async_by_time) {  // others have no server
    auto& own = work.state.own.at(id);
    if (own.next_check && *own.next_check <= now) check_channels(work, own);
    if (!own.next_serve || *own.next_serve > now) continue;
    if (own.disabled ? wants_withdrawal(own, work.context) : wants_serving(own, work.context))
      serve_now(work, own);
    else
      own.next_serve.reset();
  }
  std::erase_if(work.state.join_requests, [&](JoinRequest& joining) {
    if (joining.give_up <= now) {
      answer_join(work, joining, false);
      return true;
    }
    if (joining.next_try <= now) ask_to_join(work, joining);
    return false;
  });
  std::erase_if(work.state.withdraw_requests, [&](const WithdrawRequest& waiting) {
    if (waiting.give_up > now) return false;
    answer_withdrawal(work, waiting);
    return true;
  });
  std::erase_if(work.state.slot_requests, [&](auto& op) {
    if (op.give_up <= now) {
      work.refuse(op.request, CommandErrorCode::NotReady,
                  op.offer ? "the server has not acknowledged the invoice yet: it is sent again until the server does, "
                             "see listoffers"
                           : "the server does not answer: maybe the invitation is no longer valid");
      return true;
    }
    if (!op.offer && op.next_try <= now) ask_for_paths(work, op);
    return false;
  });
}

}  // namespace doze::invoicing
