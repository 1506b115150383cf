// The often-offline recipient: joins a server, asks for paths, serves static invoices, renews them.
#include <algorithm>

#include "crypto/crypto.h"
#include "invoicing/inside.h"
#include "offers/invoice_request.h"

namespace doze::invoicing {
namespace {

constexpr std::uint64_t kSecondsPerBlock = 600;

std::optional<std::string> missing(const Context& context, const NodeId& server) {
  if (!context.views.connected(server))
    return "not connected to the server yet: it is dialled automatically, see listpeers";
  for (const auto& [id, channel] : context.views.channels)
    if (channel.usable) return std::nullopt;
  return "no usable channel yet: the server's operator opens one, or use openchannel; see listchannels";
}

void ask_for_paths(Work& work, SlotRequest& op) {
  auto joined = work.state.joined.find(op.server);
  if (joined == work.state.joined.end()) return;
  op.next_try = after_ms(work.context.mono, kServeRepeatMs);
  Bytes data = Writer().bytes(op.nonce).u16(op.slot).take();
  auto reply =
      message_paths_to_self(work.context, seal(work.context.signer, PathPurpose::OfferPathsReply, data), 1, op.server);
  if (reply.empty()) return;
  work.say(SendOnionMessage{joined->second.paths.front(), onion::OfferPathsRequest{op.slot, op.profile}, reply.front(),
                            true, 0});
}

/// What an invoice made now would say of our channels: the ways that payment_paths_to_self builds on.
Hash32 channels_digest(const Context& context) {
  Writer out;
  for (const auto& [id, channel] : context.views.channels) {
    auto policies = context.views.policies.find(id);
    if (!channel.usable || policies == context.views.policies.end() || !policies->second.remote) continue;
    const auto& remote = *policies->second.remote;
    if (remote.disabled) continue;
    out.bytes(id.view()).u64(channel.remote_alias.value_or(channel.scid.value_or(ShortChannelId(0))).value());
    out.u64(remote.fee_base.value()).u32(remote.fee_proportional_millionths).u32(remote.cltv_expiry_delta.value());
    out.u64(remote.htlc_minimum.value()).u64(remote.htlc_maximum.value());
  }
  return crypto::sha256(out.view());
}

/// Makes and sends the invoice for this offer. False: there is no payment path yet.
bool serve(Work& work, OwnOffer& own) {
  const auto& context = work.context;
  if (!own.serve_path || !context.views.chain_synced) return false;  // its paths end at a height
  offers::StaticInvoiceTerms terms;
  terms.profile = own.profile;
  terms.relative_expiry_s = context.config.static_invoice_expiry_s;
  terms.created_at = std::max(context.wall, after_s(own.invoice_created_at, 1));
  auto expiry = after_s(terms.created_at, terms.relative_expiry_s);
  PaymentContext payment;
  payment.kind = PaymentContext::Kind::StaticInvoice;
  payment.offer_id = own.offer.id();
  payment.expiry = expiry;
  CltvDelta blocks(static_cast<std::uint32_t>(terms.relative_expiry_s / kSecondsPerBlock) + kMaxHoldWindow +
                   kRecipientMargin.value());
  auto paths = payment_paths_to_self(context, seal(context.signer, payment), 2, context.tip + blocks, std::nullopt);
  if (paths.empty()) return false;
  for (auto& path : paths) terms.payment_paths.push_back({std::move(path.path), std::move(path.payinfo)});
  auto held = seal(context.signer, PathPurpose::HeldHtlcAvailable, Writer().u64(expiry.value()).view());
  auto count = own.profile == Profile::Draft ? offers::kMinMessagePathsDraft : std::size_t{1};
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
  own.invoice_created_at = terms.created_at;
  own.outdated = false;
  if (auto channels = channels_digest(context); own.channels != channels) {
    own.channels = channels;
    own.channels_since = terms.created_at;
  }
  work.say(record(own));
  work.say(SendOnionMessage{*own.serve_path,
                            onion::ServeStaticInvoice{invoice->bytes(), std::move(forward.front()), own.profile},
                            std::move(reply.front()), true, 0});
  return true;
}

bool wants_serving(const OwnOffer& own, const Context& context) {
  if (!own.async || own.disabled || own.offer.expired(context.wall)) return false;
  return own.acknowledged.value() == 0 || own.outdated || own.acknowledged < own.channels_since ||
         context.wall >= after_s(own.acknowledged, context.config.static_invoice_expiry_s / kRenewAfterPart);
}

void serve_now(Work& work, OwnOffer& own) {
  bool sent = serve(work, own);
  own.next_serve = after_ms(work.context.mono, sent ? own.serve_wait_ms : 1'000);
  if (sent) own.serve_wait_ms = std::min(own.serve_wait_ms * 2, kServeRepeatMaxMs);
}

/// Nobody pays over a channel that is gone: an invoice that names other channels than there are is replaced.
void check_channels(Work& work, OwnOffer& own) {
  auto now = work.context.mono;
  own.next_check.reset();
  if (!own.async || own.disabled || own.offer.expired(work.context.wall)) return;
  const auto& channels = work.context.views.channels;
  if (std::none_of(channels.begin(), channels.end(), [](const auto& entry) { return entry.second.usable; })) return;
  own.next_check = after_ms(now, kServedCheckMs);
  bool rested = !own.changed_at || after_ms(*own.changed_at, kServedCheckMs) <= now;
  if (own.acknowledged.value() != 0 && !own.channels.is_zero() && own.channels != channels_digest(work.context) &&
      rested) {
    own.outdated = true;
    own.changed_at = now;
  }
  if (wants_serving(own, work.context) && !own.next_serve) own.next_serve = now;
}

void check_soon(Work& work) {
  auto when = after_ms(work.context.mono, kChannelsSettleMs);
  for (auto& [id, own] : work.state.own)
    if (own.async && !own.disabled && (!own.next_check || *own.next_check > when)) own.next_check = when;
}

/// Slots whose server may still have an invoice: it takes none for another offer before that has expired.
bool is_used(const OwnOffer& own, const Context& context) {
  return !own.disabled || (own.invoice_created_at.value() != 0 &&
                           context.wall <= after_s(own.invoice_created_at, context.config.static_invoice_expiry_s));
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
                       "this is no invitation (lnai1… or hex): " + doze::describe(invitation.error()));
  if (invitation->expired(work.context.wall))
    return work.refuse(request, CommandErrorCode::Expired,
                       "the invitation has expired: ask the server's operator for a new one");
  // LDK shortens the introduction node of its raw form to a channel's end where it can.
  if (!invitation->server)
    invitation->server = work.context.views.graph.resolve(invitation->paths.front().first_node_id);
  if (!invitation->server)
    return work.refuse(request, CommandErrorCode::NotReady,
                       "the invitation names its server by a channel that we do not know yet: connect to it, or wait "
                       "until its announcements have come");
  if (*invitation->server == work.context.signer.node_id())
    return work.refuse(request, CommandErrorCode::BadRequest, "this is our own invitation: give it to the recipient");
  Joined joined{*invitation->server, invitation->addresses, invitation->paths,
                invitation->profile, invitation->token,     work.context.wall};
  work.say(record(joined));
  work.say(WantPeer{joined.server, joined.addresses, true});
  auto lacking = missing(work.context, joined.server);
  Value reply;
  reply.set("server", joined.server.hex()).set("profile", name(joined.profile)).set("ready", !lacking);
  if (lacking) reply.set("missing", *lacking);
  work.say(Reply{request, std::move(reply)});
  work.state.joined.insert_or_assign(joined.server, std::move(joined));
}

void create_async_offer(Work& work, RequestId request, const command::CreateOffer& command) {
  if (work.state.joined.empty())
    return work.refuse(request, CommandErrorCode::NotReady,
                       "no server has invited us: run asyncjoin with a link of your LSP (asyncinvite prints it there)");
  if (command.description.size() > kMaxAsyncDescriptionBytes)
    return work.refuse(request, CommandErrorCode::BadRequest,
                       "the description has " + std::to_string(command.description.size()) +
                           " bytes: an async offer has room for " + std::to_string(kMaxAsyncDescriptionBytes));
  const auto* joined = &work.state.joined.begin()->second;
  std::optional<std::string> lacking;
  for (const auto& [id, candidate] : work.state.joined) {
    lacking = missing(work.context, id);
    joined = &candidate;
    if (!lacking) break;
  }
  if (lacking) return work.refuse(request, CommandErrorCode::NotReady, *lacking);
  auto slot = free_slot(work.state, work.context, joined->server);
  if (slot >= kSlotsPerRecipient)
    return work.refuse(request, CommandErrorCode::Limit,
                       "all " + std::to_string(kSlotsPerRecipient) +
                           " slots at the server are used: one is free again when its offer is disabled and "
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

void on_offer_paths(Work& work, const OnionMessageReceived& word, const onion::OfferPaths& message, ByteView data) {
  Reader in(data);
  auto nonce = in.array<16>();
  auto slot = in.u16();
  if (!in.done() || !word.reply_path || message.paths.empty()) return;
  auto op = std::find_if(work.state.slot_requests.begin(), work.state.slot_requests.end(),
                         [&](const auto& candidate) { return candidate.nonce == nonce && candidate.slot == slot; });
  if (op == work.state.slot_requests.end() || op->offer) return;
  auto give_up = [&](std::string why) {
    work.refuse(op->request, CommandErrorCode::BadRequest, std::move(why));
    work.state.slot_requests.erase(op);
  };
  auto terms = terms_of(work.context, op->command);
  terms.paths = {message.paths.front()};
  if (message.paths_absolute_expiry &&
      (!terms.absolute_expiry || *terms.absolute_expiry > *message.paths_absolute_expiry))
    terms.absolute_expiry = message.paths_absolute_expiry;
  terms.issuer_id = crypto::public_key(issuer_key(work.context.signer, nonce));
  auto offer = offers::Offer::make(terms);
  if (!offer) return give_up("no valid offer: " + doze::describe(offer.error()));
  if (auto size = request_size(*offer, work.context.config); size > kMaxAsyncRequestBytes)
    return give_up("the offer is " + std::to_string(size - kMaxAsyncRequestBytes) +
                   " bytes too long for a payment onion: shorten the description or the issuer");
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
  auto& kept = work.state.own.emplace(own.offer.id(), std::move(own)).first->second;
  refresh_views(work.state);
  serve_now(work, kept);
}

void on_persisted(Work& work, ByteView data) {
  Reader in(data);
  OfferId id;
  id.bytes = in.array<32>();
  UnixTime created(in.u64());
  auto it = work.state.own.find(id);
  if (!in.done() || it == work.state.own.end()) return;
  auto& own = it->second;
  if (created > own.acknowledged) {
    own.acknowledged = created;
    work.say(record(own));
  }
  own.serve_wait_ms = kServeRepeatMs;
  if (!wants_serving(own, work.context)) own.next_serve.reset();
  if (!own.next_check) own.next_check = after_ms(work.context.mono, kServedCheckMs);
  work.notify(Severity::Info, "static_invoice_persisted", {{"offer_id", id.hex()}, {"created_at", created.value()}});
  std::erase_if(work.state.slot_requests, [&](const auto& op) {
    if (op.offer != id) return false;
    work.say(Reply{op.request, describe(own)});
    return true;
  });
}

void recipient_started(Work& work) {
  for (const auto& [id, joined] : work.state.joined) work.say(WantPeer{id, joined.addresses, true});
}

void recipient_on_usable(Work& work) {
  for (auto& [id, own] : work.state.own)
    if (wants_serving(own, work.context) && !own.next_serve) own.next_serve = work.context.mono;
  check_soon(work);
  recipient_deadlines(work);
}

void recipient_on_unusable(Work& work) {
  check_soon(work);
}

void recipient_deadlines(Work& work) {
  auto now = work.context.mono;
  for (auto& [id, own] : work.state.own) {
    if (own.next_check && *own.next_check <= now) check_channels(work, own);
    if (!own.next_serve || *own.next_serve > now) continue;
    if (wants_serving(own, work.context))
      serve_now(work, own);
    else
      own.next_serve.reset();
  }
  std::erase_if(work.state.slot_requests, [&](auto& op) {
    if (op.give_up <= now) {
      work.refuse(
          op.request, CommandErrorCode::NotReady,
          op.offer ? "the server has not acknowledged the invoice yet: it is sent again until it does, see listoffers"
                   : "the server does not answer: is the invitation still valid?");
      return true;
    }
    if (!op.offer && op.next_try <= now) ask_for_paths(work, op);
    return false;
  });
}

}  // namespace doze::invoicing
