// The six onion messages of async payments (and their neighbours), and what #1149 adds to messages between peers.
#include "toolbox/vector_parts.h"
#include "wire/messages.h"
#include "wire/tlv.h"

namespace doze::toolbox {

namespace {

Value type_of(std::uint64_t type) {
  return Value().set("tlv_type", type);
}

/// LDK's bodies have their length in front.
Bytes body(Profile profile, ByteView stream) {
  Writer out;
  if (wire::numbers(profile).length_prefixed) wire::write_bigsize(out, stream.size());
  return out.bytes(stream).take();
}

void empty_messages(CaseList& cases) {
  for (auto [type, name] : {std::pair{wire::kOmHeldHtlcAvailable, "held_htlc_available"},
                            std::pair{wire::kOmReleaseHeldHtlc, "release_held_htlc"}}) {
    std::string of = name;
    cases.valid(of + "_ldk", hex("00"), type_of(type));
    cases.valid(of + "_draft", Bytes{}, type_of(type));
    cases.valid(of + "_ldk_with_an_unknown_odd_record", hex("020100"), type_of(type));
    cases.valid(of + "_ldk_with_something_behind_it", hex("0000"), type_of(type));
    cases.valid(of + "_draft_with_an_unknown_odd_record", hex("0100"), type_of(type));
    cases.invalid(of + "_with_an_unknown_even_record", hex("020200"), "an unknown even type", "unknown even",
                  type_of(type));
    cases.invalid(of + "_of_one_wrong_byte", hex("05"), "neither a length that fits nor a TLV stream", "truncated",
                  type_of(type));
  }
  for (auto profile : {Profile::Ldk, Profile::Draft}) {
    auto type = wire::numbers(profile).static_invoice_persisted;
    std::string of = std::string("static_invoice_persisted_") + name(profile);
    cases.valid(of, body(profile, {}), type_of(type));
    cases.valid(of + "_with_an_unknown_odd_record", body(profile, hex("0100")), type_of(type));
    cases.invalid(of + "_with_an_unknown_even_record", body(profile, hex("0000")), "an unknown even type",
                  "unknown even", type_of(type));
  }
  cases.invalid("static_invoice_persisted_ldk_without_length", Bytes{}, "LDK's body begins with its length",
                "truncated", type_of(wire::kLdk.static_invoice_persisted));
}

void requests_and_paths(CaseList& cases, Profile profile) {
  const auto& numbers = wire::numbers(profile);
  std::string of = std::string("_") + name(profile);
  auto request = type_of(numbers.offer_paths_request), paths = type_of(numbers.offer_paths);
  cases.valid("offer_paths_request_slot_0" + of, body(profile, hex("00020000")), request);
  cases.valid("offer_paths_request_slot_258" + of, body(profile, hex("00020102")), request);
  cases.valid("offer_paths_request_with_an_unknown_odd_record" + of, body(profile, hex("000200000100")), request);
  cases.invalid("offer_paths_request_without_slot" + of, body(profile, {}), "invoice_slot is missing", "missing field",
                request);
  cases.invalid("offer_paths_request_slot_of_one_byte" + of, body(profile, hex("000100")), "invoice_slot is a u16",
                "bad length", request);
  cases.invalid("offer_paths_request_slot_of_three_bytes" + of, body(profile, hex("0003000000")),
                "invoice_slot is a u16", "bad length", request);
  cases.invalid("offer_paths_request_unknown_even" + of, body(profile, hex("000200000200")), "an unknown even type",
                "unknown even", request);

  auto one = wire::to_bytes(vector_path({"server"}, "offer"));
  auto two = one;
  append(two, wire::to_bytes(vector_path({"server"}, "offer 2")));
  auto stream = [](ByteView value) { return wire::TlvWriter().add(0, value).take(); };
  auto with_expiry = stream(one);
  append(with_expiry, hex("020800000000713fb300"));
  cases.valid("offer_paths_one" + of, body(profile, stream(one)), paths);
  cases.valid("offer_paths_two" + of, body(profile, stream(two)), paths);
  cases.valid("offer_paths_with_expiry" + of, body(profile, with_expiry), paths);
  cases.invalid("offer_paths_without_paths" + of, body(profile, hex("020800000000713fb300")), "paths are missing",
                "missing field", paths);
  cases.invalid("offer_paths_cut" + of, body(profile, stream(ByteView(one).first(one.size() - 1))), "a path is cut",
                "truncated", paths);
  auto short_expiry = stream(one);
  append(short_expiry, hex("0204713fb300"));
  cases.invalid("offer_paths_expiry_of_4_bytes" + of, body(profile, short_expiry),
                "paths_absolute_expiry is a u64 of 8 bytes", "bad length", paths);
  if (!numbers.length_prefixed) return;
  cases.invalid("offer_paths_request_without_length" + of, hex("00020000"), "LDK's body begins with its length",
                "missing field", request);
  cases.invalid("offer_paths_request_length_too_large" + of, hex("0500020000"), "the length says more than there is",
                "truncated", request);
}

void serving(CaseList& cases, Profile profile) {
  std::string of = std::string("_") + name(profile);
  auto type = type_of(wire::numbers(profile).serve_static_invoice);
  auto invoice = vector_static_invoice(profile).bytes();
  auto path = wire::to_bytes(vector_path({"server", "recipient"}, "forward"));
  cases.valid("serve_static_invoice" + of, body(profile, wire::TlvWriter().add(0, invoice).add(2, path).take()), type);
  cases.invalid("serve_static_invoice_without_invoice" + of, body(profile, wire::TlvWriter().add(2, path).take()),
                "invoice is missing", "missing field", type);
  cases.invalid("serve_static_invoice_without_path" + of, body(profile, wire::TlvWriter().add(0, invoice).take()),
                "forward_invoice_request_path is missing", "missing field", type);
  auto two = path;
  append(two, path);
  cases.invalid("serve_static_invoice_with_two_paths" + of,
                body(profile, wire::TlvWriter().add(0, invoice).add(2, two).take()), "exactly one path",
                "trailing bytes", type);
  cases.invalid(
      "serve_static_invoice_path_without_hops" + of,
      body(profile, wire::TlvWriter()
                        .add(0, invoice)
                        .add(2, hex(std::string("02") + std::string(64, '1') + "02" + std::string(64, '1') + "00"))
                        .take()),
      "a path has at least one hop", "forbidden value", type);
}

wire::UpdateAddHtlc add_htlc() {
  wire::UpdateAddHtlc out;
  out.channel_id.bytes.fill(0x11);
  out.id = 7;
  out.amount_msat = Msat(250'000);
  out.payment_hash.bytes.fill(0x22);
  out.cltv_expiry = CltvExpiry(800'144);
  out.onion_routing_packet = Bytes(wire::kPaymentOnionBytes, 0x33);
  return out;
}

void hold_flag(CaseList& cases) {
  auto plain = wire::encode(add_htlc());
  auto with = [&](std::string_view tlvs) {
    auto out = plain;
    append(out, hex(tlvs));
    return out;
  };
  auto point = vector_point("payer").hex();
  cases.valid("update_add_htlc_without_hold", plain);
  cases.valid("update_add_htlc_hold_ldk", with("fe0001271100"));
  cases.valid("update_add_htlc_hold_draft", with("0200"));
  cases.valid("update_add_htlc_hold_in_both_forms_counts_as_ldks", with("0200fe0001271100"));
  cases.valid("update_add_htlc_hold_ldk_with_path_key", with("0021" + point + "fe0001271100"));
  cases.valid("update_add_htlc_hold_draft_with_path_key", with("0021" + point + "0200"));
  cases.valid("update_add_htlc_with_an_unknown_odd_record", with("fe00010001080000000000000005"));
  cases.invalid("update_add_htlc_hold_ldk_with_a_byte", with("fe000127110100"), "the flag is empty", "bad length");
  cases.invalid("update_add_htlc_hold_draft_with_a_byte", with("020100"), "the flag is empty", "bad length");
  cases.invalid("update_add_htlc_unknown_even_record", with("0400"), "an unknown even type", "unknown even");
  cases.invalid("update_add_htlc_records_in_the_wrong_order", with("fe00012711000200"), "types increase",
                "not increasing");
  cases.invalid("update_add_htlc_type_not_minimal", with("fd000200"), "BigSize in its shortest form", "not minimally");
  cases.invalid("update_add_htlc_path_key_of_32_bytes", with("0020" + point.substr(2)), "path_key is a point",
                "bad length");
  cases.invalid("update_add_htlc_cut", Bytes(plain.begin(), plain.end() - 1), "the onion is cut", "truncated");
  cases.invalid("update_add_htlc_hold_flag_cut", with("fe00012711"), "the length is missing", "truncated");
}

void release_paths(CaseList& cases) {
  wire::RevokeAndAck raa;
  raa.channel_id.bytes.fill(0x11);
  raa.per_commitment_secret.raw().fill(0x44);
  raa.next_per_commitment_point = vector_point("payer_lsp");
  auto first = vector_path({"payer_lsp"}, "release 7"), second = vector_path({"payer_lsp"}, "release 8");
  auto encoded = [&](std::vector<wire::ReleasePath> paths) {
    auto copy = raa;
    copy.release_paths = std::move(paths);
    return wire::encode(copy);
  };
  auto with = [&](std::uint64_t type, ByteView value) {
    auto out = wire::encode(raa);
    append(out, wire::TlvWriter().add(type, value).take());
    return out;
  };
  cases.valid("revoke_and_ack_without_paths", encoded({}));
  cases.valid("revoke_and_ack_ldk_one_htlc", encoded({{7, first, Profile::Ldk}}));
  cases.valid("revoke_and_ack_ldk_two_htlcs", encoded({{7, first, Profile::Ldk}, {8, second, Profile::Ldk}}));
  cases.valid("revoke_and_ack_ldk_two_paths_for_one_htlc",
              encoded({{7, first, Profile::Ldk}, {7, second, Profile::Ldk}}));
  cases.valid("revoke_and_ack_draft_two_paths",
              encoded({{std::nullopt, first, Profile::Draft}, {std::nullopt, second, Profile::Draft}}));
  cases.valid("revoke_and_ack_draft_one_path", encoded({{std::nullopt, first, Profile::Draft}}));
  cases.valid("revoke_and_ack_ldk_empty_list", with(75'537, {}));
  auto bytes = wire::to_bytes(first);
  auto named = Writer().u64(7).bytes(bytes).take();
  const auto ldk = wire::kLdk.raa_release_paths, draft = wire::kDraft.raa_release_paths;
  cases.invalid("revoke_and_ack_ldk_path_cut", with(ldk, ByteView(named).first(named.size() - 1)), "the path is cut",
                "truncated");
  cases.invalid("revoke_and_ack_ldk_only_an_id", with(ldk, ByteView(named).first(8)), "the path is missing",
                "truncated");
  cases.invalid("revoke_and_ack_ldk_id_cut", with(ldk, ByteView(named).first(5)), "htlc_id is a u64", "truncated");
  cases.invalid("revoke_and_ack_ldk_without_ids", with(ldk, bytes), "each path stands behind its htlc_id",
                "release path");
  cases.invalid("revoke_and_ack_draft_with_ids", with(draft, named), "a path has at least one hop, and no id",
                "release path");
  cases.invalid("revoke_and_ack_draft_path_cut", with(draft, ByteView(bytes).first(40)), "the path is cut",
                "truncated");
  auto no_hops = bytes;
  no_hops[66] = 0;
  no_hops.resize(67);
  cases.invalid("revoke_and_ack_draft_path_without_hops", with(draft, no_hops), "a path has at least one hop",
                "forbidden value");
  auto bad_key = bytes;
  bad_key[33] = 5;
  cases.invalid("revoke_and_ack_draft_path_key_05", with(draft, bad_key), "a compressed point begins with 02 or 03",
                "not a valid point");
  cases.invalid("revoke_and_ack_unknown_even", with(2, {}), "an unknown even type", "unknown even");
}

}  // namespace

Value contents_vectors() {
  List list;
  CaseList cases("onion_message_contents", &list);
  empty_messages(cases);
  for (auto profile : {Profile::Ldk, Profile::Draft}) {
    requests_and_paths(cases, profile);
    serving(cases, profile);
    cases.valid(std::string("static_invoice_") + name(profile), vector_static_invoice(profile).bytes(),
                type_of(wire::kOmStaticInvoice));
  }
  cases.valid("invoice_request", vector_request().bytes(), type_of(wire::kOmInvoiceRequest));
  cases.valid("invoice_error_ldk", hex("0405026869"), type_of(wire::kOmInvoiceError));
  cases.valid("invoice_error_draft", hex("05026869"), type_of(wire::kOmInvoiceError));
  cases.invalid("type_76", hex("00"), "no message that we know, and even", "unknown even", type_of(76));
  return file_of(
      "What the last hop of an onion message holds: the six messages of async payments, and the invoice "
      "messages that go with them. 'input' is the value of the TLV of 'tlv_type'.",
      {"server", "recipient", "session offer", "session offer 2", "session forward"}, std::move(list));
}

Value peer_message_vectors() {
  List list;
  CaseList cases("message", &list);
  hold_flag(cases);
  release_paths(cases);
  return file_of(
      "update_add_htlc with the hold flag and revoke_and_ack with release paths; 'input' is the whole "
      "message, type included.",
      {"payer", "payer_lsp", "session release 7", "session release 8"}, std::move(list));
}

}  // namespace doze::toolbox
