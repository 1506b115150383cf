// What is made is valid, the same every time, and opens with the right key only.
#include "toolbox/create.h"

#include <gtest/gtest.h>

#include "crypto/crypto.h"
#include "samples.h"
#include "toolbox/decode.h"
#include "toolbox/descriptors.h"
#include "toolbox/onion_tools.h"

namespace doze::toolbox {
namespace {

using namespace testing;

std::string made(const Made<Value>& value, const char* field) {
  EXPECT_TRUE(value.has_value()) << value.error().text();
  return value ? text(*value, field) : "";
}

std::string offer_text() {
  auto path = create_blinded_path({{"nodes", "server,bob"}, {"path_id", "2a"}});
  return made(create_offer({{"key", "bob"},
                            {"chain", "regtest"},
                            {"amount_msat", std::uint64_t{5'000}},
                            {"description", "tea"},
                            {"paths", made(path, "hex")}}),
              "text");
}

TEST(Keys, a_name_is_the_same_key_for_one_seed_and_another_for_another) {
  EXPECT_TRUE(*key_of({}, "alice") == *key_of({{"seed", "doze"}}, "alice"));
  EXPECT_FALSE(*key_of({{"seed", "a"}}, "alice") == *key_of({{"seed", "b"}}, "alice"));
  EXPECT_FALSE(*key_of({}, "alice") == *key_of({}, "bob"));
  auto hex_key = to_hex(key(7).reveal());
  EXPECT_TRUE(*key_of({}, hex_key) == key(7));
  EXPECT_FALSE(key_of({}, std::string(64, '0')).has_value());
  EXPECT_FALSE(key_of({}, std::string(64, 'f')).has_value());
  EXPECT_FALSE(key_of({}, "").has_value());
}

TEST(Create, the_whole_chain_of_objects_is_valid_and_reproducible) {
  auto offer = offer_text();
  EXPECT_EQ(offer, offer_text());
  auto request = made(create_invoice_request({{"offer", offer}, {"key", "alice"}}), "hex");
  auto invoice = made(
      create_invoice({{"request", request}, {"key", "bob"}, {"created_at", std::uint64_t{1'750'000'000}}}), "text");
  for (const auto& [object, type] :
       {std::pair{offer, "offer"}, std::pair{request, "invoice_request"}, std::pair{invoice, "invoice"}}) {
    auto read = decode(object);
    ASSERT_TRUE(read.has_value()) << read.error().text();
    EXPECT_EQ(text(*read, "type"), type);
  }
  for (std::string profile : {"ldk", "draft"}) {
    auto invoice_hex = made(
        create_static_invoice(
            {{"offer", offer}, {"key", "bob"}, {"profile", profile}, {"created_at", std::uint64_t{1'750'000'000}}}),
        "hex");
    auto read = decode(invoice_hex);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(text(*read, "profile"), profile);
  }
}

TEST(Create, an_invoice_by_the_wrong_key_is_refused) {
  auto request = made(create_invoice_request({{"offer", offer_text()}, {"key", "alice"}}), "hex");
  EXPECT_FALSE(
      create_invoice({{"request", request}, {"key", "mallory"}, {"created_at", std::uint64_t{1}}}).has_value());
  auto fixed = create_static_invoice(
      {{"offer", offer_text()}, {"key", "mallory"}, {"created_at", std::uint64_t{1'750'000'000}}});
  ASSERT_FALSE(fixed.has_value());
  EXPECT_NE(fixed.error().text().find("must be the offer's issuer_id"), std::string::npos) << fixed.error().text();
}

TEST(Create, what_is_missing_is_named) {
  auto offer = create_offer({{"amount_msat", std::uint64_t{5}}, {"key", "bob"}});
  ASSERT_FALSE(offer.has_value());
  EXPECT_NE(offer.error().text().find("offer_description"), std::string::npos);
  auto path = create_blinded_path({});
  ASSERT_FALSE(path.has_value());
  EXPECT_NE(path.error().text().find("--nodes"), std::string::npos);
}

TEST(Create, a_payment_path_carries_its_terms) {
  Flags flags{{"nodes", "lsp,bob"},
              {"scids", "600x1x0"},
              {"payment", true},
              {"fee_base_msat", std::uint64_t{1'000}},
              {"cltv_expiry_delta", std::uint64_t{72}}};
  auto both = made(create_blinded_path(flags), "payment_path");
  auto invoice = create_static_invoice(
      {{"offer", offer_text()}, {"key", "bob"}, {"payment_paths", both}, {"created_at", std::uint64_t{1'750'000'000}}});
  auto parsed = offers::StaticInvoice::parse(hex(made(invoice, "hex")));
  ASSERT_TRUE(parsed.has_value());
  ASSERT_EQ(parsed->payment_paths().size(), 1u);
  EXPECT_EQ(parsed->payment_paths()[0].payinfo.fee_base_msat, 1'000u);
  EXPECT_EQ(parsed->payment_paths()[0].payinfo.cltv_expiry_delta, 72 + 42);
  flags["scids"] = std::string("600x1");
  EXPECT_FALSE(create_blinded_path(flags).has_value());
}

TEST(Create, a_refund_is_answered_and_both_are_read) {
  Flags flags{{"key", "shop"},
              {"chain", "regtest"},
              {"amount_msat", std::uint64_t{7'000}},
              {"description", "the cup was broken"},
              {"payer_note", "sorry"},
              {"payer_paths", made(create_blinded_path({{"nodes", "shop"}}), "hex")}};
  auto refund = made(create_refund(flags), "text");
  EXPECT_TRUE(refund.starts_with("lnr1"));
  EXPECT_EQ(refund, made(create_refund(flags), "text"));
  auto read = decode(refund);
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(text(*read, "type"), "invoice_request");
  EXPECT_EQ(text(*read, "invreq_amount_msat"), "7000");
  auto invoice = made(
      create_invoice({{"request", refund}, {"key", "guest"}, {"created_at", std::uint64_t{1'750'000'000}}}), "text");
  auto answer = decode(invoice);
  ASSERT_TRUE(answer.has_value()) << answer.error().text();
  EXPECT_EQ(text(*answer, "invoice_amount_msat"), "7000");
  EXPECT_EQ(text(*answer, "invoice_node_id"), point_of({}, "guest")->hex());
  flags.erase("amount_msat");
  auto without = create_refund(flags);
  ASSERT_FALSE(without.has_value());
  EXPECT_NE(without.error().text().find("invreq_amount"), std::string::npos);
}

TEST(Create, an_offer_may_have_several_chains_or_a_price_in_a_currency) {
  Flags flags{{"key", "bob"}, {"description", "tea"}, {"chain", "mainnet,regtest"}};
  auto offer = offers::Offer::parse(made(create_offer(flags), "text"));
  EXPECT_EQ(offer->chains().size(), 2u);
  flags["currency"] = std::string("EUR");
  EXPECT_FALSE(create_offer(flags).has_value());  // without an amount
  flags["currency_amount"] = std::uint64_t{350};
  offer = offers::Offer::parse(made(create_offer(flags), "text"));
  EXPECT_EQ(offer->currency_amount(), 350u);
  flags["amount_msat"] = std::uint64_t{5};
  EXPECT_FALSE(create_offer(flags).has_value());  // two prices
  EXPECT_FALSE(create_offer({{"key", "bob"}, {"chain", "mars"}}).has_value());
}

TEST(Create, a_request_that_breaks_the_offers_terms_is_made_and_says_so) {
  Flags flags{{"offer", offer_text()}, {"key", "alice"}};
  EXPECT_EQ(create_invoice_request(flags)->find("problem"), nullptr);
  flags["amount_msat"] = std::uint64_t{0};
  EXPECT_NE(create_invoice_request(flags)->find("problem"), nullptr);
  flags.erase("amount_msat");
  flags["quantity"] = std::uint64_t{3};
  EXPECT_NE(create_invoice_request(flags)->find("problem"), nullptr);
  flags.erase("quantity");
  flags["chain"] = std::string("testnet4");
  EXPECT_NE(create_invoice_request(flags)->find("problem"), nullptr);
}

TEST(Create, a_request_carries_the_name_that_led_to_the_offer) {
  Flags flags{{"offer", offer_text()}, {"key", "alice"}, {"bip353_name", "bob@example.org"}};
  auto read = decode(made(create_invoice_request(flags), "hex"));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(text(*read, "invreq_bip_353_name"), "₿bob@example.org");
  flags["bip353_name"] = std::string("bob");
  EXPECT_FALSE(create_invoice_request(flags).has_value());
}

TEST(Create, an_invoice_error_names_field_and_value) {
  auto read =
      decode(made(create_invoice_error(
                      {{"error", "too little"}, {"erroneous_field", std::uint64_t{82}}, {"suggested_value", "2710"}}),
                  "hex"),
             "invoice_error");
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(text(*read, "erroneous_field"), "82");
  EXPECT_EQ(text(*read, "suggested_value"), "2710");
  EXPECT_FALSE(create_invoice_error({{"error", "no"}, {"suggested_value", "00"}}).has_value());
}

TEST(Create, a_blinded_path_may_hide_its_length_and_shorten_its_first_node) {
  auto bytes_of_path = [](const Flags& flags) { return hex(made(create_blinded_path(flags), "hex")); };
  Flags flags{{"nodes", "server,bob"}, {"path_id", "2a"}};
  auto plain = bytes_of_path(flags);
  flags["introduction"] = std::string("600x1x0/1");
  auto compact = bytes_of_path(flags);
  EXPECT_EQ(compact.size(), plain.size() - 24);
  EXPECT_EQ(to_hex(ByteView(compact).first(9)), "010002580000010000");
  flags["dummy_hops"] = std::uint64_t{2};
  auto long_path = bytes_of_path(flags);
  Reader in(long_path);
  auto path = wire::read_blinded_path(in);
  ASSERT_TRUE(path.has_value());
  ASSERT_EQ(path->path.size(), 4u);
  for (const auto& hop : path->path)
    EXPECT_EQ(hop.encrypted_recipient_data.size(), path->path[0].encrypted_recipient_data.size());
  flags["dummy_hops"] = std::uint64_t{11};
  EXPECT_FALSE(create_blinded_path(flags).has_value());
  flags = {{"nodes", "bob"}, {"introduction", "600x1x0/2"}};
  EXPECT_FALSE(create_blinded_path(flags).has_value());
}

TEST(Create, a_blinded_path_has_no_more_hops_and_bytes_than_its_counts_can_say) {
  auto nodes = [](int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += (i == 0 ? "" : ",") + ("n" + std::to_string(i));
    return out;
  };
  EXPECT_TRUE(create_blinded_path({{"nodes", nodes(255)}}).has_value());
  EXPECT_FALSE(create_blinded_path({{"nodes", nodes(256)}}).has_value());
  EXPECT_FALSE(create_blinded_path({{"nodes", nodes(255)}, {"dummy_hops", std::uint64_t{1}}}).has_value());
  EXPECT_TRUE(create_blinded_path({{"nodes", "a"}, {"path_id", std::string(2 * 65000, '0')}}).has_value());
  EXPECT_FALSE(create_blinded_path({{"nodes", "a"}, {"path_id", std::string(2 * 65520, '0')}}).has_value());
}

TEST(Create, what_only_payments_have_is_refused_in_a_path_for_messages) {
  for (const auto* name : {"fee_base_msat", "fee_proportional_millionths", "cltv_expiry_delta", "final_cltv_delta",
                           "max_cltv_expiry", "htlc_minimum_msat", "htlc_maximum_msat"}) {
    Flags flags{{"nodes", "server,bob"}, {name, std::uint64_t{9}}};
    EXPECT_FALSE(create_blinded_path(flags).has_value()) << name;
    flags["payment"] = true;
    EXPECT_TRUE(create_blinded_path(flags).has_value()) << name;
  }
  EXPECT_FALSE(create_blinded_path({{"nodes", "bob"},
                                    {"payment", true},
                                    {"htlc_minimum_msat", std::uint64_t{9}},
                                    {"htlc_maximum_msat", std::uint64_t{8}}})
                   .has_value());
}

TEST(Create, what_would_be_too_long_to_be_read_is_not_made) {
  Flags flags{{"key", "bob"}, {"description", std::string(81'000, 'a')}};
  auto offer = create_offer(flags);
  ASSERT_TRUE(offer.has_value()) << offer.error().text();
  EXPECT_TRUE(offers::Offer::parse(text(*offer, "text")).has_value());
  flags["description"] = std::string(82'000, 'a');
  EXPECT_NE(create_offer(flags).error().text().find("expected at most 131072"), std::string::npos);
  flags["amount_msat"] = std::uint64_t{1};
  EXPECT_NE(create_refund(flags).error().text().find("expected at most 131072"), std::string::npos);
  // The invoice repeats the request, and is longer.
  flags["description"] = std::string(81'700, 'a');
  auto invoice = create_invoice(
      {{"request", made(create_refund(flags), "text")}, {"key", "bob"}, {"created_at", std::uint64_t{1'750'000'000}}});
  ASSERT_FALSE(invoice.has_value());
  EXPECT_NE(invoice.error().text().find("expected at most 131072"), std::string::npos) << invoice.error().text();
}

TEST(Create, an_offer_without_issuer_id_takes_no_key) {
  auto path = made(create_blinded_path({{"nodes", "server,bob"}}), "hex");
  Flags flags{{"no_issuer_id", true}, {"paths", path}};
  EXPECT_TRUE(create_offer(flags).has_value());
  flags["key"] = std::string("bob");
  EXPECT_FALSE(create_offer(flags).has_value());
}

TEST(Onion, a_message_finds_its_way_to_a_path_that_a_channel_names) {
  auto path =
      made(create_blinded_path({{"nodes", "server,bob"}, {"path_id", "2a"}, {"introduction", "600x1x0/0"}}), "hex");
  Flags build{{"message", "release_held_htlc"}, {"to", path}, {"way", "carol"}};
  EXPECT_FALSE(onion_build(build).has_value());
  build["introduction"] = std::string("server");
  auto message = made(onion_build(build), "onion_message");
  for (std::string node : {"carol", "server"}) {
    auto peeled = onion_peel({{"packet", message}, {"key", node}});
    ASSERT_TRUE(peeled.has_value()) << node;
    message = text(*peeled, "onion_message");
  }
  auto last = onion_peel({{"packet", message}, {"key", "bob"}});
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(text(*last, "path_id"), "2a");
}

TEST(Descriptors, are_those_of_the_wallets_account) {
  const std::string words =
      "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
  Flags flags{{"network", "mainnet"}};
  auto listed = descriptors(flags, words);
  ASSERT_TRUE(listed.has_value()) << listed.error().text();
  const auto& all = std::get<List>(listed->find("descriptors")->inner());
  ASSERT_EQ(all.size(), 2u);
  EXPECT_TRUE(text(all[0], "desc").starts_with("wpkh([73c5da0a/84h/0h/0h]xpub6CatWdiZiodmUeTDp8LT5or8nmbKNcuyvz7Wyk"));
  EXPECT_NE(text(all[1], "desc").find("/1/*)#"), std::string::npos);
  flags["private"] = true;
  flags["network"] = std::string("regtest");
  listed = descriptors(flags, words);
  EXPECT_NE(text(std::get<List>(listed->find("descriptors")->inner())[0], "desc").find("/84h/1h/0h]tprv"),
            std::string::npos);
  EXPECT_NE(descriptors(flags, "abandon abandon").error().text().find("not 2"), std::string::npos);
}

TEST(Onion, a_payment_is_opened_hop_by_hop) {
  Flags build{{"hops", "carol:forward:5005:650:600x1x0,bob:final:5000:600"}, {"associated_data", "aabb"}};
  auto packet = made(onion_build(build), "packet");
  auto first = onion_peel({{"packet", packet}, {"key", "carol"}, {"associated_data", "aabb"}});
  ASSERT_TRUE(first.has_value()) << first.error().text();
  EXPECT_EQ(text(*first, "layer"), "forward");
  EXPECT_EQ(text(*first->find("payload"), "short_channel_id"), "600x1x0");
  auto last = onion_peel({{"packet", text(*first, "next_packet")}, {"key", "bob"}, {"associated_data", "aabb"}});
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(text(*last, "layer"), "final");
  EXPECT_EQ(text(*last->find("payload"), "amt_to_forward_msat"), "5000");
  EXPECT_FALSE(onion_peel({{"packet", packet}, {"key", "bob"}, {"associated_data", "aabb"}}).has_value());
  EXPECT_FALSE(onion_peel({{"packet", packet}, {"key", "carol"}}).has_value());
}

using Numbers = std::vector<std::uint64_t>;
/// A field that is a number, or a list of them.
Numbers numbers(const Value& value, const char* field) {
  const auto& inner = value.find(field)->inner();
  if (const auto* one = std::get_if<std::uint64_t>(&inner)) return {*one};
  Numbers out;
  for (const auto& each : std::get<List>(inner)) out.push_back(std::get<std::uint64_t>(each.inner()));
  return out;
}

TEST(Onion, a_failure_and_hold_times_come_back_to_the_origin) {
  auto built = onion_build({{"hops", "carol:forward:5005:650:600x1x0,bob:final:5000:600"}});
  ASSERT_TRUE(built.has_value());
  const auto& listed = std::get<List>(built->find("shared_secrets")->inner());
  auto carol = std::get<std::string>(listed[0].inner()), bob = std::get<std::string>(listed[1].inner());
  auto at_bob = onion_wrap({{"shared_secret", bob}, {"failure", "mpp_timeout"}, {"hold_time_ms", std::uint64_t{300}}});
  ASSERT_TRUE(at_bob.has_value()) << at_bob.error().text();
  Flags relay{{"shared_secret", carol},
              {"reason", text(*at_bob, "reason")},
              {"attribution_data", text(*at_bob, "attribution_data")},
              {"hold_time_ms", std::uint64_t{550}}};
  auto at_carol = onion_wrap(relay);
  ASSERT_TRUE(at_carol.has_value()) << at_carol.error().text();
  Flags back{{"shared_secrets", carol + "," + bob},
             {"reason", text(*at_carol, "reason")},
             {"attribution_data", text(*at_carol, "attribution_data")}};
  auto read = onion_unwrap(back);
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(numbers(*read, "failed_by_node"), Numbers{2});
  EXPECT_EQ(text(*read->find("failure_message"), "failure"), "mpp_timeout");
  EXPECT_EQ(numbers(*read, "hold_times_ms"), (Numbers{500, 300}));

  auto changed = text(*at_carol, "reason");
  changed.back() = changed.back() == '0' ? '1' : '0';
  back["reason"] = changed;
  read = onion_unwrap(back);
  EXPECT_FALSE(read.has_value());  // neither the failure nor the attribution is anybody's
  back.erase("attribution_data");
  EXPECT_FALSE(onion_unwrap(back).has_value());
}

TEST(Onion, a_failure_of_nobody_is_told_beside_the_nodes_that_passed_it_on) {
  std::string first(64, '1'), second(64, '2');
  auto passed_on = onion_wrap({{"shared_secret", first}, {"reason", std::string(2 * 292, '0')}});
  ASSERT_TRUE(passed_on.has_value()) << passed_on.error().text();
  auto read = onion_unwrap({{"shared_secrets", first + "," + second},
                            {"reason", text(*passed_on, "reason")},
                            {"attribution_data", text(*passed_on, "attribution_data")}});
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_NE(text(*read, "problem").find("no hop made the failure"), std::string::npos);
  EXPECT_EQ(read->find("failed_by_node"), nullptr);
  EXPECT_EQ(numbers(*read, "nodes_attributed"), Numbers{1});
}

TEST(Onion, hold_times_of_a_fulfilled_payment_need_no_failure) {
  std::string first(64, '1'), second(64, '2');
  auto last = onion_wrap({{"shared_secret", second}, {"hold_time_ms", std::uint64_t{100}}});
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->find("reason"), nullptr);
  auto relayed = onion_wrap({{"shared_secret", first}, {"attribution_data", text(*last, "attribution_data")}});
  auto read = onion_unwrap(
      {{"shared_secrets", first + "," + second}, {"attribution_data", text(*relayed, "attribution_data")}});
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(numbers(*read, "hold_times_ms"), (Numbers{0, 100}));
}

TEST(Onion, what_cannot_be_wrapped_is_named) {
  std::string secret(64, '1');
  EXPECT_FALSE(onion_wrap({{"shared_secret", "11"}}).has_value());
  EXPECT_FALSE(onion_wrap({{"shared_secret", secret}, {"failure", "no_such_failure"}}).has_value());
  EXPECT_FALSE(onion_wrap({{"shared_secret", secret}, {"failure", "0x2002"}, {"reason", "00"}}).has_value());
  EXPECT_FALSE(
      onion_wrap({{"shared_secret", secret}, {"failure", "0x2002"}, {"data", std::string(2'002, '0')}}).has_value());
  EXPECT_NE(
      onion_wrap({{"shared_secret", secret}, {"attribution_data", "00"}}).error().text().find("1 bytes instead of 920"),
      std::string::npos);
  EXPECT_FALSE(onion_wrap({{"shared_secret", secret}, {"reason", "00"}, {"data", "00"}}).has_value());
  EXPECT_FALSE(onion_unwrap({{"shared_secrets", secret}}).has_value());
  EXPECT_FALSE(onion_unwrap({{"reason", "00"}}).has_value());
}

TEST(Onion, options_of_the_other_kind_and_missing_contents_are_refused) {
  EXPECT_FALSE(onion_build({{"hops", "bob:final:5000:600"}, {"to", "bob"}}).has_value());
  EXPECT_FALSE(
      onion_build({{"message", "held_htlc_available"}, {"to", "bob"}, {"hops", "bob:final:5000:600"}}).has_value());
  for (const auto* part : {"contents", "paths", "invoice_slot", "expires_at"}) {
    Flags flags{{"message", "held_htlc_available"}, {"to", "bob"}, {part, ""}};
    auto built = onion_build(flags);
    ASSERT_FALSE(built.has_value()) << part;
    EXPECT_NE(built.error().text().find("not part of held_htlc_available"), std::string::npos) << built.error().text();
  }
  EXPECT_FALSE(onion_build({{"hops", "bob:final:5000:600"}, {"profile", "draft"}}).has_value());
  EXPECT_NE(onion_build({{"message", "hello"}, {"to", "bob"}}).error().text().find("static_invoice_persisted"),
            std::string::npos);
  for (const auto* message :
       {"invoice_request", "invoice", "static_invoice", "invoice_error", "serve_static_invoice"}) {
    auto built = onion_build({{"message", std::string(message)}, {"to", "bob"}});
    ASSERT_FALSE(built.has_value()) << message;
    EXPECT_FALSE(onion_build({{"message", std::string(message)}, {"to", "bob"}, {"contents", ""}}).has_value());
    EXPECT_NE(built.error().text().find("--contents"), std::string::npos) << built.error().text();
  }
}

TEST(Onion, a_message_is_opened_by_its_node_only) {
  auto message =
      made(onion_build({{"message", "held_htlc_available"}, {"to", "bob"}, {"profile", "draft"}}), "onion_message");
  auto peeled = onion_peel({{"packet", message}, {"key", "bob"}});
  ASSERT_TRUE(peeled.has_value());
  EXPECT_EQ(text(*peeled->find("contents"), "message"), "held_htlc_available");
  EXPECT_EQ(text(*peeled->find("contents"), "profile"), "draft");
  auto other = onion_peel({{"packet", message}, {"key", "alice"}});
  ASSERT_FALSE(other.has_value());
  EXPECT_FALSE(other.error().hint.empty());
}

}  // namespace
}  // namespace doze::toolbox
