// Fields by name and unit, and broken rules with their place.
#include "toolbox/decode.h"

#include <gtest/gtest.h>

#include "crypto/crypto.h"
#include "offers/bolt11.h"
#include "offers/text.h"
#include "samples.h"
#include "wire/messages_other.h"
#include "wire/test/shape_bytes.h"
#include "wire/tlv.h"

namespace doze::toolbox {
namespace {

using namespace testing;

Problem refused(ByteView bytes, std::string_view as) {
  auto read = decode_bytes(bytes, as);
  EXPECT_FALSE(read.has_value());
  return read ? Problem{} : read.error();
}

/// The byte at which record `type` stands.
std::size_t place_of(ByteView stream, std::uint64_t type) {
  auto records = wire::parse_tlv_stream(stream);
  std::size_t at = 0;
  for (const auto& record : *records) {
    if (record.type == type) return at;
    at += record.whole.size();
  }
  return 0;
}

TEST(DecodeFields, amounts_and_times_have_their_units) {
  auto read = decode(offer().text());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(text(*read, "offer_amount_msat"), "5000");
  EXPECT_EQ(text(*read, "offer_absolute_expiry"), "2025-06-16T15:06:40Z");
  EXPECT_EQ(text(*read, "offer_absolute_expiry_unix"), "1750086400");
  EXPECT_EQ(text(*read, "offer_id"), offer().id().hex());
}

TEST(DecodeFields, features_have_names) {
  wire::Init init;
  init.features = wire::FeatureBits{12, 153, 200};
  auto read = decode(to_hex(wire::encode(init)));
  ASSERT_TRUE(read.has_value()) << read.error().text();
  const auto& bits = std::get<List>(read->find("features")->inner());
  ASSERT_EQ(bits.size(), 3u);
  EXPECT_EQ(std::get<std::string>(bits[0].inner()), "12 option_static_remotekey compulsory");
  EXPECT_EQ(std::get<std::string>(bits[1].inner()), "153 option_htlc_hold (LDK's number) optional");
  EXPECT_EQ(std::get<std::string>(bits[2].inner()), "200 unassigned compulsory");
}

TEST(DecodeFields, every_record_of_a_stream_is_shown_unknown_ones_too) {
  auto bytes = offer().bytes();
  append(bytes, wire::TlvWriter().add(79, hex("beef")).take());
  auto read = decode_bytes(bytes, "offer");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(text(*read, "unknown_79"), "beef");
}

TEST(DecodeFields, text_is_what_was_signed_whatever_it_holds_and_however_long_it_is) {
  offers::OfferTerms terms;
  terms.description = "tea\x1b[31m \\ family \xe2\x80\x8d\r\n" + std::string(5'000, 'x');
  terms.issuer_id = point(0x42);
  auto read = decode(offers::Offer::make(terms)->text());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(text(*read, "offer_description"), *terms.description);
}

TEST(DecodeFields, a_static_invoice_tells_its_profile) {
  for (auto profile : {Profile::Ldk, Profile::Draft}) {
    auto read = decode(to_hex(static_invoice(profile).bytes()));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(text(*read, "profile"), name(profile));
  }
}

TEST(DecodeFields, a_held_htlc_shows_flag_and_path_key) {
  auto read = decode(to_hex(wire::encode(held_htlc())));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(text(*read, "message"), "update_add_htlc");
  EXPECT_EQ(text(*read, "hold_htlc"), "ldk");
  EXPECT_EQ(text(*read, "path_key"), point(0x48).hex());
  EXPECT_EQ(text(*read, "cltv_expiry"), "600");
}

TEST(DecodeFields, an_unknown_odd_message_is_valid_and_an_even_one_is_not) {
  EXPECT_TRUE(decode_bytes(hex("8001aabb"), "message").has_value());
  auto problem = refused(hex("8000aabb"), "message");
  EXPECT_EQ(problem.at, 0u);
}

TEST(DecodeFields, a_message_that_nobody_here_speaks_is_shown_field_by_field) {
  wire::SpliceInit splice;
  splice.funding_contribution_satoshis = -100'000;
  splice.funding_pubkey = point(5);
  splice.require_confirmed_inputs = true;
  auto read = decode(to_hex(wire::encode_other(splice)));
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(text(*read, "message"), "splice_init");
  EXPECT_EQ(std::get<std::int64_t>(read->find("funding_contribution_satoshis")->inner()), -100'000);
  EXPECT_TRUE(std::get<bool>(read->find("require_confirmed_inputs")->inner()));

  wire::TxSignatures signatures;
  signatures.witnesses = {hex("0202aabb01cc"), hex("05aa")};
  read = decode_bytes(wire::encode_other(signatures), "message");
  ASSERT_TRUE(read.has_value());
  const auto& witnesses = std::get<List>(read->find("witnesses")->inner());
  ASSERT_EQ(witnesses.size(), 2u);
  const auto& elements = std::get<List>(witnesses[0].inner());
  ASSERT_EQ(elements.size(), 2u);
  EXPECT_EQ(std::get<std::string>(elements[0].inner()), "aabb");
  EXPECT_EQ(std::get<std::string>(witnesses[1].inner()), "05aa");  // no witness: as it stands
}

TEST(DecodeFields, every_field_and_record_of_every_message_is_shown_by_name) {
  for (const auto& shape : wire::message_shapes()) {
    auto read = decode_bytes(wire::message_of(shape, point(5)), "message");
    ASSERT_TRUE(read.has_value()) << read.error().text();
    EXPECT_EQ(text(*read, "message"), shape.name);
    for (const auto& field : shape.fields) EXPECT_NE(read->find(field.name), nullptr) << field.name;
    for (const auto& record : shape.records) EXPECT_NE(read->find(record.name), nullptr) << record.name;
    EXPECT_EQ(read->find("extension"), nullptr);
  }
}

TEST(DecodeFields, records_that_machines_leave_alone_have_names) {
  auto fail = wire::encode(wire::UpdateFailHtlc{});
  append(fail, wire::TlvWriter().add(1, Bytes(920, 0x11)).add(7, hex("aa")).take());
  auto read = decode_bytes(fail, "message");
  ASSERT_TRUE(read.has_value()) << read.error().text();
  const auto* attribution = read->find("attribution_data");
  ASSERT_NE(attribution, nullptr);
  EXPECT_EQ(text(*attribution, "htlc_hold_times").size(), 160u);
  EXPECT_EQ(text(*read, "unknown_7"), "aa");

  auto query = wire::encode(wire::QueryChannelRange{});
  append(query, hex("010103"));
  read = decode_bytes(query, "message");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(text(*read, "query_option"), "3");
}

TEST(DecodeFields, what_stands_behind_a_message_without_records_is_shown) {
  auto fee = wire::encode(wire::UpdateFee{});
  append(fee, hex("0101"));
  auto read = decode_bytes(fee, "message");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(text(*read, "extension"), "0101");
}

TEST(DecodePlaces, a_record_of_another_size_is_blamed_though_machines_do_not_read_it) {
  auto signed_message = wire::encode(wire::CommitmentSigned{});
  auto at = signed_message.size();
  append(signed_message, wire::TlvWriter().add(1, Bytes(31)).take());
  auto problem = refused(signed_message, "message");
  EXPECT_EQ(problem.rule, "funding_txid: bad length");
  EXPECT_EQ(problem.field, 1u);
  EXPECT_EQ(problem.at, at + 2);
}

TEST(DecodePlaces, a_bad_record_of_any_message_is_blamed_by_type_and_byte) {
  wire::ClosingSig closing;
  auto bytes = wire::encode_other(closing);
  auto at = bytes.size();
  append(bytes, wire::TlvWriter().add(3, Bytes(63)).take());
  auto problem = refused(bytes, "message");
  EXPECT_EQ(problem.field, 3u);
  EXPECT_EQ(problem.at, at + 2);
}

TEST(DecodePlaces, a_bad_field_is_blamed_where_it_stands) {
  auto bytes = offer().bytes();
  auto at = place_of(bytes, 10);
  bytes[at + 2] = 0xff;  // the first byte of the description
  auto problem = refused(bytes, "offer");
  EXPECT_EQ(problem.field, 10u);
  EXPECT_EQ(problem.at, at);
  EXPECT_NE(problem.rule.find("offer_description"), std::string::npos);
}

TEST(DecodePlaces, in_text_the_character_is_named_as_well) {
  auto bytes = offer().bytes();
  auto at = place_of(bytes, 8);
  bytes[at + 2] = 0;  // amount 0x1388 becomes 0x0088: a leading zero
  auto read = decode(offers::encode_text("lno", bytes));
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().at, at);
  EXPECT_EQ(read.error().character, 4 + at * 8 / 5 + 1);  // "lno1" in front, five bits a character, from 1
}

TEST(DecodePlaces, a_missing_field_is_blamed_where_it_would_stand) {
  auto bytes = static_invoice(Profile::Ldk).bytes();
  auto at = place_of(bytes, 164);
  auto length = wire::find(*wire::parse_tlv_stream(bytes), 164)->whole.size();
  bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at),
              bytes.begin() + static_cast<std::ptrdiff_t>(at + length));
  auto problem = refused(bytes, "static_invoice");
  EXPECT_EQ(problem.field, 164u);
  EXPECT_EQ(problem.at, at);
}

TEST(DecodePlaces, a_bad_point_inside_of_paths_is_found) {
  auto bytes = offer().bytes();
  auto value_at = place_of(bytes, 16) + 2;
  auto key_at = value_at + 33;
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(key_at + 1),
            bytes.begin() + static_cast<std::ptrdiff_t>(key_at + 33), std::uint8_t{0});
  bytes[key_at + 32] = 5;
  auto problem = refused(bytes, "offer");
  EXPECT_EQ(problem.at, key_at);
}

