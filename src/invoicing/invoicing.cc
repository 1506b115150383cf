#include "invoicing/invoicing.h"

#include <algorithm>

#include "effects/hearers.h"
#include "invoicing/answers.h"
#include "invoicing/describe.h"
#include "invoicing/issuer.h"
#include "invoicing/payer.h"
#include "invoicing/recipient.h"
#include "invoicing/records.h"
#include "invoicing/server.h"
#include "invoicing/tables.h"
#include "offers/invoice_error.h"
#include "paths/own_paths.h"

namespace doze::invoicing {

DOZE_COMPILED_HERE(Input)

Invoicing::Invoicing() : inside(make_hidden<Inside>()) {}

namespace {

template <class T>
Status<LoadError> check(const Row& row, const Result<T, ParseError>& read) {
  if (!read) return fail(LoadError{row.table, row.key, read.error()});
  return Done{};
}

void hear(Work& work, const OnionMessageReceived& word) {
  if (!word.path_id) return;  // without a path of ours there is nothing that we asked for
  auto opened = [&](PathPurpose purpose) { return open(work.context.signer, purpose, *word.path_id); };
  std::visit(Overloaded{
                 [&](const onion::InvoiceRequest& message) {
                   if (auto data = opened(PathPurpose::ServedOffer))
                     serve_request(work, word, message, *data);
                   else if (auto own = opened(PathPurpose::Offer))
                     answer_request(work, word, message, *own, false);
                   else if (auto forwarded = opened(PathPurpose::ForwardedRequest))
                     answer_request(work, word, message, *forwarded, true);
                 },
                 [&](const onion::OfferPathsRequest& message) {
                   if (auto data = opened(PathPurpose::ServerPath)) on_offer_paths_request(work, word, message, *data);
                 },
                 [&](const onion::OfferPaths& message) {
                   if (auto data = opened(PathPurpose::OfferPathsReply)) on_offer_paths(work, word, message, *data);
                 },
                 [&](const onion::ServeStaticInvoice& message) {
                   if (auto data = opened(PathPurpose::ServeStaticInvoice))
                     on_serve_static_invoice(work, word, message, *data);
                 },
                 [&](const onion::StaticInvoicePersisted&) {
                   if (auto data = opened(PathPurpose::PersistedReply)) on_persisted(work, *data);
                 },
                 [&](const onion::InvoiceError& message) {
                   if (auto data = opened(PathPurpose::InvoiceRequestReply)) {
                     on_answer(work, word, *data);
                   } else if (auto asked = opened(PathPurpose::OfferPathsReply)) {
                     auto read = offers::InvoiceError::parse(message.bytes);
                     on_paths_refused(work, *asked, read ? escape_untrusted(read->error) : "no reason given");
                   }
                 },
                 [&](const OneOf<onion::Invoice, onion::StaticInvoice> auto&) {
                   if (auto data = opened(PathPurpose::InvoiceRequestReply)) on_answer(work, word, *data);
                 },
                 [&](const PaymentContents auto&) {},
             },
             word.contents);
}

void hear(Work& work, const Started&) {
  recipient_started(work);
}
void hear(Work& work, const PeerReady& word) {
  payer_deadlines(work, true);
  recipient_on_peer(work, word.node_id);
}
void hear(Work& work, const PeerGone& in) {
  forget_answers(work, in.node_id);
}
void hear(Work& work, const ChannelUsable&) {
  recipient_on_usable(work);
}
void hear(Work& work, const ChannelUnusable&) {
  recipient_on_unusable(work);
}
void hear(Work& work, const OfferPaid& word) {
  auto it = work.state.own.find(word.offer_id);
  if (it == work.state.own.end()) return;
  ++it->second.payments;
  it->second.received = add(it->second.received, word.amount).value_or(it->second.received);
  work.say(record(it->second));
}
void hear(Work& work, const DeadlineReached&) {
  recipient_deadlines(work);
  payer_deadlines(work, false);
}
void hear(Work& work, const CommandReceived& in) {
  std::visit(Overloaded{
                 [&](const command::CreateOffer& command) { create_offer(work, in.request, command); },
                 [&](const command::ListOffers& command) { list_offers(work, in.request, command.page); },
                 [&](const command::DisableOffer& command) { disable_offer(work, in.request, command.offer_id); },
                 [&](const command::AsyncInvite& command) { invite(work, in.request, command); },
                 [&](const command::ListInvitations& command) { list_invitations(work, in.request, command.page); },
                 [&](const command::RevokeInvitation& command) { revoke(work, in.request, command); },
                 [&](const command::AsyncJoin& command) { join(work, in.request, command); },
                 [&](const command::AsyncLeave& command) { leave(work, in.request, command); },
                 [&](const command::ListStaticInvoices& command) { list_served(work, in.request, command.page); },
                 [&]<class C>(const C&) requires(!InvoicingCommand<C>){},
             },
             in.command);
}

}  // namespace

Result<Invoicing, LoadError> load(std::span<const Row> rows) {
  Invoicing out;
  auto& state = *out.inside;
  for (const auto& row : rows) {
    if (row.table == Table::Offer) {
      auto read = read_own_offer(row.value);
      LN_CHECK(check(row, read));
      add(state, *std::move(read));
    } else if (row.table == Table::Joined) {
      auto read = read_joined(row.value);
      LN_CHECK(check(row, read));
      auto id = read->server;
      state.joined.emplace(id, *std::move(read));
    } else if (row.table == Table::Invitation) {
      auto read = read_invited(row.value);
      LN_CHECK(check(row, read));
      add(state, *std::move(read));
    } else if (row.table == Table::StaticInvoice) {
      auto read = read_served(row.key, row.value);
      LN_CHECK(check(row, read));
      put(state, read->first, std::move(read->second));
    }
  }
  refresh_views(state);
  return out;
}

Transition<Invoicing> step(Invoicing state, const Input& input, const Context& context) {
  Effects out;
  Work work{{*state.inside, context, out}};
  std::visit([&](const auto& in) { hear(work, in); }, input);
  return {std::move(state), std::move(out)};
}

std::optional<MonoTime> deadline(const Invoicing& state) {
  const auto& inside = *state.inside;
  Earliest earliest;
  for (const auto& [made, id] : inside.async_by_time) {  // others have no server
    const auto& own = inside.own.at(id);
    earliest.consider(own.next_serve);
    earliest.consider(own.next_check);
  }
  for (const auto& op : inside.slot_requests) {
    earliest.consider(op.give_up);
    if (!op.offer) earliest.consider(op.next_try);
  }
  for (const auto& joining : inside.join_requests) earliest.consider(std::min(joining.give_up, joining.next_try));
  for (const auto& waiting : inside.withdraw_requests) earliest.consider(waiting.give_up);
  for (const auto& [id, asking] : inside.asking) earliest.consider(std::min(asking.give_up, asking.next_try));
  return earliest.time();
}

const std::map<OfferId, OfferView>& offers(const Invoicing& state) {
  return state.inside->views;
}

const std::set<NodeId>& invited(const Invoicing& state) {
  return state.inside->clients;
}

}  // namespace doze::invoicing
