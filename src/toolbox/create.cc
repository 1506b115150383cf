#include "toolbox/create.h"

#include "crypto/crypto.h"
#include "offers/invoice_error.h"
#include "offers/static_invoice.h"
#include "offers/text.h"
#include "onion/dummy_hops.h"
#include "toolbox/paste.h"
#include "toolbox/streams.h"

namespace doze::toolbox {

namespace {

constexpr std::uint64_t kMaxU16 = 0xffff, kMaxU32 = 0xffffffff;
constexpr std::uint64_t kInvoiceNodeId = 176;
constexpr std::size_t kMaxHops = 255;  // BOLT 4: a blinded path counts its hops in one byte
/// Largest HTLC of payment paths that do not say: 1 bitcoin.
constexpr std::uint64_t kDefaultMaximumMsat = 100'000'000'000;

Problem refused(const char* kind, const ParseError& error) {
  auto out = problem(kind, rule_of(error));
  if (error.where != 0) out.field = error.where;
  return out;
}

std::optional<Problem> longer_than_read(const char* kind, const std::string& text) {
  if (text.size() <= offers::kMaxTextLength) return std::nullopt;
  return problem(kind, "it would have " + std::to_string(text.size()) + " characters; expected at most " +
                           std::to_string(offers::kMaxTextLength));
}

Made<std::vector<ChainHash>> chains_of(const Flags& flags) {
  std::vector<ChainHash> out;
  for (const auto& text : list_of(flags, "chain")) {
    auto bytes = from_hex(text);
    auto chain = bytes ? ChainHash::from(*bytes) : std::nullopt;
    if (auto network = wire::parse_network(text)) chain = wire::chain_hash(*network);
    if (!chain) return fail(bad_flag("chain", "expected mainnet, testnet4, signet, regtest, or 64 hex digits"));
    out.push_back(*chain);
  }
  return out;
}

Made<ChainHash> chain_of(const Flags& flags, const ChainHash& otherwise) {
  LN_TRY(chains, chains_of(flags));
  if (chains.size() > 1) return fail(bad_flag("chain", "expected one chain"));
  return chains.empty() ? otherwise : chains.front();
}

Made<std::optional<Bytes>> optional_hex(const Flags& flags, const std::string& name) {
  if (!is_set(flags, name)) return std::optional<Bytes>();
  LN_TRY(bytes, hex_of(flags, name));
  return std::optional(std::move(bytes));
}

/// Text or hex of an offer.
Made<offers::Offer> offer_of(const Flags& flags) {
  auto text = squeezed(text_of(flags, "offer"));
  if (text.empty()) return fail(bad_flag("offer", "missing: expected lno1… or hex"));
  auto bytes = from_hex(text);
  auto offer = bytes ? offers::Offer::from_bytes(*bytes) : offers::Offer::parse(text);
  if (!offer) return fail(refused("offer", offer.error()));
  return *std::move(offer);
}

/// PATH:PAYINFO in hex. Without any: one hop, the node itself, no fee.
Made<std::vector<offers::PaymentPath>> payment_paths_of(const Flags& flags, const PrivateKey& node_key) {
  std::vector<offers::PaymentPath> out;
  for (const auto& text : list_of(flags, "payment_paths")) {
    auto colon = text.find(':');
    auto path = from_hex(text.substr(0, colon));
    auto info = colon == std::string::npos ? std::nullopt : from_hex(text.substr(colon + 1));
    if (!path || !info)
      return fail(bad_flag("payment_paths", "expected PATH:PAYINFO in hex, as doze create blindedpath prints it"));
    Reader path_in(*path), info_in(*info);
    auto read = wire::read_blinded_path(path_in);
    auto read_info = wire::read_blinded_payinfo(info_in);
    if (!read || !path_in.done()) return fail(bad_flag("payment_paths", "expected a valid path before the colon"));
    if (!read_info || !info_in.done())
      return fail(bad_flag("payment_paths", "expected a valid payinfo after the colon"));
    out.push_back({*std::move(read), *std::move(read_info)});
  }
  if (!out.empty()) return out;
  LN_TRY(session, key_of(flags, "payment path"));
  onion::RecipientData data;
  data.path_id = doze::to_bytes(derived(flags, "payment path_id").view());
  auto path = onion::blind(session, {{crypto::public_key(node_key), onion::encode(data)}});
  if (!path) return fail(problem("blinded path", "one of the keys is not a valid point"));
  return std::vector<offers::PaymentPath>{{*path, {0, 0, 42, Msat(1), Msat(kDefaultMaximumMsat), {}}}};
}

Made<std::vector<wire::BlindedPath>> message_paths_of(const Flags& flags, const PrivateKey& node_key,
                                                      std::size_t count) {
  LN_TRY(given, paths_of(flags, "message_paths"));
  if (!given.empty()) return given;
  for (std::size_t i = 0; i < count; ++i) {
    auto label = "message path " + std::to_string(i);
    LN_TRY(session, key_of(flags, label));
    onion::RecipientData data;
    data.path_id = doze::to_bytes(derived(flags, label + " path_id").view());
    auto path = onion::blind(session, {{crypto::public_key(node_key), onion::encode(data)}});
    if (!path) return fail(problem("blinded path", "one of the keys is not a valid point"));
    given.push_back(*std::move(path));
  }
  return given;
}

Made<std::uint32_t> u32_of(const Flags& flags, const std::string& name, std::uint32_t otherwise) {
  auto number = number_of(flags, name);
  if (number && *number > kMaxU32) return fail(bad_flag(name, "expected at most 4294967295"));
  return number ? static_cast<std::uint32_t>(*number) : otherwise;
}

Made<UnixTime> created_at_of(const Flags& flags) {
  auto number = number_of(flags, "created_at");
  if (!number) return fail(bad_flag("created_at", "missing: expected seconds since 1970"));
  return UnixTime(*number);
}

/// What the payer says of itself in requests of both kinds; chain and key are the caller's.
Made<offers::RequestFields> payer_fields(const Flags& flags) {
  LN_TRY(metadata, optional_hex(flags, "metadata"));
  LN_TRY(paths, paths_of(flags, "payer_paths"));
  offers::RequestFields out;
  out.metadata = metadata ? *std::move(metadata) : doze::to_bytes(derived(flags, "invreq_metadata").view());
  if (auto amount = number_of(flags, "amount_msat")) out.amount = Msat(*amount);
  if (is_set(flags, "payer_note")) out.payer_note = text_of(flags, "payer_note");
  out.paths = std::move(paths);
  return out;
}

/// For a request of either kind.
Result<offers::Invoice, ParseError> invoice_for(ByteView request, const offers::InvoiceTerms& terms) {
  if (offers::is_without_offer(request)) {
    LN_TRY(refund, offers::Refund::parse(request));
    return offers::Invoice::make(refund, terms);
  }
  LN_TRY(asked, offers::InvoiceRequest::parse(request));
  return offers::Invoice::make(asked, terms);
}

/// "600x1x0/1": a channel, and which of its ends.
std::optional<wire::ScidDir> parse_scid_dir(const std::string& text) {
  auto slash = text.find('/');
  auto scid = parse_scid(text.substr(0, slash));
  auto direction = slash == std::string::npos ? "" : text.substr(slash + 1);
  if (!scid || (direction != "0" && direction != "1")) return std::nullopt;
  return wire::ScidDir{static_cast<std::uint8_t>(direction == "1"), *scid};
}

}  // namespace

Made<Value> create_offer(const Flags& flags) {
  LN_TRY(chains, chains_of(flags));
  LN_TRY(paths, paths_of(flags, "paths"));
  LN_TRY(metadata, optional_hex(flags, "metadata"));
  offers::OfferTerms terms;
  terms.chains = std::move(chains);
  terms.metadata = std::move(metadata);
  if (auto amount = number_of(flags, "amount_msat")) terms.amount = Msat(*amount);
  if (is_set(flags, "currency") != is_set(flags, "currency_amount") || (terms.amount && is_set(flags, "currency")))
    return fail(bad_flag("currency", "expected together with --currency-amount, and without --amount"));
  if (is_set(flags, "currency"))
    terms.currency_amount = {text_of(flags, "currency"), number_of(flags, "currency_amount").value_or(0)};
  if (is_set(flags, "description")) terms.description = text_of(flags, "description");
  if (auto expiry = number_of(flags, "expires_at")) terms.absolute_expiry = UnixTime(*expiry);
  terms.paths = std::move(paths);
  if (is_set(flags, "issuer")) terms.issuer = text_of(flags, "issuer");
  terms.quantity_max = number_of(flags, "quantity_max");
  if (is_set(flags, "no_issuer_id") && is_set(flags, "key"))
    return fail(bad_flag("key", "expected no key together with --no-issuer-id"));
  if (!is_set(flags, "no_issuer_id")) {
    LN_TRY(key, key_of(flags, text_of(flags, "key")));
    terms.issuer_id = crypto::public_key(key);
  }
  auto offer = offers::Offer::make(terms);
  if (!offer) return fail(refused("offer", offer.error()));
  if (auto too_long = longer_than_read("offer", offer->text())) return fail(*std::move(too_long));
  Value out;
  return out.set("text", offer->text()).set("hex", to_hex(offer->bytes())).set("offer_id", offer->id().hex());
}

Made<Value> create_invoice_request(const Flags& flags) {
  LN_TRY(offer, offer_of(flags));
  LN_TRY(key, key_of(flags, text_of(flags, "key")));
  LN_TRY(chain,
         chain_of(flags, offer.chains().empty() ? wire::chain_hash(wire::Network::Mainnet) : offer.chains().front()));
  LN_TRY(fields, payer_fields(flags));
  offers::RequestTerms terms;
  terms.metadata = std::move(fields.metadata);
  terms.chain = chain;
  terms.amount = fields.amount;
  terms.quantity = number_of(flags, "quantity");
  terms.payer_note = std::move(fields.payer_note);
  terms.paths = std::move(fields.paths);
  if (is_set(flags, "bip353_name")) {
    terms.bip_353_name = offers::HumanName::parse(text_of(flags, "bip353_name"));
    if (!terms.bip_353_name)
      return fail(bad_flag("bip353_name", "expected user@domain, with the characters 0-9 a-z A-Z - _ . only"));
  }
  terms.payer_key = key;
  auto request = offers::InvoiceRequest::make(offer, terms);
  if (request)
    request = offers::InvoiceRequest::parse(
        request->bytes());  // parsed again with all checks: make() does not verify paths that the user gave
  if (!request) return fail(refused("invoice_request", request.error()));
  Value out;
  out.set("hex", to_hex(request->bytes())).set("offer_id", request->offer_id().hex());
  out.set("payer_id", request->payer_id().hex());
  // Made all the same: a request that must be refused is what an issuer is tried with. No clock here: expiry is not
  // judged.
  if (auto refusal = offers::check_request(*request, offer, UnixTime(0)))
    out.set("problem", "the offer's issuer must refuse it: " + refusal->text());
  return out;
}

Made<Value> create_refund(const Flags& flags) {
  LN_TRY(chain, chain_of(flags, wire::chain_hash(wire::Network::Mainnet)));
  LN_TRY(payer, point_of(flags, text_of(flags, "key")));
  LN_TRY(fields, payer_fields(flags));
  offers::RefundTerms terms;
  terms.description = text_of(flags, "description");
  if (auto expiry = number_of(flags, "expires_at")) terms.absolute_expiry = UnixTime(*expiry);
  if (is_set(flags, "issuer")) terms.issuer = text_of(flags, "issuer");
  terms.request = std::move(fields);
  terms.request.chain = chain;
  terms.request.payer_id = payer;
  auto refund = offers::Refund::make(terms);
  if (!refund) return fail(refused("invoice_request", refund.error()));
  if (auto too_long = longer_than_read("invoice_request", refund->text())) return fail(*std::move(too_long));
  Value out;
  return out.set("text", refund->text()).set("hex", to_hex(refund->bytes())).set("payer_id", payer.hex());
}

Made<Value> create_invoice_error(const Flags& flags) {
  LN_TRY(suggested, optional_hex(flags, "suggested_value"));
  offers::InvoiceError out{number_of(flags, "erroneous_field"), std::move(suggested), text_of(flags, "error")};
  if (out.suggested_value && !out.erroneous_field)
    return fail(bad_flag("suggested_value", "expected only together with --erroneous-field"));
  return Value().set("hex", to_hex(out.encode()));
}

Made<Value> create_invoice(const Flags& flags) {
  auto text = squeezed(text_of(flags, "request"));
  auto bytes = from_hex(text);
  if (!bytes) {
    auto decoded = offers::decode_text(offers::kInvoiceRequestPrefix, text);
    if (!decoded) return fail(refused("invoice_request", decoded.error()));
    bytes = *std::move(decoded);
  }
  LN_TRY(key, key_of(flags, text_of(flags, "key")));
  LN_TRY(paths, payment_paths_of(flags, key));
  LN_TRY(created, created_at_of(flags));
  LN_TRY(expiry, u32_of(flags, "relative_expiry_s", offers::kDefaultInvoiceExpiryS));
  offers::InvoiceTerms terms;
  terms.payment_paths = std::move(paths);
  terms.created_at = created;
  terms.relative_expiry_s = expiry;
  auto preimage = derived(flags, "preimage");
  terms.payment_hash = convert<PaymentHash>(crypto::sha256(preimage.view()));
  bool own = !is_set(flags, "payment_hash");
  if (!own) {
    LN_TRY(given, hex_of(flags, "payment_hash"));
    auto hash = PaymentHash::from(given);
    if (!hash) return fail(bad_flag("payment_hash", "expected 64 hex digits"));
    terms.payment_hash = *hash;
  }
  terms.node_key = key;
  if (is_set(flags, "multipart")) terms.features.set(offers::kInvoiceMultipart + 1);
  auto invoice = invoice_for(*bytes, terms);
  if (!invoice) return fail(refused("invoice", invoice.error()));
  if (auto too_long = longer_than_read("invoice", invoice->text())) return fail(*std::move(too_long));
  Value out;
  out.set("text", invoice->text()).set("hex", to_hex(invoice->bytes()));
  out.set("payment_hash", invoice->payment_hash().hex());
  if (own) out.set("payment_preimage", preimage.hex());
  return out.set("amount_msat", invoice->amount().value());
}

Made<Value> create_static_invoice(const Flags& flags) {
  LN_TRY(offer, offer_of(flags));
  LN_TRY(key, key_of(flags, text_of(flags, "key")));
  LN_TRY(profile, profile_of(flags));
  LN_TRY(payment_paths, payment_paths_of(flags, key));
  LN_TRY(message_paths, message_paths_of(flags, key, profile == Profile::Draft ? offers::kMinMessagePathsDraft : 1));
  LN_TRY(created, created_at_of(flags));
  LN_TRY(expiry, u32_of(flags, "relative_expiry_s", offers::kDefaultStaticInvoiceExpiryS));
  offers::StaticInvoiceTerms terms;
  terms.profile = profile;
  terms.payment_paths = std::move(payment_paths);
  terms.message_paths = std::move(message_paths);
  terms.created_at = created;
  terms.relative_expiry_s = expiry;
  if (is_set(flags, "multipart")) terms.features.set(offers::kInvoiceMultipart + 1);
  terms.node_key = key;
  auto invoice = offers::StaticInvoice::make(offer, terms);
  if (invoice)
    invoice = offers::StaticInvoice::parse(
        invoice->bytes());  // parsed again with all checks: make() does not verify paths that the user gave
  if (!invoice) {
    auto out = refused("static_invoice", invoice.error());
    if (out.field == kInvoiceNodeId)
      out.hint = "The key must be the offer's issuer_id, or that of the node where one of its paths ends.";
    return fail(std::move(out));
  }
  Value out;
  out.set("hex", to_hex(invoice->bytes())).set("profile", name(profile)).set("offer_id", invoice->offer_id().hex());
  return out.set("node_id", invoice->node_id().hex());
}

Made<Value> create_blinded_path(const Flags& flags) {
  auto nodes = list_of(flags, "nodes");
  if (nodes.empty()) return fail(bad_flag("nodes", "missing: expected node ids or names, the introduction node first"));
  if (auto useless = without(flags, "payment",
                             {"fee_base_msat", "fee_proportional_millionths", "cltv_expiry_delta", "final_cltv_delta",
                              "max_cltv_expiry", "htlc_minimum_msat", "htlc_maximum_msat"}))
    return fail(*std::move(useless));
  LN_TRY(session, key_of(flags, is_set(flags, "session_key") ? text_of(flags, "session_key") : "session"));
  LN_TRY(fee_base, u32_of(flags, "fee_base_msat", 0));
  LN_TRY(proportional, u32_of(flags, "fee_proportional_millionths", 0));
  auto scids = list_of(flags, "scids");
  auto delta = number_of(flags, "cltv_expiry_delta").value_or(0);
  if (delta > kMaxU16) return fail(bad_flag("cltv_expiry_delta", "expected at most 65535"));
  bool payment = is_set(flags, "payment");
  if (!scids.empty() && scids.size() + 1 != nodes.size())
    return fail(bad_flag("scids", "expected one for each node except the last"));
  LN_TRY(max_cltv, u32_of(flags, "max_cltv_expiry", 0));
  Msat minimum(number_of(flags, "htlc_minimum_msat").value_or(1));
  onion::PaymentRelay relay{CltvDelta(static_cast<std::uint32_t>(delta)), proportional, Msat(fee_base)};
  auto dummies = number_of(flags, "dummy_hops").value_or(0);
  if (dummies > onion::kMaxDummyHops) return fail(bad_flag("dummy_hops", "expected at most 10"));
  std::vector<onion::PathHop> hops;
  std::vector<NodeId> ids;
  for (const auto& each : nodes) {
    LN_TRY(id, point_of(flags, each));
    ids.push_back(id);
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    onion::RecipientData data;
    bool last = i + 1 == ids.size();
    if (!last && scids.empty()) data.next_node_id = ids[i + 1];
    if (!last && !scids.empty()) {
      data.short_channel_id = parse_scid(scids[i]);
      if (!data.short_channel_id)
        return fail(bad_flag("scids", "expected the form 600x2x1, not '" + escape_untrusted(scids[i]) + "'"));
    }
    if (last && is_set(flags, "path_id")) {
      LN_TRY(path_id, hex_of(flags, "path_id"));
      data.path_id = std::move(path_id);
    }
    if (payment && !last) data.payment_relay = relay;
    if (payment && max_cltv != 0) data.payment_constraints = onion::PaymentConstraints{CltvExpiry(max_cltv), minimum};
    hops.push_back({ids[i], std::move(data)});
  }
  hops = onion::with_dummy_hops(std::move(hops), static_cast<std::size_t>(dummies),
                                payment ? onion::PathUse::Payments : onion::PathUse::Messages);
  if (hops.size() > kMaxHops) return fail(bad_flag("nodes", "expected at most 255 hops, including dummy hops"));
  auto path = onion::blind(session, dummies > 0 || is_set(flags, "padded") ? onion::padded(hops) : onion::bare(hops));
  if (!path) return fail(problem("blinded path", "one of the keys is not a valid point"));
  for (const auto& hop : path->path)
    if (hop.encrypted_recipient_data.size() > kMaxU16)
      return fail(bad_flag("path_id", "expected a shorter value: a hop's encrypted data has at most 65535 bytes"));
  if (is_set(flags, "introduction")) {
    auto channel = parse_scid_dir(text_of(flags, "introduction"));
    if (!channel)
      return fail(bad_flag("introduction", "expected a channel and the first node's end of it, as in 600x1x0/1"));
    path->first_node_id = *channel;
  }
  Value out;
  auto hex_path = to_hex(wire::to_bytes(*path));
  out.set("hex", hex_path);
  if (!payment) return out;
  std::vector<onion::PaymentRelay> relays(ids.size() - 1, relay);
  LN_TRY(final_delta, u32_of(flags, "final_cltv_delta", 42));
  auto info = onion::aggregate(relays, CltvDelta(final_delta));
  if (!info) return fail(problem("blinded_payinfo", "the fees or deltas are too large for its fields"));
  info->htlc_minimum_msat = minimum;
  info->htlc_maximum_msat = Msat(number_of(flags, "htlc_maximum_msat").value_or(kDefaultMaximumMsat));
  if (info->htlc_maximum_msat < minimum) return fail(bad_flag("htlc_minimum_msat", "expected at most --htlc-maximum"));
  Writer written;
  wire::write(written, *info);
  auto hex_info = to_hex(written.view());
  return out.set("payinfo", hex_info).set("payment_path", hex_path + ":" + hex_info);
}

}  // namespace doze::toolbox
