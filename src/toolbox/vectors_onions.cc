// Payloads of payment onions, and whole onions of payments and messages with fixed keys.
#include "crypto/crypto.h"
#include "onion/onion_message.h"
#include "onion/payment_onion.h"
#include "onion/sphinx.h"
#include "toolbox/create.h"
#include "toolbox/onion_tools.h"
#include "toolbox/vector_parts.h"
#include "wire/messages.h"
#include "wire/tlv.h"

namespace doze::toolbox {

namespace {

Value as(bool last, bool through_path_key) {
  return Value().set("last", last).set("through_path_key", through_path_key);
}

Bytes final_payload(Profile profile) {
  onion::FinalPayload out;
  out.amt_to_forward = Msat(250'000);
  out.outgoing_cltv_value = CltvExpiry(800'144);
  out.total_amount_msat = Msat(250'000);
  out.encrypted_recipient_data = Bytes(24, 0xaa);
  out.invoice_request = vector_request().bytes();
  out.invoice_request_profile = profile;
  out.payment_preimage = Preimage(derived({{"seed", std::string(kVectorSeed)}}, "preimage").bytes);
  return onion::encode(onion::Payload(out));
}

void final_ones(CaseList& cases, Profile profile) {
  std::string of = std::string("_") + name(profile);
  Records good(final_payload(profile));
  auto type = wire::numbers(profile).payment_invoice_request;
  auto bad = [&](const std::string& name, const Records& records, const std::string& reason, const std::string& error) {
    cases.invalid("final_" + name + of, records.bytes(), reason, error, as(true, true));
  };
  auto copy = [&] { return Records(good); };
  cases.valid("final_of_a_static_invoice" + of, good.bytes(), as(true, true));
  cases.valid("final_as_introduction_node" + of, copy().put(12, vector_point("payer").view()).bytes(), as(true, false));
  cases.valid("final_without_preimage" + of, copy().drop(wire::kPaymentPreimage).bytes(), as(true, true));
  if (profile == Profile::Ldk) cases.valid("final_without_invoice_request", copy().drop(type).bytes(), as(true, true));
  bad("without_amount", copy().drop(2), "amt_to_forward is missing", "missing field");
  bad("without_cltv", copy().drop(4), "outgoing_cltv_value is missing", "missing field");
  bad("without_total", copy().drop(18), "total_amount_msat is missing in a blinded payload", "missing field");
  bad("without_encrypted_data", copy().drop(10), "the HTLC came with a path key: the payload is blinded",
      "missing field");
  bad("with_scid", copy().put(6, Bytes(8, 1)), "a last hop has no short_channel_id", "unexpected field");
  bad("with_payment_data", copy().put(8, Bytes(33, 1)), "a blinded payload has no payment_data", "unexpected field");
  bad("with_metadata", copy().put(16, hex("01")), "a blinded payload has no payment_metadata", "unexpected field");
  bad("with_two_path_keys", copy().put(12, vector_point("payer").view()),
      "update_add_htlc has a path key already: current_path_key must not come, too", "unexpected field");
  bad("with_unknown_even", copy().put(20, hex("00")), "an unknown even type", "unknown even");
  bad("preimage_of_31_bytes", copy().put(wire::kPaymentPreimage, Bytes(31, 1)), "a preimage has 32 bytes",
      "bad length");
  bad("amount_with_a_leading_zero", copy().put(2, hex("0001")), "a truncated integer has no leading zero",
      "bad length");
  bad("cltv_of_5_bytes", copy().put(4, Bytes(5, 1)), "a truncated 32-bit integer has at most 4 bytes", "bad length");
}

void forwarding_ones(CaseList& cases) {
  Records plain(onion::encode(
      onion::Payload(onion::ForwardPayload{Msat(250'100), CltvExpiry(800'216), ShortChannelId::of(600, 2, 1)})));
  Records blinded(onion::encode(onion::Payload(onion::BlindedForwardPayload{Bytes(40, 0xbb), std::nullopt})));
  auto copy = [&] { return Records(plain); };
  cases.valid("forward", plain.bytes(), as(false, false));
  cases.invalid("forward_without_scid", copy().drop(6).bytes(), "short_channel_id is missing", "missing field",
                as(false, false));
  cases.invalid("forward_scid_of_7_bytes", copy().put(6, Bytes(7, 1)).bytes(), "short_channel_id has 8 bytes",
                "bad length", as(false, false));
  cases.invalid("forward_with_path_key", copy().put(12, vector_point("payer").view()).bytes(),
                "current_path_key belongs to a blinded payload", "unexpected field", as(false, false));
  cases.invalid("forward_through_path_key", plain.bytes(), "the HTLC came with a path key: the payload is blinded",
                "missing field", as(false, true));
  cases.valid("blinded_forward", blinded.bytes(), as(false, true));
  cases.valid("blinded_forward_as_introduction_node", Records(blinded).put(12, vector_point("payer").view()).bytes(),
              as(false, false));
  cases.invalid("blinded_forward_without_path_key", blinded.bytes(),
                "neither update_add_htlc nor payload has a path key", "missing field", as(false, false));
  cases.invalid("blinded_forward_path_key_off_the_curve",
                Records(blinded).put(12, hex("02" + std::string(62, '0') + "05")).bytes(), "not a point of the curve",
                "not a valid point", as(false, false));
  for (auto [type, value] : {std::pair<std::uint64_t, const char*>{2, "01"},
                             {4, "01"},
                             {6, "0000000000000001"},
                             {18, "01"},
                             {1, "00"},
                             {77'777, "00"}})
    cases.invalid("blinded_forward_with_" + std::to_string(type), Records(blinded).put(type, hex(value)).bytes(),
                  "a forwarding hop of a blinded path has nothing but its encrypted data", "unexpected field",
                  as(false, true));
  cases.invalid("blinded_forward_with_preimage", Records(blinded).put(wire::kPaymentPreimage, Bytes(32, 1)).bytes(),
                "a forwarding hop of a blinded path has nothing but its encrypted data", "unexpected field",
                as(false, true));
}

// ---- whole onions ----

/// Builds from flags, peels at each node in turn; the case contains each layer. The input is `field` of what is built.
void whole_onion(List& list, const char* kind, const std::string& name, Flags flags, const char* field,
                 const std::vector<std::string>& nodes) {
  flags["seed"] = std::string(kVectorSeed);
  auto built = onion_build(flags);
  LN_ASSERT(built.has_value());
  auto input = std::get<std::string>(built->find(field)->inner());
  Value one;
  one.set("name", name).set("kind", kind).set("valid", true).set("input", input);
  Value build;
  for (const auto& [flag, value] : flags)
    if (flag != "seed") std::visit([&, key = flag](const auto& inner) { build.set(key, inner); }, value);
  for (auto [flag, key] : {std::pair{"session_key", "session"}, std::pair{"onion_key", "onion"}})
    if (!flags.contains(flag) && flags.contains("message"))
      build.set(std::string(flag), to_hex(vector_key(key).reveal()));
  one.set("build", build.set("seed", kVectorSeed));
  Flags peel{{"packet", input}};
  if (flags.contains("associated_data")) {
    peel["associated_data"] = flags["associated_data"];
    one.set("associated_data", std::get<std::string>(flags["associated_data"]));
  }
  List layers;
  for (const auto& node : nodes) {
    auto peeled = peel_layer(peel, to_hex(vector_key(node).reveal()));
    LN_ASSERT(peeled.has_value());
    layers.push_back(
        Value().set("node_private_key", to_hex(vector_key(node).reveal())).set("expect", *std::move(peeled)));
  }
  list.push_back(std::move(one.set("layers", std::move(layers))));
}

void whole_message(List& list, const std::string& name, Flags flags, const std::vector<std::string>& nodes) {
  whole_onion(list, "onion_message", name, std::move(flags), "onion_message", nodes);
}

std::string path_hex(const std::vector<std::string>& nodes, const std::string& label) {
  return to_hex(wire::to_bytes(vector_path(nodes, label)));
}

/// A message whose last payload is `payload`, to a path of one hop: the recipient.
Bytes raw_message(const Bytes& payload) {
  auto path = vector_path({"recipient"}, "raw");
  std::vector<onion::Hop> hops{{path.path[0].blinded_node_id, onion::with_length(payload)}};
  auto packet = onion::build_packet(vector_key("onion"), hops, {}, onion::kPaymentPayloads);
  LN_ASSERT(packet.has_value());
  return wire::encode(wire::OnionMessage{path.first_path_key, *packet});
}

void broken_messages(List& list) {
  CaseList cases("onion_message", &list);
  auto encrypted = vector_path({"recipient"}, "raw").path[0].encrypted_recipient_data;
  auto recipient =
      Value().set("layers", List{Value().set("node_private_key", to_hex(vector_key("recipient").reveal()))});
  auto bad = [&](const std::string& name, const Bytes& message, const std::string& reason, const std::string& error) {
    cases.invalid(name, message, reason, error, recipient);
  };
  Records good(wire::TlvWriter().add(4, encrypted).add(72, hex("00")).take());
  auto message = raw_message(good.bytes());
  auto changed = [&](std::size_t at) {
    auto out = message;
    out.at(at) ^= 1;
    return out;
  };
  constexpr std::size_t kPathKey = 2, kPacket = 2 + 33 + 2;
  bad("hmac_with_another_bit", changed(message.size() - 1), "the HMAC does not fit", "not encrypted for us");
  bad("payload_with_another_bit", changed(kPacket + 34 + 10), "the HMAC covers the payloads", "not encrypted for us");
  bad("public_key_negated", changed(kPacket + 1), "another shared secret", "not encrypted for us");
  bad("path_key_negated", changed(kPathKey), "another blinded key", "not encrypted for us");
  bad("version_1", changed(kPacket), "the version is 0", "not encrypted for us");
  cases.invalid("key_of_another_node", message, "each layer opens only with its own node's key", "not encrypted for us",
                Value().set("layers", List{Value().set("node_private_key", to_hex(vector_key("payer").reveal()))}));
  bad("without_encrypted_data", raw_message(Records(good).drop(4).bytes()), "encrypted_recipient_data is missing",
      "breaks the rules");
  auto garbled = encrypted;
  garbled.back() ^= 1;
  bad("encrypted_data_garbled", raw_message(Records(good).put(4, garbled).bytes()), "its MAC does not fit",
      "breaks the rules");
  bad("without_contents", raw_message(Records(good).drop(72).bytes()), "nothing is said", "no contents");
  bad("two_contents", raw_message(Records(good).put(74, hex("00")).bytes()), "exactly one message", "no contents");
  bad("a_second_unknown_odd_message", raw_message(Records(good).put(73, hex("00")).bytes()), "exactly one message",
      "no contents");
  bad("only_an_unknown_odd_message", raw_message(Records(good).drop(72).put(73, hex("00")).bytes()),
      "nothing that we know is said", "no contents");
  bad("only_an_unknown_even_message", raw_message(Records(good).drop(72).put(76, hex("00")).bytes()),
      "an unknown even type", "breaks the rules");
  bad("unknown_even_below_64", raw_message(Records(good).put(6, hex("00")).bytes()), "an unknown even type",
      "breaks the rules");
  bad("reply_path_cut", raw_message(Records(good).put(2, hex("02")).bytes()), "reply_path is cut", "breaks the rules");
  bad("reply_path_without_hops",
      raw_message(Records(good).put(2, ByteView(wire::to_bytes(vector_path({"payer"}, "reply"))).first(66)).bytes()),
      "reply_path is cut", "breaks the rules");
  bad("contents_with_an_unknown_even_record", raw_message(Records(good).put(72, hex("020200")).bytes()),
      "an unknown even type inside of held_htlc_available", "breaks the rules");
  bad("records_swapped", raw_message(Records(good).swap(0, 1).bytes()), "types increase", "breaks the rules");
}

// ---- whole payment onions ----

std::string hop(const PublicKey& node, const onion::Payload& payload) {
  return node.hex() + ":" + to_hex(onion::encode(payload));
}
std::string forward_hop(const std::string& node, Msat amount, CltvExpiry cltv, ShortChannelId scid) {
  return hop(vector_point(node), onion::ForwardPayload{amount, cltv, scid});
}

/// From payer_lsp over recipient_lsp, the introduction node, to the recipient: as for a static invoice.
std::string hops_into_a_blinded_path(Profile profile) {
  auto made = create_blinded_path({{"nodes", std::string("recipient_lsp,recipient")},
                                   {"seed", std::string(kVectorSeed)},
                                   {"session_key", std::string("session payment")},
                                   {"payment", true},
                                   {"scids", std::string("700x1x0")},
                                   {"cltv_expiry_delta", std::uint64_t{72}},
                                   {"fee_base_msat", std::uint64_t{1'000}},
                                   {"max_cltv_expiry", std::uint64_t{900'000}},
                                   {"path_id", std::string(48, '7')}});
  LN_ASSERT(made.has_value());
  auto bytes = hex(std::get<std::string>(made->find("hex")->inner()));
  Reader in(bytes);
  auto path = wire::read_blinded_path(in);
  LN_ASSERT(path.has_value());
  auto last = onion::decode_payload(final_payload(profile), true, true);
  LN_ASSERT(last.has_value());
  std::get<onion::FinalPayload>(*last).encrypted_recipient_data = path->path[1].encrypted_recipient_data;
  return forward_hop("payer_lsp", Msat(251'000), CltvExpiry(800'216), ShortChannelId::of(600, 2, 1)) + "," +
         hop(vector_point("recipient_lsp"),
             onion::BlindedForwardPayload{path->path[0].encrypted_recipient_data, path->first_path_key}) +
         "," + hop(path->path[1].blinded_node_id, *last);
}

void broken_payments(List& list, const std::string& good, const std::string& payment_hash) {
  CaseList cases("payment_onion", &list);
  auto opened_by = [&](const std::string& node, const std::string& associated_data) {
    return Value()
        .set("associated_data", associated_data)
        .set("layers", List{Value().set("node_private_key", to_hex(vector_key(node).reveal()))});
  };
  auto packet = hex(good);
  auto bad = [&](const std::string& name, std::size_t at, const std::string& reason, const std::string& error) {
    auto out = packet;
    out.at(at) ^= 1;
    cases.invalid(name, out, reason, error, opened_by("payer_lsp", payment_hash));
  };
  bad("hmac_with_another_bit", packet.size() - 1, "the HMAC does not fit", "bad onion HMAC");
  bad("payload_with_another_bit", 34 + 10, "the HMAC covers the payloads", "bad onion HMAC");
  bad("public_key_negated", 1, "another key, although the shared secret's x is the same", "bad onion HMAC");
  bad("version_1", 0, "the version is 0", "unknown onion version");
  cases.invalid("key_of_another_node", packet, "each layer opens only with its own node's key", "bad onion HMAC",
                opened_by("payer", payment_hash));
  cases.invalid("another_payment_hash", packet, "the HMAC covers the payment_hash, too", "bad onion HMAC",
                opened_by("payer_lsp", std::string(64, '9')));
  constexpr std::size_t kHexBeforePayloads = 2 * (1 + 33);
  cases.invalid("public_key_off_the_curve", hex("0002" + std::string(62, '0') + "05" + good.substr(kHexBeforePayloads)),
                "not a point of the curve", "no point", opened_by("payer_lsp", payment_hash));
}

}  // namespace

Value payload_vectors() {
  List list;
  CaseList cases("payment_onion_payload", &list);
  for (auto profile : {Profile::Ldk, Profile::Draft}) final_ones(cases, profile);
  auto both = Records(final_payload(Profile::Ldk)).put(1, vector_request().bytes()).bytes();
  cases.valid("final_with_the_invoice_request_in_both_profiles", both, as(true, true));
  forwarding_ones(cases);
  return file_of(
      "Payloads of payment onions, without their length: the last hop of a payment for a static invoice, and "
      "forwarding "
      "hops. 'last': the packet ended here; 'through_path_key': update_add_htlc had a path_key.",
      {"payer", "issuer"}, std::move(list));
}

Value payment_onion_vectors() {
  List list;
  auto payment_hash = crypto::sha256(derived({{"seed", std::string(kVectorSeed)}}, "preimage").view()).hex();
  auto add = [&](const std::string& name, const std::string& hops, const std::vector<std::string>& nodes) {
    whole_onion(
        list, "payment_onion", name,
        {{"hops", hops}, {"session_key", to_hex(vector_key("session").reveal())}, {"associated_data", payment_hash}},
        "packet", nodes);
  };
  onion::FinalPayload last{Msat(250'000), CltvExpiry(800'144)};
  last.payment_secret = derived({{"seed", std::string(kVectorSeed)}}, "payment_secret");
  last.total_amount_msat = Msat(250'000);
  auto to_the_node = hop(vector_point("recipient"), last);
  add("to_a_node",
      forward_hop("payer_lsp", Msat(251'000), CltvExpiry(800'216), ShortChannelId::of(600, 2, 1)) + "," +
          forward_hop("recipient_lsp", Msat(250'000), CltvExpiry(800'144), ShortChannelId::of(700, 1, 0)) + "," +
          to_the_node,
      {"payer_lsp", "recipient_lsp", "recipient"});
  add("to_the_neighbour", to_the_node, {"recipient"});
  for (auto profile : {Profile::Ldk, Profile::Draft})
    add(std::string("for_a_static_invoice_") + name(profile), hops_into_a_blinded_path(profile),
        {"payer_lsp", "recipient_lsp", "recipient"});
  broken_payments(list, std::get<std::string>(list.front().find("input")->inner()), payment_hash);
  return file_of(
      "Whole onions of payments, 1,366 bytes each: built with the keys in 'build', opened at each node of the way. "
      "'associated_data' is the payment_hash. Behind the introduction node each layer opens with the path key that the "
      "one before gives.",
      {"payer", "payer_lsp", "recipient_lsp", "recipient", "session", "session payment"}, std::move(list));
}

Value onion_message_vectors() {
  List list;
  using Nodes = std::vector<std::string>;
  const Nodes to_recipient{"recipient_lsp", "recipient"};
  for (std::string profile : {"ldk", "draft"}) {
    auto with = [&](Flags flags) {
      flags["profile"] = profile;
      return flags;
    };
    auto parsed = profile == "ldk" ? Profile::Ldk : Profile::Draft;
    whole_message(list, "held_htlc_available_with_the_release_path_as_reply_path_" + profile,
                  with({{"message", std::string("held_htlc_available")},
                        {"to", path_hex(to_recipient, "message 0")},
                        {"reply_path", path_hex({"payer_lsp"}, "release 7")}}),
                  to_recipient);
    whole_message(list, "held_htlc_available_over_the_payers_lsp_" + profile,
                  with({{"message", std::string("held_htlc_available")},
                        {"to", path_hex(to_recipient, "message 0")},
                        {"way", vector_point("payer_lsp").hex()},
                        {"reply_path", path_hex({"payer_lsp"}, "release 7")}}),
                  {"payer_lsp", "recipient_lsp", "recipient"});
    whole_message(list, "release_held_htlc_over_the_release_path_" + profile,
                  with({{"message", std::string("release_held_htlc")}, {"to", path_hex({"payer_lsp"}, "release 7")}}),
                  {"payer_lsp"});
    whole_message(list, "offer_paths_request_" + profile,
                  with({{"message", std::string("offer_paths_request")},
                        {"invoice_slot", std::uint64_t{3}},
                        {"to", path_hex({"server"}, "invitation")},
                        {"reply_path", path_hex({"server", "recipient"}, "offer_paths reply")}}),
                  {"server"});
    whole_message(list, "offer_paths_" + profile,
                  with({{"message", std::string("offer_paths")},
                        {"paths", path_hex({"server"}, "offer")},
                        {"expires_at", kVectorTime.value() + 31'536'000},
                        {"to", path_hex({"server", "recipient"}, "offer_paths reply")},
                        {"reply_path", path_hex({"server"}, "serve")}}),
                  {"server", "recipient"});
    whole_message(list, "serve_static_invoice_" + profile,
                  with({{"message", std::string("serve_static_invoice")},
                        {"contents", to_hex(vector_static_invoice(parsed).bytes())},
                        {"paths", path_hex({"server", "recipient"}, "forward")},
                        {"to", path_hex({"server"}, "serve")},
                        {"reply_path", path_hex({"server", "recipient"}, "persisted")}}),
                  {"server"});
    whole_message(list, "static_invoice_persisted_" + profile,
                  with({{"message", std::string("static_invoice_persisted")},
                        {"to", path_hex({"server", "recipient"}, "persisted")}}),
                  {"server", "recipient"});
    whole_message(list, "static_invoice_to_the_payer_" + profile,
                  with({{"message", std::string("static_invoice")},
                        {"contents", to_hex(vector_static_invoice(parsed).bytes())},
                        {"to", path_hex({"payer_lsp", "payer"}, "invoice reply")}}),
                  {"payer_lsp", "payer"});
  }
  whole_message(list, "invoice_request_to_the_server",
                {{"message", std::string("invoice_request")},
                 {"contents", to_hex(vector_request().bytes())},
                 {"to", path_hex({"server"}, "offer")},
                 {"way", vector_point("payer_lsp").hex()},
                 {"reply_path", path_hex({"payer_lsp", "payer"}, "invoice reply")}},
                {"payer_lsp", "server"});
  broken_messages(list);
  return file_of(
      "Whole onion messages: built with the keys in 'build', opened at each node of the way. A wire message each, type "
      "included.",
      {"payer", "payer_lsp", "recipient_lsp", "recipient", "server", "issuer", "session", "onion"}, std::move(list));
}

}  // namespace doze::toolbox
