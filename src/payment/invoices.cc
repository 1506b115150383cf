// The preimage of an invoice comes from a nonce in its row, so the row is durable before anybody can know the hash.
#include "payment/invoices.h"

#include "crypto/crypto.h"
#include "offers/bolt11.h"
#include "paths/own_paths.h"
#include "payment/answers.h"
#include "payment/incoming.h"
#include "payment/records.h"
#include "payment/state.h"

namespace doze::payment {

namespace {

bool can_be_paid(const Issued& invoice, UnixTime now) {
  return !invoice.paid_at && now <= invoice.expires_at;
}

/// False: all of them can still be paid.
bool make_room(Work& work) {
  auto& invoices = work.state.invoices;
  if (invoices.size() < kMaxInvoices) return true;
  const auto& index = invoices.index();
  auto oldest = index.paid.begin();
  if (oldest == index.paid.end() || (!index.unpaid.empty() && *index.unpaid.begin() < *oldest))
    oldest = index.unpaid.begin();
  auto hash = oldest->second;
  if (can_be_paid(*invoices.live(hash), work.context.wall)) return false;
  work.say(Erase{Table::InvoiceSent, to_bytes(hash.view())});
  invoices.erase(hash);
  return true;
}

/// What is wrong with the wish, if anything.
std::optional<std::string> problem_of(const command::CreateInvoice& command) {
  if (command.amount && (command.amount->value() == 0 || !command.amount->is_money()))
    return "amount: expected more than zero and less than 21 million bitcoin";
  if (command.description_hash && !command.description.empty())
    return "description, description_hash: expected at most one of them";
  if (command.description.size() > offers::kMaxBolt11FieldBytes)
    return "the description has " + std::to_string(command.description.size()) + " bytes: an invoice has room for " +
           std::to_string(offers::kMaxBolt11FieldBytes) + ", use description_hash for more";
  if (command.expiry_s == std::uint64_t{0}) return "expiry_s: expected at least 1";
  return std::nullopt;
}

offers::Bolt11Terms terms_of(const Context& context, const command::CreateInvoice& command, const PaymentHash& hash) {
  offers::Bolt11Terms terms;
  terms.network = context.config.network;
  terms.amount = command.amount;
  terms.timestamp = context.wall;
  terms.fields.emplace_back(hash);
  terms.fields.emplace_back(offers::bolt11::PaymentSecret{context.rng.id<Hash32>()});
  if (command.description_hash)
    terms.fields.emplace_back(offers::bolt11::DescriptionHash{*command.description_hash});
  else
    terms.fields.emplace_back(offers::bolt11::Description{command.description});
  // Written even where it is BOLT 11's default: some wallets take an invoice without it for one that never expires.
  terms.fields.emplace_back(offers::bolt11::Expiry{command.expiry_s.value_or(offers::kDefaultBolt11ExpiryS)});
  // A block or two may come while the HTLC is on its way: the payer adds them from the start.
  terms.fields.emplace_back(offers::bolt11::MinFinalCltvExpiryDelta{kRecipientMargin + kBlocksOnTheWay});
  terms.fields.emplace_back(wire::FeatureBits{wire::kVarOnion, wire::kPaymentSecret});
  return terms;
}

struct CannotClaim {
  std::uint16_t code = onion::kIncorrectOrUnknownPaymentDetails;  // [B4-fail-05]
  Bytes data;
  std::string why;
};

/// BOLT 4, "Requirements for the final node" of payment payloads. All that a prober could learn from looks the same.
Result<const Issued*, CannotClaim> judge(const Work& work, const HtlcReceived& word, const onion::PeeledPlain& onion) {
  const auto& htlc = word.htlc;
  auto refused = [&](std::string why) {
    return fail(CannotClaim{onion::kIncorrectOrUnknownPaymentDetails,
                            Writer().u64(htlc.amount_msat.value()).u32(work.context.tip.value()).take(),
                            std::move(why)});
  };
  if (word.too_much_dust) return fail(CannotClaim{onion::kTemporaryNodeFailure, {}, "too much dust in the channel"});
  if (work.context.views.funding_gone(word.channel_id))
    return fail(CannotClaim{
        onion::kTemporaryNodeFailure, {}, "the channel's funding transaction was reorganised out of the chain"});
  if (htlc.amount_msat < onion.amt_to_forward)
    // [B4-fail-10]
    return fail(CannotClaim{onion::kFinalIncorrectHtlcAmount, Writer().u64(htlc.amount_msat.value()).take(),
                            "the amount is below the onion's amt_to_forward"});  // [B4-read-20]
  if (htlc.cltv_expiry < onion.outgoing_cltv_value)
    // [B4-fail-10]
    return fail(CannotClaim{onion::kFinalIncorrectCltvExpiry, Writer().u32(htlc.cltv_expiry.value()).take(),
                            "cltv_expiry is below the onion's outgoing_cltv_value"});  // [B4-read-21]
  const auto* found = work.state.invoices.live(htlc.payment_hash);
  if (found == nullptr) return refused("no invoice of this node has this payment hash");  // [B4-fail-07]
  const auto& issued = *found;
  auto invoice = offers::Bolt11Invoice::parse(issued.invoice);
  if (!invoice) return refused("the row of its invoice is damaged");
  if (!crypto::equal_constant_time(invoice->payment_secret().view(), onion.payment_secret.view()))
    return refused("wrong payment_secret");  // [B4-fail-06]
  if (issued.paid_at) return refused("the invoice is already paid");
  // [B4-mpp-02]
  if (onion.total_amount != onion.amt_to_forward) return refused("payments in several parts are not supported yet");
  auto asked = invoice->amount().value_or(Msat(0));
  if (onion.amt_to_forward < asked) return refused("the amount is below the invoice's");  // [B4-fail-07]
  // [B4-fail-08]
  if (invoice->amount() && sub_or_zero(htlc.amount_msat, asked) > asked) return refused("more than twice the amount");
  if (work.context.wall > issued.expires_at) return refused("the invoice has expired");
  auto left = blocks_until(htlc.cltv_expiry, work.context.tip);
  if (left < kRecipientMargin)  // [B4-fail-09]
    return refused("only " + std::to_string(left.value()) + " blocks left, " +
                   std::to_string(kRecipientMargin.value()) + " needed to claim safely");
  return &issued;
}

}  // namespace

IncomingState state_of_payment(Work& work, const Issued& issued) {
  auto key = work.state.incoming.index().newest(issued.payment_hash);
  if (auto payment = key ? work.state.incoming.find(*key) : std::nullopt) return payment->state;
  return issued.lost ? IncomingState::Lost : IncomingState::Settled;
}

Value describe(const Issued& issued, IncomingState payment, UnixTime now) {
  auto invoice = offers::Bolt11Invoice::parse(issued.invoice);
  // Paid is what is ours for good.
  const char* paid = payment == IncomingState::Settled ? "paid" : name(payment);
  Value out;
  out.set("payment_hash", issued.payment_hash.hex()).set("invoice", issued.invoice);
  if (!invoice) return out.set("status", "damaged");  // rows are not verified when they are loaded
  out.set("status", issued.paid_at ? paid : can_be_paid(issued, now) ? "open" : "expired");
  if (invoice->amount()) out.set("amount_msat", invoice->amount()->value());
  if (invoice->description()) out.set("description", *invoice->description());
  if (invoice->description_hash()) out.set("description_hash", invoice->description_hash()->hex());
  out.set("created_at", time_text(invoice->timestamp())).set("expires_at", time_text(issued.expires_at));
  if (issued.paid_at) out.set("received_msat", issued.received.value()).set("paid_at", time_text(*issued.paid_at));
  return out;
}

void create_invoice(Work& work, RequestId request, const command::CreateInvoice& command) {
  const auto& context = work.context;
  if (auto problem = problem_of(command)) return refuse(work, request, CommandErrorCode::BadRequest, *problem);
  if (!make_room(work))
    return refuse(work, request, CommandErrorCode::Limit,
                  "there are " + std::to_string(kMaxInvoices) + " unpaid invoices already, which is the limit");
  Issued issued;
  context.rng.fill(issued.nonce);
  issued.payment_hash = crypto::payment_hash(invoice_preimage(context.signer, issued.nonce));
  auto terms = terms_of(context, command, issued.payment_hash);
  if (!has_public_channel(context)) {
    auto hints = route_hints_to_self(context, kMaxRouteHints, command.amount);
    if (hints.empty())
      return refuse(work, request, CommandErrorCode::NotReady,
                    "no usable channel can receive this amount now: see listchannels");
    for (auto& hint : hints) terms.fields.emplace_back(std::move(hint));
  }
  auto invoice = offers::Bolt11Invoice::make(
      terms, context.signer.node_id(), [&](const Hash32& digest) { return context.signer.sign_with_node_key(digest); });
  if (!invoice)
    return refuse(work, request, CommandErrorCode::BadRequest,
                  "not a valid invoice: " + doze::describe(invoice.error()));
  issued.invoice = invoice->text();
  issued.expires_at = invoice->expires_at();
  work.say(record(issued));
  work.say(Reply{request, describe(issued, IncomingState::Settled, context.wall)});
  work.state.invoices.add(std::move(issued));
}

void refuse_plain(Work& work, const HtlcReceived& word, const onion::PeeledPlain& onion, std::uint16_t code,
                  ByteView data, const std::string& why) {
  work.say(FailHtlc{word.channel_id, word.htlc.id, onion::own_failure(onion.shared_secret, code, data)});
  work.notify(Severity::Info, "payment_refused",
              {{"amount_msat", word.htlc.amount_msat.value()},
               {"payment_hash", word.htlc.payment_hash.hex()},
               {"reason", why}});
}

void receive_plain(Work& work, const HtlcReceived& word, const onion::PeeledPlain& onion) {
  auto judgement = judge(work, word, onion);
  if (!judgement) {
    const auto& refusal = judgement.error();
    return refuse_plain(work, word, onion, refusal.code, refusal.data, refusal.why);
  }
  auto& issued = *work.state.invoices.edit((*judgement)->payment_hash);
  issued.paid_at = work.context.wall;
  issued.received = word.htlc.amount_msat;
  work.say(record(issued));
  Incoming payment;
  payment.payment_hash = issued.payment_hash;
  payment.htlc = {word.channel_id, word.htlc.id};
  payment.amount = word.htlc.amount_msat;
  payment.cltv_expiry = word.htlc.cltv_expiry;
  claim(work, std::move(payment), invoice_preimage(work.context.signer, issued.nonce));
}

}  // namespace doze::payment