TEST(DecodePlaces, a_cut_message_names_the_field) {
  auto bytes = wire::encode(held_htlc());
  bytes.resize(2 + 32 + 8 + 3);
  auto problem = refused(bytes, "message");
  EXPECT_EQ(problem.rule, "amount_msat: truncated");
  EXPECT_EQ(problem.at, bytes.size());
}

TEST(DecodePlaces, a_bad_amount_in_a_message_is_blamed_at_its_first_byte) {
  auto bytes = wire::encode(held_htlc());
  std::fill(bytes.begin() + 42, bytes.begin() + 50, std::uint8_t{0xff});
  auto problem = refused(bytes, "message");
  EXPECT_EQ(problem.rule, "amount_msat: forbidden value");
  EXPECT_EQ(problem.at, 42u);
}

TEST(DecodePlaces, a_record_of_a_message_is_blamed_by_type_and_byte) {
  auto bytes = wire::encode(held_htlc());
  append(bytes, hex("fe0001271200"));
  auto problem = refused(bytes, "message");
  EXPECT_EQ(problem.field, 0x12712u);
  EXPECT_EQ(problem.at, bytes.size());
  EXPECT_NE(problem.rule.find("unknown even"), std::string::npos);
}

TEST(DecodeKinds, another_kind_than_asked_for_is_refused_and_named) {
  auto read = decode(offer().text(), "invoice");
  ASSERT_FALSE(read.has_value());
  EXPECT_NE(read.error().text().find("it is a valid offer"), std::string::npos);
  EXPECT_FALSE(decode("00", "nonsense").has_value());
}

