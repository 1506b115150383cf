#include "invoicing/server.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "invoicing/answers.h"
#include "invoicing/records.h"
#include "invoicing/tables.h"
#include "offers/invitation.h"
#include "offers/invoice_error.h"
#include "offers/invoice_request.h"
#include "paths/own_paths.h"

namespace doze::invoicing {
namespace {

/// What our paths for one slot carry: invitation, slot, expiry.
Bytes slot_context(const SlotKey& key, UnixTime expiry) {
  return Writer().bytes(key.invitation).u16(key.slot).u64(expiry.value()).take();
}

/// The slot, if its invitation is alive and the path has not expired.
std::optional<SlotKey> read_slot_context(const Work& work, ByteView data) {
  Reader in(data);
  SlotKey key{in.array<16>(), in.u16()};
  UnixTime expiry(in.u64());
  if (!in.done() || work.context.wall > expiry) return std::nullopt;
  auto invitation = work.state.invitations.find(key.invitation);
  if (invitation == work.state.invitations.end() || invitation->second.revoked) return std::nullopt;
  return key;
}

/// Connected with a channel that can be paid over: awake, as far as we can see.
bool online(const Context& context, const Invited& invitation) {
  if (!invitation.recipient || !context.views.connected(*invitation.recipient)) return false;
  return context.views.any_channel_with(*invitation.recipient,
                                        [](const ChannelView& channel) { return channel.usable; });
}

}  // namespace

void invite(Work& work, RequestId request, const command::AsyncInvite& command) {
  const auto& context = work.context;
  if (context.config.role != Role::Server)
    return work.refuse(request, CommandErrorCode::Refused,
                       "only a server can invite: set role = \"server\" in doze.toml and restart");
  if (work.state.invitations.size() >= kMaxInvitations)
    return work.refuse(request, CommandErrorCode::Limit,
                       "there are already " + std::to_string(kMaxInvitations) + " invitations, which is the limit");
  Invited invitation;
  context.rng.fill(invitation.id);
  invitation.label = command.label;
  invitation.profile = command.profile.value_or(context.config.recipient_profile);
  invitation.created_at = context.wall;
  if (command.expiry_s) invitation.expires_at = after_s(context.wall, *command.expiry_s);
  offers::Invitation link;
  link.server = context.signer.node_id();
  link.addresses = context.config.announced_addresses;
  link.paths = message_paths_to_self(context, seal(context.signer, PathPurpose::ServerPath, invitation.id), 1);
  if (link.paths.empty())
    return work.refuse(request, CommandErrorCode::Internal, "cannot make a blinded path to this node");
  link.profile = invitation.profile;
  link.absolute_expiry = invitation.expires_at;
  link.token = to_bytes(ByteView(invitation.id));
  work.say(record(invitation));
  Value reply;
  reply.set("id", to_hex(invitation.id)).set("label", invitation.label).set("profile", name(invitation.profile));
  reply.set("link", command.raw ? link.raw_text() : link.text());
  work.say(Reply{request, std::move(reply)});
  add(work.state, std::move(invitation));
}

void revoke(Work& work, RequestId request, const command::RevokeInvitation& command) {
  auto bytes = from_hex(command.id);
  Nonce id{};
  if (bytes && bytes->size() == id.size()) std::copy(bytes->begin(), bytes->end(), id.begin());
  auto it = work.state.invitations.find(id);
  if (!bytes || bytes->size() != id.size() || it == work.state.invitations.end())
    return work.refuse(request, CommandErrorCode::NotFound, "id: no such invitation: see listinvitations");
  it->second.revoked = true;
  work.say(record(it->second));
  std::uint64_t slots = 0;
  for (SlotKey key{id, 0}; key.slot < kSlotsPerRecipient; ++key.slot) {
    if (work.state.served.find(key) == work.state.served.end()) continue;
    erase(work.state, key);
    work.say(Erase{Table::StaticInvoice, key_of(key)});
    ++slots;
  }
  refresh_views(work.state);
  work.say(Reply{request, Value().set("id", to_hex(id)).set("revoked", true).set("slots_ended", slots)});
}

void on_offer_paths_request(Work& work, const OnionMessageReceived& word, const onion::OfferPathsRequest& message,
                            ByteView data) {
  const auto& context = work.context;
  if (!word.reply_path || data.size() != 16) return;
  Nonce id{};
  std::copy(data.begin(), data.end(), id.begin());
  auto it = work.state.invitations.find(id);
  if (it == work.state.invitations.end()) return;
  auto& invitation = it->second;
  auto ignore = [&](const char* why) {
    work.notify(Severity::Warning, "offer_paths_refused",
                {{"invitation", to_hex(id)}, {"from", word.from.hex()}, {"reason", why}});
    // No draft has a word for it. LDK passes over an invoice_error that comes here; a Doze client tells its user.
    work.say(SendOnionMessage{*word.reply_path,
                              onion::InvoiceError{offers::InvoiceError{{}, {}, why}.encode(), message.profile},
                              std::nullopt, false, 0});
  };
  if (invitation.revoked) return ignore("the invitation is revoked");
  if (message.invoice_slot >= kSlotsPerRecipient) return ignore("invoice_slot: no such slot");
  if (!invitation.recipient) {
    if (invitation.expires_at && context.wall > *invitation.expires_at) return ignore("the invitation has expired");
    invitation.recipient = word.from;  // bound to the first node that uses it
    work.say(record(invitation));
    work.state.clients.insert(word.from);
  } else if (*invitation.recipient != word.from) {
    return ignore("the invitation belongs to another recipient");
  }
  SlotKey key{id, message.invoice_slot};
  auto expiry = after_s(context.wall, context.config.offer_paths_expiry_s);
  auto paths =
      message_paths_to_self(context, seal(context.signer, PathPurpose::ServedOffer, slot_context(key, expiry)), 1);
  auto reply = message_paths_to_self(
      context, seal(context.signer, PathPurpose::ServeStaticInvoice, slot_context(key, expiry)), 1);
  if (paths.empty() || reply.empty()) return;
  work.say(SendOnionMessage{*word.reply_path, onion::OfferPaths{std::move(paths), expiry, message.profile},
                            std::move(reply.front()), false, 0});
}

void on_serve_static_invoice(Work& work, const OnionMessageReceived& word, const onion::ServeStaticInvoice& message,
                             ByteView data) {
  auto key = read_slot_context(work, data);
  if (!key || !word.reply_path) return;
  auto ignore = [&](std::string why) {
    work.notify(Severity::Warning, "static_invoice_refused",
                {{"invitation", to_hex(key->invitation)}, {"slot", key->slot}, {"reason", std::move(why)}});
  };
  if (message.invoice.size() > kMaxStaticInvoiceBytes)
    return ignore("it has " + std::to_string(message.invoice.size()) + " bytes, " +
                  std::to_string(kMaxStaticInvoiceBytes) + " allowed");
  auto invoice = offers::StaticInvoice::parse(message.invoice);
  if (!invoice) return ignore("it does not parse: " + doze::describe(invoice.error()));
  if (auto refusal = offers::check_static_invoice(*invoice, invoice->offer(), work.context.wall))
    return ignore(refusal->text());
  auto known = work.state.served.find(*key);
  bool same = false;
  std::size_t before = 0;
  if (known != work.state.served.end()) {
    const auto& old = known->second;
    same = old.invoice == invoice->bytes();
    before = old.bytes();
    // The slot's offer key stays; a renewed offer of the same recipient under another key needs another slot.
    if (!old.withdrawn && !old.expired(work.context.wall) && old.node_id != invoice->node_id())
      return ignore("the slot belongs to another offer");
    if (!same && invoice->created_at() <= old.created_at) return ignore("it is not newer than the stored one");
  }
  if (!same) {
    Served served(*invoice, message.forward_invoice_request_path, work.context.wall);
    auto total = work.state.served_bytes - before + served.bytes();
    if (total > kMaxServedBytes)
      return ignore("all static invoices would then have " + std::to_string(total) + " bytes; the limit is " +
                    std::to_string(kMaxServedBytes));
    work.say(record(*key, served));
    put(work.state, *key, std::move(served));
  }
  // Leaves after the batch is durable, as every action does.
  work.say(SendOnionMessage{*word.reply_path, onion::StaticInvoicePersisted{message.profile}, std::nullopt, false, 0});
  work.notify(Severity::Info, "static_invoice_stored", {{"invitation", to_hex(key->invitation)}, {"slot", key->slot}});
}

void serve_request(Work& work, const OnionMessageReceived& word, const onion::InvoiceRequest& message, ByteView data) {
  if (!word.reply_path) return;
  auto profile = work.context.config.recipient_profile;
  auto error = [&](const offers::InvoiceError& what) {
    auto bytes = what.encode();
    if (!may_answer(work, word.from, message.bytes.size(), bytes.size())) return;
    work.say(
        SendOnionMessage{*word.reply_path, onion::InvoiceError{std::move(bytes), profile}, std::nullopt, false, 0});
  };
  auto key = read_slot_context(work, data);
  if (!key) return error({std::nullopt, std::nullopt, "this offer is no longer served"});
  if (auto invitation = work.state.invitations.find(key->invitation); invitation != work.state.invitations.end())
    profile = invitation->second.profile;
  auto it = work.state.served.find(*key);
  if (it == work.state.served.end())
    return error({std::nullopt, std::nullopt, "the recipient has not stored an invoice"});
  auto& served = it->second;
  profile = served.profile;
  auto request = offers::InvoiceRequest::parse(message.bytes, offers::Checks::PathsLater);
  if (!request) return error({std::nullopt, std::nullopt, "the invoice_request does not parse"});
  if (served.withdrawn) return error({std::nullopt, std::nullopt, "the recipient has withdrawn this offer"});
  if (served.expired(work.context.wall))
    return error(
        {std::nullopt, std::nullopt, "the static invoice has expired: the recipient has been offline for too long"});
  // The invoice repeats its offer byte by byte: where the request does the same, it is the same offer.
  if (!offers::repeats(served.invoice, request->offer()))
    return error(offers::InvoiceError::of({offers::RefusalCode::OfferMismatch}));
  if (auto refusal = offers::check_request(*request, request->offer(), work.context.wall))
    return error(offers::InvoiceError::of(*refusal));
  if (!may_answer(work, word.from, message.bytes.size(), served.invoice.size())) return;
  ++served.requests;
  // [AP-offer-04]
  work.say(SendOnionMessage{*word.reply_path, onion::StaticInvoice{served.invoice}, std::nullopt, false, 0});
  // A recipient that is there may answer for itself. The payer takes what comes first. What comes from ourselves went
  // over a path that leads back to us.
  if (word.from == work.context.signer.node_id()) return;
  auto digest = crypto::sha256(message.bytes);
  if (served.passed_on == digest && work.context.mono < after_ms(served.passed_on_at, kPassOnAgainMs)) return;
  if (auto invitation = work.state.invitations.find(key->invitation);
      invitation != work.state.invitations.end() && online(work.context, invitation->second)) {
    served.passed_on = digest;
    served.passed_on_at = work.context.mono;
    work.say(SendOnionMessage{served.forward_path, message, word.reply_path, false, 0});  // [AP-offer-03]
  }
}

}  // namespace doze::invoicing
