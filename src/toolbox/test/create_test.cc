// What is made is valid, the same every time, and opens with the right key only.
#include "toolbox/create.h"

#include <gtest/gtest.h>

#include "crypto/crypto.h"
#include "samples.h"
#include "toolbox/decode.h"
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