TEST(DecodeKinds, a_psbt_shows_its_transaction) {
  Writer psbt;
  auto raw = hex("0200000001" + std::string(64, 'a') +
                 "0000000000feffffff01e8030000000000001600140000000000000000000000000000000000"
                 "00000000000000");
  psbt.bytes(hex("70736274ff")).u8(1).u8(0).u8(static_cast<std::uint8_t>(raw.size())).bytes(raw).u8(0);
  psbt.u8(1).u8(3).u8(4).u32_le(1).u8(0);  // sighash_type of the input
  psbt.u8(0);                              // the output has nothing
  auto read = decode(to_hex(psbt.view()));
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(text(*read, "type"), "psbt");
  const auto& inputs = std::get<List>(read->find("inputs")->inner());
  ASSERT_EQ(inputs.size(), 1u);
  EXPECT_EQ(text(inputs[0], "sighash_type"), "01000000");
  auto cut = psbt.view();
  cut.pop_back();
  auto problem = refused(cut, "psbt");
  EXPECT_EQ(problem.at, cut.size());
}

TEST(DecodeKinds, a_psbt_of_version_2_shows_the_transaction_that_its_maps_make) {
  auto read = decode(
      "cHNidP8BAgQCAAAAAQQBAQEFAQIB+wQCAAAAAAEOIAsK2SFBnByHGXNdctxzn56p4GONH+TB7vD5lECEgV/"
      "IAQ8EAAAAAAABAwgACK8vAAAAAAEEF"
      "gAUxDD2TEdW2jENvRoIVXLvKZkmJywAAQMIi73rCwAAAAABBBYAFE3Rk6yWSlasG54cyoRU/i9HT4UTAA==");
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(text(*read, "version"), "2");
  EXPECT_EQ(text(*read->find("unsigned_transaction"), "outputs_total_sat"), "999998859");
}

TEST(DecodeKinds, a_payload_may_have_its_length_in_front) {
  for (std::string text : {"0202138d0402028a06080002580000010000", "120202138d0402028a06080002580000010000"}) {
    auto read = decode(text);
    ASSERT_TRUE(read.has_value()) << read.error().text();
    EXPECT_EQ(testing::text(*read, "type"), "payment_onion_payload");
    EXPECT_EQ(testing::text(*read, "short_channel_id"), "600x1x0");
  }
}

