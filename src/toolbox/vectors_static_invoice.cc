// Static invoices, whole and broken, and what a payer checks beyond their bytes.
#include "crypto/crypto.h"
#include "toolbox/vector_parts.h"
#include "wire/tlv.h"

namespace doze::toolbox {

namespace {

constexpr const char* kTag = "static_invoice";

struct Maker {
  Profile profile;
  Records base;
  PrivateKey key = vector_key("issuer");
  std::uint64_t message_paths;
  CaseList cases;

  Maker(Profile p, List* to)
      : profile(p),
        base(vector_static_invoice(p).bytes()),
        message_paths(wire::numbers(p).static_invoice_message_paths),
        cases("static_invoice", to) {}

  void bad(const std::string& name, Records records, const std::string& reason, const std::string& error) {
    cases.invalid(name, records.signed_by(key, kTag), reason, error);
  }
  void good(const std::string& name, Records records) { cases.valid(name, records.signed_by(key, kTag)); }
  [[nodiscard]] Records copy() const { return base; }
};

Bytes with_byte(Bytes bytes, std::size_t at, std::uint8_t byte) {
  bytes.at(at) = byte;
  return bytes;
}

std::string number_text(std::uint64_t type) {
  return std::to_string(type);
}

void good_ones(Maker& m) {
  Value build;
  build.set("offer", to_hex(vector_offer().bytes())).set("key", to_hex(m.key.reveal())).set("profile", name(m.profile));
  build.set("payment_paths", to_hex(m.base.value(160)) + ":" + to_hex(m.base.value(162)));
  build.set("message_paths", to_hex(m.base.value(m.message_paths))).set("created_at", kVectorTime.value());
  m.cases.valid("plain", m.base.bytes()).set("build", build);
  build.set("relative_expiry_s", std::uint64_t{31'536'000}).set("multipart", true);
  m.cases
      .valid("relative_expiry_of_a_year_and_several_parts_allowed",
             m.copy().put(166, wire::tu(31'536'000)).put(174, hex("020000")).signed_by(m.key, kTag))
      .set("build", build);
  m.good("relative_expiry_zero", m.copy().put(166, Bytes{}));
  m.good("created_at_zero", m.copy().put(164, Bytes{}));
  m.good("features_empty", m.copy().put(174, Bytes{}));
  m.good("fallbacks_are_allowed", m.copy().put(172, hex("000014751e76e8199196d454941c45d1b3a323f1433bd6")));
  m.good("unknown_odd_record_of_the_offer", m.copy().put(79, hex("0102")));
  m.good("unknown_odd_experimental_record_of_the_offer", m.copy().put(1'000'000'001, hex("0102")));
  m.good("unknown_odd_record_of_the_invoice", m.copy().put(181, hex("aa")));
  m.good("unknown_odd_experimental_record_of_the_invoice", m.copy().put(3'000'000'001, hex("aa")));
  m.good("unknown_odd_signature_record_is_not_signed", m.copy().put(241, hex("00")));
  Bytes two_paths = m.base.value(160), two_infos = m.base.value(162);
  append(two_paths, m.base.value(160));
  append(two_infos, m.base.value(162));
  m.good("two_payment_paths", m.copy().put(160, two_paths).put(162, two_infos));
  Bytes one_unusable = m.base.value(162);
  one_unusable.back() = 1;  // length of features
  one_unusable.push_back(0x01);
  append(one_unusable, m.base.value(162));
  m.good("of_two_payment_paths_one_asks_for_an_unknown_feature", m.copy().put(160, two_paths).put(162, one_unusable));
  auto by_channel = vector_path({"recipient_lsp", "recipient"}, "message 0");
  by_channel.first_node_id = wire::ScidDir{1, ShortChannelId::of(600, 2, 1)};
  auto both = wire::to_bytes(by_channel);
  append(both, m.base.value(m.message_paths));
  m.good("introduction_node_named_by_a_channel", m.copy().put(m.message_paths, both));
  m.good("offer_without_amount_and_description", m.copy().drop(8).drop(10));
  m.good("offer_without_chains_is_of_mainnet", m.copy().drop(2));
  // Without an issuer_id the last blinded_node_id of a path of the offer signs.
  auto session = vector_key("session offer");
  auto server_secret = crypto::ecdh(session, vector_point("server"));
  auto blinded = *crypto::tweak_mul(vector_key("server"),
                                    crypto::hmac_sha256(bytes_of("blinded_node_id"), server_secret.reveal()).view());
  m.cases.valid("without_issuer_id_the_last_blinded_node_signs",
                m.copy().drop(22).put(176, crypto::public_key(blinded).view()).signed_by(blinded, kTag));
}

void missing_and_unexpected(Maker& m) {
  const std::pair<std::uint64_t, const char*> needed[] = {{160, "invoice_paths"},
                                                          {162, "invoice_blindedpay"},
                                                          {164, "invoice_created_at"},
                                                          {176, "invoice_node_id"},
                                                          {m.message_paths, "the message paths"},
                                                          {16, "offer_paths"}};
  for (const auto& [type, name] : needed)
    m.bad("without_" + number_text(type), m.copy().drop(type), std::string(name) + " is missing", "missing field");
  m.cases.invalid("without_240", Records(m.base).drop(240).bytes(), "the signature is missing", "missing field");
  m.bad("without_22_and_another_key", m.copy().drop(22),
        "without issuer_id the key must be the last blinded_node_id of a path of the offer", "forbidden value");
  const std::pair<std::uint64_t, const char*> unexpected[] = {
      {0, "5a5a"},
      {80, "06226e46111a0b59caaf126043eb5bbf28c34f3a5e332a1fc7b2b73cf188910f"},
      {82, "03e8"},
      {84, ""},
      {86, "01"},
      {88, "02f00c0c061b4e8843c949d24057a7ed09bcdd47a0de186f10729d05d7f53c2b12"},
      {89, "6869"},
      {91, "0161016200"},
      {93, ""},
      {159, ""},
      {2'000'000'000, ""},
      {2'999'999'999, ""}};
  for (const auto& [type, value] : unexpected)
    m.bad("with_" + number_text(type), m.copy().put(type, hex(value)),
          "a field of an invoice_request must not be in a static invoice", "unexpected field");
  m.bad("with_payment_hash", m.copy().put(168, Bytes(32, 0x77)), "a static invoice has no payment_hash",
        "unexpected field");
  m.bad("with_amount", m.copy().put(170, wire::tu(250'000)), "a static invoice has no amount", "unexpected field");
  auto other = wire::numbers(m.profile == Profile::Ldk ? Profile::Draft : Profile::Ldk).static_invoice_message_paths;
  m.bad("with_message_paths_of_both_profiles", m.copy().put(other, m.base.value(m.message_paths)),
        "236 and 178 exclude each other: each is unknown and even to a reader of the other", "unexpected field");
  for (std::uint64_t type : {24, 78, 180, 234, 238, 242, 1'000'000'000})
    m.bad("unknown_even_" + number_text(type), m.copy().put(type, hex("00")), "an unknown even type", "unknown even");
  m.bad("unknown_even_3000000000", m.copy().put(3'000'000'000, hex("00")), "an unknown even type", "unknown even");
}

void bad_values(Maker& m) {
  m.bad("two_chains", m.copy().put(2, Bytes(64, 0x11)), "offer_chains has at most one chain in a static invoice",
        "forbidden value");
  m.bad("chains_of_31_bytes", m.copy().put(2, Bytes(31, 0x11)), "offer_chains is a multiple of 32 bytes", "bad length");
  m.bad("amount_with_a_leading_zero", m.copy().put(8, hex("000001")), "a truncated integer has no leading zero",
        "not minimally encoded");
  m.bad("amount_without_description", m.copy().drop(10), "an offer with an amount has a description", "missing field");
  m.bad("amount_zero", m.copy().put(8, Bytes{}), "offer_amount is above zero", "forbidden value");
  m.bad("description_not_utf8", m.copy().put(10, hex("c328")), "offer_description is UTF-8", "not UTF-8");
  m.bad("offer_feature_unknown", m.copy().put(12, hex("04")), "an unknown compulsory feature", "unknown even");
  m.bad("created_at_with_a_leading_zero", m.copy().put(164, hex("0068")), "a truncated integer has no leading zero",
        "not minimally encoded");
  m.bad("created_at_of_9_bytes", m.copy().put(164, Bytes(9, 1)), "a truncated 64-bit integer has at most 8 bytes",
        "bad length");
  m.bad("relative_expiry_of_5_bytes", m.copy().put(166, Bytes(5, 1)), "a truncated 32-bit integer has at most 4 bytes",
        "bad length");
  m.bad("relative_expiry_with_a_leading_zero", m.copy().put(166, hex("0001")),
        "a truncated integer has no leading zero", "not minimally encoded");
  m.bad("invoice_feature_unknown", m.copy().put(174, hex("040000")), "an unknown compulsory feature (18)",
        "unknown even");
  m.bad("node_id_of_32_bytes", m.copy().put(176, Bytes(32, 2)), "a point has 33 bytes", "bad length");
  auto off_curve = hex("020000000000000000000000000000000000000000000000000000000000000005");
  m.bad("node_id_off_the_curve", m.copy().put(176, off_curve), "not a point of the curve", "not a valid point");
  m.bad("issuer_id_off_the_curve", m.copy().put(22, off_curve), "not a point of the curve", "not a valid point");
  m.cases.invalid("node_id_is_another_key",
                  m.copy().put(176, vector_point("payer").view()).signed_by(vector_key("payer"), kTag),
                  "invoice_node_id is the offer's issuer_id", "forbidden value");
}

void bad_paths(Maker& m) {
  auto paths = m.base.value(160), messages = m.base.value(m.message_paths), infos = m.base.value(162);
  for (auto [type, value, name] :
       {std::tuple{std::uint64_t{160}, paths, "payment_paths"}, std::tuple{m.message_paths, messages, "message_paths"},
        std::tuple{std::uint64_t{16}, m.base.value(16), "offer_paths"}}) {
    std::string of = name;
    m.bad(of + "_empty", m.copy().put(type, Bytes{}), "at least one path", "forbidden value");
    m.bad(of + "_cut", m.copy().put(type, ByteView(value).first(value.size() - 1)), "the last hop is cut", "truncated");
    m.bad(of + "_without_hops", m.copy().put(type, with_byte(value, 66, 0)), "a path has at least one hop",
          "forbidden value");
    m.bad(of + "_one_hop_too_few_announced", m.copy().put(type, with_byte(value, 66, 200)), "num_hops says more",
          "truncated");
    m.bad(of + "_introduction_04", m.copy().put(type, with_byte(value, 0, 4)),
          "first_node_id begins with 00, 01, 02 or 03", "not a valid point");
    m.bad(of + "_path_key_04", m.copy().put(type, with_byte(value, 33, 4)), "first_path_key is a compressed point",
          "not a valid point");
    auto off = value;
    std::fill(off.begin() + 34, off.begin() + 66, std::uint8_t{0});
    off[65] = 5;
    m.bad(of + "_path_key_off_the_curve", m.copy().put(type, off), "first_path_key is not on the curve",
          "not a valid point");
  }
  auto twice = infos;
  append(twice, infos);
  m.bad("two_payinfos_for_one_path", m.copy().put(162, twice), "one blinded_payinfo for each path", "bad length");
  m.bad("no_payinfo", m.copy().put(162, Bytes{}), "one blinded_payinfo for each path", "bad length");
  m.bad("payinfo_cut", m.copy().put(162, ByteView(infos).first(infos.size() - 1)), "blinded_payinfo is cut",
        "bad length");
  auto even = Bytes(infos.begin(), infos.end() - 1);  // the last byte is the length of the features
  append(even, Bytes{1, 0x01});
  m.bad("only_payment_path_asks_for_an_unknown_feature", m.copy().put(162, even), "no payment path can be used",
        "unknown even");
}

void bad_streams(Maker& m) {
  auto good = m.copy().signed_by(m.key, kTag);
  auto cut = [&](std::size_t at) { return ByteView(good).first(at); };
  m.cases.invalid("empty", Bytes{}, "there is nothing", "missing field");
  m.cases.invalid("cut_in_the_first_type", Bytes{0xfd}, "a type of three bytes that is cut", "truncated");
  m.cases.invalid("cut_behind_a_type", cut(1), "the length is missing", "truncated");
  m.cases.invalid("cut_in_a_value", cut(good.size() / 2), "a value is cut", "truncated");
  m.cases.invalid("cut_before_the_last_byte", cut(good.size() - 1), "the signature is cut", "truncated");
  auto longer = good;
  longer.push_back(0xfd);
  m.cases.invalid("a_byte_behind_the_end", longer, "a type that is cut", "truncated");
  m.cases.invalid("two_records_swapped", Records(good).swap(0, 1).bytes(), "types increase", "not increasing");
  m.cases.invalid("the_signature_twice", Records(good).append(240, Bytes(64, 1)).bytes(), "types increase strictly",
                  "not increasing");
  Bytes long_type = hex("fd0002");
  append(long_type, ByteView(good).subspan(1));
  m.cases.invalid("type_in_three_bytes", long_type, "BigSize in its shortest form", "not minimally");
  Bytes long_length = hex("02fd0020");
  append(long_length, ByteView(good).subspan(2));
  m.cases.invalid("length_in_three_bytes", long_length, "BigSize in its shortest form", "not minimally");
  m.cases.invalid("signature_of_63_bytes", m.copy().put(240, Bytes(63, 1)).bytes(), "a signature has 64 bytes",
                  "bad length");
  auto signature = m.copy().value(240);
  signature.back() ^= 1;
  m.cases.invalid("signature_with_another_bit", m.copy().put(240, signature).bytes(), "the signature does not fit",
                  "bad signature");
  m.cases.invalid("signed_by_another_key", m.copy().signed_by(vector_key("payer"), kTag),
                  "the signature is not of invoice_node_id", "bad signature");
  for (const char* tag : {"invoice", "invoice_request", "staticinvoice"})
    m.cases.invalid(std::string("signed_with_the_tag_of_") + tag, m.copy().signed_by(m.key, tag),
                    "the tag's name is static_invoice", "bad signature");
  m.cases.invalid("a_record_changed_after_signing", Records(good).put(166, wire::tu(99)).bytes(),
                  "the signature covers every record", "bad signature");
  m.cases.invalid("an_odd_record_added_after_signing", Records(good).put(181, hex("00")).bytes(),
                  "the signature covers unknown records, too", "bad signature");
}

}  // namespace

Value static_invoice_vectors(Profile profile) {
  List cases;
  Maker maker(profile, &cases);
  good_ones(maker);
  missing_and_unexpected(maker);
  bad_values(maker);
  bad_paths(maker);
  bad_streams(maker);
  return file_of(std::string("Static invoices in profile ") + name(profile) +
                     ": every record, and what breaks. All but those about signatures are signed by 'issuer'.",
                 {"issuer", "payer", "server", "recipient_lsp", "recipient", "session offer", "session payment",
                  "session message 0", "session message 1"},
                 std::move(cases));
}

Value payer_check_vectors() {
  List list;
  CaseList cases("static_invoice_check", &list);
  for (auto profile : {Profile::Ldk, Profile::Draft}) {
    auto invoice = vector_static_invoice(profile);
    auto key = vector_key("issuer");
    auto offer = to_hex(vector_offer().bytes());
    std::string of = std::string("_") + name(profile);
    auto with = [&](std::uint64_t time) { return Value().set("offer", offer).set("time", time); };
    auto created = kVectorTime.value();
    cases.valid("fits_its_offer" + of, invoice.bytes(), with(created));
    cases.valid("at_the_last_second" + of, invoice.bytes(), with(created + offers::kDefaultStaticInvoiceExpiryS));
    cases.invalid("expired_by_a_second" + of, invoice.bytes(), "created_at + relative_expiry has passed",
                  "the invoice has not expired", with(created + offers::kDefaultStaticInvoiceExpiryS + 1));
    auto long_lived = Records(invoice.bytes()).put(166, hex("ffffffff")).signed_by(key, "static_invoice");
    cases.valid("offer_at_its_last_second" + of, long_lived, with(created + 31'536'000));
    cases.invalid("offer_expired" + of, long_lived, "offer_absolute_expiry has passed", "the offer has not expired",
                  with(created + 31'536'001));
    auto multipart = Records(invoice.bytes()).put(174, hex("010000")).signed_by(key, "static_invoice");
    cases.invalid("several_parts_compulsory" + of, multipart,
                  "a payer that pays with one HTLC cannot pay what must be paid in several", "invoice_features",
                  with(created));
    auto other = Records(invoice.bytes()).put(10, bytes_of("a cup of coffee")).signed_by(key, "static_invoice");
    cases.invalid("for_another_offer" + of, other, "the offer's records are not those that were paid", "byte for byte",
                  with(created));
    auto more = Records(invoice.bytes()).put(79, hex("00")).signed_by(key, "static_invoice");
    cases.invalid("with_one_more_offer_record" + of, more, "the offer's records are not those that were paid",
                  "byte for byte", with(created));
    auto fewer = Records(invoice.bytes()).drop(8).drop(10).signed_by(key, "static_invoice");
    cases.invalid("with_two_offer_records_less" + of, fewer, "the offer's records are not those that were paid",
                  "byte for byte", with(created));
  }
  auto one_path = Records(vector_static_invoice(Profile::Draft).bytes())
                      .put(178, wire::to_bytes(vector_path({"recipient_lsp", "recipient"}, "message 0")))
                      .signed_by(vector_key("issuer"), "static_invoice");
  cases.invalid("one_message_path_in_the_drafts_profile", one_path, "the draft's writer owes two message paths",
                "message paths", Value().set("offer", to_hex(vector_offer().bytes())).set("time", kVectorTime.value()));
  return file_of("What a payer checks of a static invoice besides its bytes: the offer that it paid, and the time.",
                 {"issuer"}, std::move(list));
}

}  // namespace doze::toolbox
