#include "invoicing/payer.h"

#include "crypto/crypto.h"
#include "effects/tags.h"
#include "offers/invoice.h"
#include "offers/invoice_error.h"
#include "offers/invoice_request.h"
#include "paths/own_paths.h"

namespace doze::invoicing {
namespace {

PrivateKey payer_key(const Signer& signer, ByteView metadata) {
  auto digest = crypto::hmac_sha256(signer.secret(SecretUse::Payer).reveal(), metadata);
  for (;;) {
    if (auto key = crypto::parse_private_key(digest.view())) return *key;
    digest = crypto::sha256(digest.view());
  }
}

void end(Work& work, const PaymentId& id) {
  work.state.asking.erase(id);
  std::erase_if(work.state.tags, [&](const auto& entry) { return entry.second == id; });
}

void give_up(Work& work, const PaymentId& id, CommandErrorCode code, std::string message) {
  end(work, id);
  work.say(InvoiceFailed{id, CommandError{code, std::move(message), {}}});
}

void ask(Work& work, const PaymentId& id, Asking& asking) {
  const auto& context = work.context;
  const auto& offer = asking.wanted.offer;
  asking.next_try = after_ms(context.mono, kInvoiceRepeatMs);
  auto reply = message_paths_to_self(context, seal(context.signer, PathPurpose::InvoiceRequestReply, id.view()), 1);
  if (reply.empty()) {
    asking.trouble = "no connected peer forwards onion messages to us";
    return;
  }
  auto tag = make_tag(TagOwner::Invoicing, work.state.next_tag++);
  work.state.tags.emplace(tag, id);
  auto attempt = static_cast<std::uint32_t>(asking.attempts++);
  auto paths = static_cast<std::uint32_t>(offer.paths().size());
  MessageDestination to = paths == 0 ? MessageDestination(offer.issuer_id().value_or(NodeId{}))  // [B12-read-14]
                                     : MessageDestination(offer.paths()[attempt % paths]);       // [B4-msg-04]
  SendOnionMessage request{std::move(to), onion::InvoiceRequest{asking.invoice_request}, std::move(reply.front())};
  request.tag = tag;
  request.attempt = paths == 0 ? attempt : attempt / paths;
  work.say(std::move(request));
}

}  // namespace

void hear(Work& work, const RequestInvoice& word) {
  const auto& wanted = word.request;
  offers::RequestTerms terms;
  terms.metadata = Bytes(16);
  work.context.rng.fill(terms.metadata);  // [B12-req-11]
  terms.chain = wire::chain_hash(work.context.config.network);
  terms.amount = wanted.amount;
  terms.quantity = wanted.quantity;
  terms.payer_note = wanted.payer_note;
  terms.payer_key = payer_key(work.context.signer, terms.metadata);  // [B12-req-07]
  auto request = offers::InvoiceRequest::make(wanted.offer, terms);
  if (!request)
    return give_up(work, wanted.payment_id, CommandErrorCode::BadRequest,
                   "cannot make an invoice_request: " + doze::describe(request.error()));
  Asking asking{wanted, request->bytes(), after_ms(work.context.mono, kInvoiceWaitMs), work.context.mono, 0, {}};
  auto& kept = work.state.asking.insert_or_assign(wanted.payment_id, std::move(asking)).first->second;
  ask(work, wanted.payment_id, kept);
}

void hear(Work& work, const CancelInvoiceRequest& word) {
  end(work, word.payment_id);
}

void hear(Work& work, const OnionMessageOutcome& word) {
  auto tag = work.state.tags.find(word.tag);
  if (tag == work.state.tags.end()) return;
  auto asking = work.state.asking.find(tag->second);
  work.state.tags.erase(tag);
  if (asking == work.state.asking.end()) return;
  asking->second.trouble =
      word.fate == OnionMessageFate::Undeliverable ? "the recipient's node cannot be reached" : "no answer arrived";
}

void on_answer(Work& work, const OnionMessageReceived& word, ByteView data) {
  auto id = PaymentId::from(data);
  auto it = id ? work.state.asking.find(*id) : work.state.asking.end();  // [B12-invread-20]
  if (it == work.state.asking.end()) return;                             // [B4-msg-16]
  auto& asking = it->second;
  auto now = work.context.wall;
  auto ignore = [&](std::string why) {
    asking.trouble = std::move(why);
    work.notify(Severity::Warning, "invoice_refused", {{"payment_id", id->hex()}, {"reason", asking.trouble}});
  };
  if (const auto* error = std::get_if<onion::InvoiceError>(&word.contents)) {
    auto read = offers::InvoiceError::parse(error->bytes);
    return give_up(
        work, *id, CommandErrorCode::PaymentFailed,
        "the recipient's node refuses: " + (read ? escape_untrusted(read->error) : std::string("no reason given")));
  }
  if (const auto* message = std::get_if<onion::StaticInvoice>(&word.contents)) {
    auto invoice = offers::StaticInvoice::parse(message->bytes, offers::Checks::PathsLater);
    if (!invoice) return ignore("the static invoice does not parse: " + doze::describe(invoice.error()));
    if (auto refusal = offers::check_static_invoice(*invoice, asking.wanted.offer, now)) {
      if (refusal->code == offers::RefusalCode::Expired)
        return give_up(work, *id, CommandErrorCode::Expired, "the static invoice has expired: " + *refusal);
      return ignore("the static invoice does not fit the offer: " + *refusal);
    }
    if (offers::is_withdrawn(*invoice))
      return give_up(work, *id, CommandErrorCode::PaymentFailed, "the recipient has withdrawn this offer");
    StaticInvoiceObtained obtained{*id, message->bytes, asking.invoice_request};
    end(work, *id);
    return work.say(std::move(obtained));
  }
  if (const auto* message = std::get_if<onion::Invoice>(&word.contents)) {
    auto invoice = offers::Invoice::parse(message->bytes);
    if (!invoice) return ignore("the invoice does not parse: " + doze::describe(invoice.error()));
    auto request = offers::InvoiceRequest::parse(asking.invoice_request, offers::Checks::Stored);
    LN_ASSERT(request.has_value());  // we made it
    if (auto refusal = offers::check_invoice(*invoice, *request, now))
      return ignore("the invoice does not fit the request: " + *refusal);
    InvoiceObtained obtained{*id, message->bytes, asking.invoice_request};
    end(work, *id);
    return work.say(std::move(obtained));
  }
}

void payer_deadlines(Work& work, bool connection_changed) {
  std::vector<PaymentId> late;
  for (auto& [id, asking] : work.state.asking) {
    if (asking.give_up <= work.context.mono)
      late.push_back(id);
    else if (asking.next_try <= work.context.mono || (connection_changed && !asking.trouble.empty()))
      ask(work, id, asking);
  }
  for (const auto& id : late) {
    auto trouble = work.state.asking.at(id).trouble;
    give_up(work, id, CommandErrorCode::PaymentFailed,
            "no invoice within " + std::to_string(kInvoiceWaitMs / 1000) + " seconds" +
                (trouble.empty() ? std::string() : ": " + trouble));
  }
}

}  // namespace doze::invoicing