TEST(DecodeKinds, too_long_text_is_refused_unread) {
  EXPECT_FALSE(decode(std::string(kMaxPastedBytes + 1, 'a')).has_value());
}

TEST(DecodeKinds, a_request_that_its_issuer_must_refuse_is_no_valid_one) {
  const std::pair<const char*, std::string> cases[] = {
      {"no amount anywhere",
       "00201f51f20ff71cce6a65898517bd30126aae11b1354bc3524af4a3c85e531018700a046f70656e1621028c1b3fa3a0a4e7"
       "fdb4ecee420ca99bc75ba291e86686263240c2528bd736d69a582103b47fe42c66d483df265d0dcd4d22fe2dd61b6e3f2b79"
       "54af7d7071a099144370f040e35bf57f7b2a790f1c0adf99244977f3ef481892cb90aec7382c3239ce1ef36f10ef7167613a"
       "8eb72e277ac1a9aca0d8b2810d94420240e871178e4d6f288236"},
      {"4999 of 5000 msat",
       "00201f51f20ff71cce6a65898517bd30126aae11b1354bc3524af4a3c85e53101870080213880a037465611621028c1b3fa3"
       "a0a4e7fdb4ecee420ca99bc75ba291e86686263240c2528bd736d69a52021387582103b47fe42c66d483df265d0dcd4d22fe"
       "2dd61b6e3f2b7954af7d7071a099144370f04006956901a63ac5c408328ce6a4d232ea1ed9570b426d792cbe928c34e33190"
       "2b9d28b750871522cc3807b08b24ad4017c55b6f49ca30d50a72a0ee0d124da350"},
      {"quantity missing",
       "00201f51f20ff71cce6a65898517bd30126aae11b1354bc3524af4a3c85e53101870080213880a01711401051621028c1b3f"
       "a3a0a4e7fdb4ecee420ca99bc75ba291e86686263240c2528bd736d69a582103b47fe42c66d483df265d0dcd4d22fe2dd61b"
       "6e3f2b7954af7d7071a099144370f0400ae3f29f43cb88e1418e8fcc4cf02f48bcd944941c09dff773d462591d9f28de8bba"
       "d65d6cfb17e729c0ad40edd39c2b9f6e76a4bcff14d5a28e3b09a34967b6"},
      {"quantity 6 of 5",
       "00201f51f20ff71cce6a65898517bd30126aae11b1354bc3524af4a3c85e53101870080213880a01711401051621028c1b3f"
       "a3a0a4e7fdb4ecee420ca99bc75ba291e86686263240c2528bd736d69a560106582103b47fe42c66d483df265d0dcd4d22fe"
       "2dd61b6e3f2b7954af7d7071a099144370f04070ff1713836084c38e8d7f269b7e01c03fc6cc2f035dd2afd4e134688a669c"
       "cc31e345c086e2187e181eabb701aac0110321d57bb9b1c81060f6b0321192bdb5"},
      {"quantity 0",
       "00201f51f20ff71cce6a65898517bd30126aae11b1354bc3524af4a3c85e53101870080213880a01711401051621028c1b3f"
       "a3a0a4e7fdb4ecee420ca99bc75ba291e86686263240c2528bd736d69a5600582103b47fe42c66d483df265d0dcd4d22fe2d"
       "d61b6e3f2b7954af7d7071a099144370f04086fd5107d79ade978568b045356c5322f835d4ca347a1e8eb2b67a8d9cf9646a"
       "9803c2454f72e25fb0ded6902f1170887d185ef3e7d9d374d0afe4dc64a96b45"},
      {"quantity not offered",
       "00201f51f20ff71cce6a65898517bd30126aae11b1354bc3524af4a3c85e53101870080213880a037465611621028c1b3fa3"
       "a0a4e7fdb4ecee420ca99bc75ba291e86686263240c2528bd736d69a560101582103b47fe42c66d483df265d0dcd4d22fe2d"
       "d61b6e3f2b7954af7d7071a099144370f0405ace39ce71119b200f359e1750e12b31a28f12176c984a46238f56a4489d8161"
       "8d4cdbff487881c2e45b5eee435fcd60b073e71bb2e90f4cb51bedf30914ab6f"},
  };
  for (const auto& [name, hex] : cases) {
    auto read = decode(hex, "invoice_request");
    ASSERT_FALSE(read.has_value()) << name;
    EXPECT_NE(read.error().hint.find("must refuse it"), std::string::npos) << name << ": " << read.error().text();
  }
}

