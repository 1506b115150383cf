#include "invoicing/issuer.h"

#include "crypto/crypto.h"
#include "invoicing/answers.h"
#include "invoicing/describe.h"
#include "invoicing/recipient.h"
#include "invoicing/records.h"
#include "invoicing/tables.h"
#include "offers/invoice.h"
#include "offers/invoice_error.h"
#include "offers/invoice_request.h"
#include "paths/own_paths.h"

namespace doze::invoicing {
namespace {

/// Blocks in which an HTLC for an ordinary invoice may still arrive: its life and a payer's whole delta.
constexpr CltvDelta kInvoiceBlocks{2016};
constexpr std::size_t kInvoicePaths = 3;

/// A public node names itself first, and keeps the paths over its peers: an LDK payer adds nothing for our final
/// delta on a path that begins at the payee (lightning 0.2.7, routing/router.rs:1666) and never tries a path again that
/// was refused.
std::vector<PaymentPath> invoice_paths(const Context& context, const PaymentContext& terms) {
  auto path_id = seal(context.signer, terms);
  auto latest = context.tip + kInvoiceBlocks;
  std::vector<PaymentPath> paths;
  // [B12-inv-10]
  if (auto own = payment_path_of_public_node(context, path_id, latest, terms.amount)) paths.push_back(*std::move(own));
  for (auto& path : payment_paths_to_self(context, path_id, kInvoicePaths - paths.size(), latest, terms.amount))
    paths.push_back(std::move(path));
  return paths;
}

}  // namespace

PrivateKey issuer_key(const Signer& signer, const Nonce& nonce) {
  auto digest = crypto::hmac_sha256(signer.secret(SecretUse::OfferIssuer).reveal(), nonce);
  for (;;) {
    if (auto key = crypto::parse_private_key(digest.view())) return *key;
    digest = crypto::sha256(digest.view());
  }
}

offers::OfferTerms terms_of(const Context& context, const command::CreateOffer& command) {
  offers::OfferTerms terms;
  // [B12-offer-02, B12-offer-03]
  if (context.config.network != wire::Network::Mainnet) terms.chains = {wire::chain_hash(context.config.network)};
  terms.amount = command.amount;                                                                // [B12-offer-04]
  if (!command.description.empty() || command.amount) terms.description = command.description;  // [B12-offer-06]
  terms.issuer = command.issuer;
  terms.quantity_max = command.quantity_max;                                               // [B12-offer-13]
  if (command.expiry_s) terms.absolute_expiry = after_s(context.wall, *command.expiry_s);  // [B12-offer-09]
  return terms;
}

void create_offer(Work& work, RequestId request, const command::CreateOffer& command) {
  if (work.state.own.size() >= kMaxOffers)
    return work.refuse(request, CommandErrorCode::Limit,
                       "there are already " + std::to_string(kMaxOffers) + " offers, which is the limit");
  if (command.amount && (command.amount->value() == 0 || !command.amount->is_money()))
    return work.refuse(request, CommandErrorCode::BadRequest,
                       "amount: expected more than zero and less than 21 million bitcoin");
  if (command.async) return create_async_offer(work, request, command);
  Nonce nonce{};
  work.context.rng.fill(nonce);
  auto terms = terms_of(work.context, command);
  terms.issuer_id = crypto::public_key(issuer_key(work.context.signer, nonce));
  // [B12-offer-10]
  terms.paths = message_paths_to_self(work.context, seal(work.context.signer, PathPurpose::Offer, nonce), 1);
  if (terms.paths.empty())
    return work.refuse(request, CommandErrorCode::NotReady,
                       "no connected peer forwards onion messages to us: see connect and listpeers");
  auto offer = offers::Offer::make(terms);
  if (!offer)
    return work.refuse(request, CommandErrorCode::BadRequest, "not a valid offer: " + doze::describe(offer.error()));
  OwnOffer own{*std::move(offer)};
  own.nonce = nonce;
  own.created_at = work.context.wall;
  work.say(record(own));
  work.say(Reply{request, describe(own, work.context)});
  add(work.state, std::move(own));
  refresh_views(work.state);
}

void disable_offer(Work& work, RequestId request, const OfferId& id) {
  auto it = work.state.own.find(id);
  if (it == work.state.own.end())
    return work.refuse(request, CommandErrorCode::NotFound, "offer_id: no such offer: see listoffers");
  auto& own = it->second;
  withdraw(work, own);
  refresh_views(work.state);
  if (!wants_withdrawal(own, work.context) || !work.context.views.connected(own.server))
    return work.say(Reply{request, describe(own, work.context)});
  work.state.withdraw_requests.push_back({request, {id}, std::nullopt, after_ms(work.context.mono, kServerWordMs)});
}

void answer_request(Work& work, const OnionMessageReceived& word, const onion::InvoiceRequest& message, ByteView data,
                    bool forwarded) {
  if (!word.reply_path || data.size() != 16) return;
  const auto& context = work.context;
  OwnOffer* own = nullptr;
  for (auto& [id, candidate] : work.state.own)
    if (equal(candidate.nonce, data)) own = &candidate;
  // A withdrawn offer gets no answer: answers over its path would keep revealing when we are online.
  if (own == nullptr || own->disabled) return;  // [B12-reqread-08]
  auto answer_error = [&](const offers::InvoiceError& error) {
    if (forwarded) return;
    auto bytes = error.encode();
    if (!may_answer(work, word.from, message.bytes.size(), bytes.size())) return;
    work.say(SendOnionMessage{*word.reply_path,
                              onion::InvoiceError{std::move(bytes), work.context.config.recipient_profile},
                              std::nullopt, false, 0});
  };
  auto request = offers::InvoiceRequest::parse(message.bytes);
  if (!request) return answer_error({std::nullopt, std::nullopt, "the invoice_request does not parse"});
  if (auto refusal = offers::check_request(*request, own->offer, context.wall))
    return answer_error(offers::InvoiceError::of(*refusal));
  if (!context.views.chain_synced)
    return answer_error({std::nullopt, std::nullopt, "the recipient's block chain is behind: ask again in a moment"});
  auto amount = offers::amount_of(*request, own->offer);
  if (!amount) return answer_error({std::nullopt, std::nullopt, "no amount"});
  PaymentContext terms;
  terms.kind = PaymentContext::Kind::Invoice;
  terms.offer_id = own->offer.id();
  terms.amount = *amount;
  terms.expiry = after_s(context.wall, offers::kDefaultInvoiceExpiryS);
  terms.quantity = request->quantity();
  terms.payer_note = request->payer_note().value_or("");
  context.rng.fill(terms.nonce);  // [B12-reqread-06]
  auto paths = invoice_paths(context, terms);
  if (paths.empty())
    return answer_error({std::nullopt, std::nullopt, "the recipient has no channel that can receive this amount now"});
  offers::InvoiceTerms invoice;
  for (auto& path : paths) invoice.payment_paths.push_back({std::move(path.path), std::move(path.payinfo)});
  invoice.created_at = context.wall;                                                           // [B12-inv-01]
  invoice.payment_hash = crypto::payment_hash(invoice_preimage(context.signer, terms.nonce));  // [B12-inv-04]
  invoice.node_key = issuer_key(context.signer, own->nonce);                                   // [B12-inv-05]
  auto made = offers::Invoice::make(*request, invoice);
  if (!made) return answer_error({std::nullopt, std::nullopt, "the recipient could not make an invoice"});
  if (!may_answer(work, word.from, message.bytes.size(), made->bytes().size())) return;
  // [B12-reqread-14]
  work.say(SendOnionMessage{*word.reply_path, onion::Invoice{made->bytes()}, std::nullopt, false, 0});  // [B4-msg-19]
}

}  // namespace doze::invoicing