TEST(DecodeKinds, every_route_hint_of_an_invoice_is_shown) {
  auto read = decode(
      "lnbcrt10u1p4smy58pp50jwg5z4ecyem9rn8xxy3gktnm6eydjed8g4zrmrc6a7k72xjwl6ssp5ktqjvcmk4awf7sflddy3ypheu"
      "mgqlyq2sewv4ffmzejyexc3t63sdq9w3mk7cqzpv9qrsgqrzjqwz2k0v2l2l2v2ts7zlux293jz5day4j6jhq77rle3anpm9n7da"
      "20aacpe3e444c6qqqqgegqqqqhwqqfqrzjqw5h3l4v0ycn270c4djvdadzun9l4tvlf6rwzm784ngu0j0pd9ll8ldkxxjcrpfl4u"
      "qqqqlgqqqqqeqqfqg5c5zs7vm8799nc3khn2759hfx9s7t6ahnkf9th5u7ydc7zya308z8v9vz7jrhyhmmvpl4jwgt3pq0042kky"
      "0mzpg5p0cltnz3fn77cpz0e4pn");
  ASSERT_TRUE(read.has_value()) << read.error().text();
  const auto* hints = read->find("route_hints");
  ASSERT_NE(hints, nullptr);
  const auto& list = std::get<List>(hints->inner());
  ASSERT_EQ(list.size(), 2u);
  EXPECT_TRUE(text_in(std::get<List>(list[0].inner())[0], "node_id").starts_with("0384ab3d"));
  EXPECT_TRUE(text_in(std::get<List>(list[1].inner())[0], "node_id").starts_with("03a978fe"));
}

TEST(DecodeKinds, a_superfluous_character_and_a_mistyped_one_have_different_reasons) {
  auto superfluous = decode("lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pkseseq");
  ASSERT_FALSE(superfluous.has_value());
  EXPECT_NE(superfluous.error().rule.find("superfluous"), std::string::npos) << superfluous.error().text();
}

TEST(DecodeKinds, an_offer_of_the_first_drafts_is_named_as_such) {
  Writer stream;
  wire::write_record(stream, 10, bytes_of("tea"));
  wire::write_record(stream, 30, Bytes(32, 2));
  auto read = decode(offers::encode_text(offers::kOfferPrefix, stream.view()));
  ASSERT_FALSE(read.has_value());
  EXPECT_NE(read.error().hint.find("first drafts"), std::string::npos) << read.error().text();
}

TEST(DecodeKinds, names_that_the_DNS_cannot_hold_get_no_DNS_name) {
  for (const auto* text : {"user+tag@example.com", "mailto:user@example.com"}) {
    auto read = decode(text);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().hint.find("_bitcoin-payment"), std::string::npos) << read.error().text();
  }
  auto label = std::string(63, 'a');
  auto read = decode("a@" + label + ".cafe");
  ASSERT_FALSE(read.has_value());
  EXPECT_NE(read.error().hint.find("a.user._bitcoin-payment." + label + ".cafe"), std::string::npos)
      << read.error().text();
}

TEST(DecodeKinds, the_ids_that_other_implementations_give_an_offer_are_shown_by_name) {
  auto read = decode(offer().text());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(text_in(*read, "offer_id"), offer().id().hex());
  EXPECT_EQ(text_in(*read, "offer_id_of_core_lightning"), crypto::sha256(offer().bytes()).hex());
  EXPECT_EQ(text_in(*read, "offer_id_of_ldk").size(), 64u);
  EXPECT_NE(text_in(*read, "offer_id_of_ldk"), text_in(*read, "offer_id"));
}

TEST(DecodeKinds, the_prefix_lntb_does_not_tell_testnet3_from_testnet4) {
  offers::Bolt11Terms terms;
  terms.network = wire::Network::Testnet4;
  terms.timestamp = kNow;
  terms.fields = {PaymentHash{}, offers::bolt11::PaymentSecret{}, offers::bolt11::Description{"tea"},
                  wire::FeatureBits{wire::kVarOnion, wire::kPaymentSecret}};
  auto invoice = offers::Bolt11Invoice::make(terms, point(7),
                                             [](const Hash32& digest) { return crypto::ecdsa_sign(key(7), digest); });
  ASSERT_TRUE(invoice.has_value());
  EXPECT_EQ(text(*decode(invoice->text()), "network"), "testnet 3 or 4 (the prefix is the same)");
}

}  // namespace
}  // namespace doze::toolbox
