#include "offers/bolt11.h"

#include "base/bech32.h"
#include "samples.h"

namespace doze::offers {
namespace {

using testing::kNow;
using testing::text;
using testing::vectors;

/// The key that signed BOLT 11's examples.
PrivateKey example_key() {
  return PrivateKey::from_hex_or_die("e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734");
}

std::function<Signature(const Hash32&)> signer_of(const PrivateKey& key) {
  return [key](const Hash32& digest) { return crypto::ecdsa_sign(key, digest); };
}

Result<Bolt11Invoice, ParseError> make(const Bolt11Terms& terms, const PrivateKey& key = example_key()) {
  return Bolt11Invoice::make(terms, crypto::public_key(key), signer_of(key));
}

std::optional<std::uint64_t> number(const boost::json::value& test, const char* name) {
  const auto* found = test.as_object().if_contains(name);
  return found == nullptr ? std::nullopt : std::optional(found->to_number<std::uint64_t>());
}
std::optional<std::string> maybe_text(const boost::json::value& test, const char* name) {
  const auto* found = test.as_object().if_contains(name);
  return found == nullptr ? std::nullopt : std::optional(text(*found));
}

Bolt11Terms sample_terms() {
  Bolt11Terms terms;
  terms.amount = Msat(5'000);
  terms.timestamp = kNow;
  terms.fields = {PaymentHash{}, bolt11::PaymentSecret{}, bolt11::Description{"tea"},
                  wire::FeatureBits{wire::kVarOnion, wire::kPaymentSecret}};
  return terms;
}
Bolt11Terms with(bolt11::Field field) {
  auto terms = sample_terms();
  terms.fields.push_back(std::move(field));
  return terms;
}
Bolt11Terms without(std::size_t field) {
  auto terms = sample_terms();
  terms.fields.erase(terms.fields.begin() + static_cast<std::ptrdiff_t>(field));
  return terms;
}
ParseCode code_of(const Result<Bolt11Invoice, ParseError>& made) {
  return made ? ParseCode::TooLarge : made.error().code;
}
/// The text with another human-readable part or other groups, checksum right again, signature as it was.
std::string rewritten(const Bolt11Invoice& invoice, const std::function<void(Bech32&)>& change) {
  auto parts = *bech32_decode(invoice.text(), kMaxBolt11Length);
  change(parts);
  return bech32_encode(parts);
}

TEST(Bolt11, reads_what_the_examples_say) {
  const auto tests = vectors("bolt11/valid.json");
  ASSERT_EQ(tests.as_array().size(), 16U);
  for (const auto& test : tests.as_array()) {
    SCOPED_TRACE(text(test.at("name")));
    auto read = Bolt11Invoice::parse(text(test.at("invoice")));
    ASSERT_TRUE(read.has_value()) << describe(read.error());
    EXPECT_EQ(wire::name(read->network()), text(test.at("network")));
    EXPECT_EQ(read->payee().hex(), maybe_text(test, "payee").value_or(crypto::public_key(example_key()).hex()));
    auto amount = number(test, "amount_msat");
    EXPECT_EQ(read->amount(), amount ? std::optional(Msat(*amount)) : std::nullopt);
    EXPECT_EQ(read->timestamp().value(), *number(test, "timestamp"));
    EXPECT_EQ(read->expires_at().value(), *number(test, "timestamp") + number(test, "expiry_s").value_or(3'600));
    EXPECT_EQ(read->payment_hash().hex(), text(test.at("payment_hash")));
    EXPECT_EQ(read->payment_secret().hex(), "1111111111111111111111111111111111111111111111111111111111111111");
    EXPECT_EQ(read->description(), maybe_text(test, "description"));
    auto hash = maybe_text(test, "description_hash");
    EXPECT_EQ(read->description_hash(), hash ? std::optional(Hash32::from_hex_or_die(*hash)) : std::nullopt);
    auto metadata = maybe_text(test, "metadata");
    EXPECT_EQ(read->metadata(), metadata ? std::optional(hex(*metadata)) : std::nullopt);
    EXPECT_EQ(read->min_final_cltv_expiry_delta().value(), number(test, "min_final_cltv_expiry_delta").value_or(18));
    wire::FeatureBits features;
    for (const auto& bit : test.at("features").as_array()) features.set(bit.to_number<std::size_t>());
    EXPECT_EQ(read->features(), features);
    EXPECT_EQ(read->digest().hex(), maybe_text(test, "digest").value_or(read->digest().hex()));

    std::vector<bolt11::Fallback> fallbacks;
    if (const auto* all = test.as_object().if_contains("fallbacks")) {
      for (const auto& one : all->as_array())
        fallbacks.push_back({one.at(0).to_number<std::uint8_t>(), hex(text(one.at(1)))});
      EXPECT_EQ(read->fallbacks(), fallbacks);
    }
    std::vector<bolt11::RouteHint> hints;
    if (const auto* all = test.as_object().if_contains("route_hints")) {
      for (const auto& one : all->as_array()) {
        auto& hint = hints.emplace_back();
        for (const auto& hop : one.as_array()) {
          const auto& scid = hop.at("short_channel_id").as_array();
          hint.hops.push_back(
              {NodeId::from_hex_or_die(text(hop.at("node_id"))),
               ShortChannelId::of(scid[0].to_number<std::uint32_t>(), scid[1].to_number<std::uint32_t>(),
                                  scid[2].to_number<std::uint16_t>()),
               hop.at("fee_base_msat").to_number<std::uint32_t>(),
               hop.at("fee_proportional_millionths").to_number<std::uint32_t>(),
               hop.at("cltv_expiry_delta").to_number<std::uint16_t>()});
        }
      }
    }
    EXPECT_EQ(read->route_hints(), hints);
  }
}

TEST(Bolt11, writing_and_signing_what_was_read_gives_the_same_text) {
  const auto tests = vectors("bolt11/valid.json");
  for (const auto& test : tests.as_array()) {
    SCOPED_TRACE(text(test.at("name")));
    auto wanted = *bech32_lower(text(test.at("invoice")));
    auto read = Bolt11Invoice::parse(wanted);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->text(), wanted);
    auto again = make(read->terms());
    ASSERT_TRUE(again.has_value()) << describe(again.error());
    // Nobody signs with a high S: of that example the signature is another one.
    bool high_s = test.as_object().contains("high_s");
    EXPECT_EQ(again->text() == wanted, !high_s);
    EXPECT_EQ(again->digest(), read->digest());
  }
}

TEST(Bolt11, refuses_the_invalid_examples_each_for_its_reason) {
  const auto tests = vectors("bolt11/invalid.json");
  ASSERT_EQ(tests.as_array().size(), 10U);
  for (const auto& test : tests.as_array()) {
    SCOPED_TRACE(text(test.at("name")));
    auto read = Bolt11Invoice::parse(text(test.at("invoice")));
    ASSERT_FALSE(read.has_value());
    std::string found;
    for (auto [code, name] : {std::pair{ParseCode::UnknownEven, "UnknownEven"},
                              {ParseCode::BadChecksum, "BadChecksum"},
                              {ParseCode::BadEncoding, "BadEncoding"},
                              {ParseCode::BadSignature, "BadSignature"},
                              {ParseCode::Truncated, "Truncated"},
                              {ParseCode::BadValue, "BadValue"},
                              {ParseCode::MissingField, "MissingField"}})
      if (read.error().code == code) found = name;
    EXPECT_EQ(found, text(test.at("error"))) << describe(read.error());
  }
}

TEST(Bolt11, errors_say_where) {
  auto tests = vectors("bolt11/invalid.json");
  EXPECT_EQ(Bolt11Invoice::parse(text(tests.at(0).at("invoice"))).error(), (ParseError{ParseCode::UnknownEven, 100}));
  EXPECT_EQ(Bolt11Invoice::parse(text(tests.at(6).at("invoice"))).error(), (ParseError{ParseCode::BadValue, 4}));
  auto invoice = *make(sample_terms());
  // The description's first byte is no UTF-8 any more: its field starts behind prefix, timestamp, p and s.
  auto at = std::string("lnbcrt50n1").size() + 7 + 2 * (3 + 52);
  ASSERT_EQ(invoice.text()[at], 'd');
  auto broken = rewritten(invoice, [&](Bech32& parts) { parts.groups[at - 10 + 3] = 31; });
  EXPECT_EQ(Bolt11Invoice::parse(broken).error(), (ParseError{ParseCode::BadUtf8, at}));
  auto signature = invoice.text().size() - 6 - 104;
  broken = rewritten(invoice, [](Bech32& parts) { parts.groups.back() = 4; });  // recovery id
  EXPECT_EQ(Bolt11Invoice::parse(broken).error(), (ParseError{ParseCode::BadSignature, signature}));
  EXPECT_EQ(Bolt11Invoice::parse("lnbcrt1" + std::string(kMaxBolt11Length, 'q')).error(),
            (ParseError{ParseCode::TooLarge, kMaxBolt11Length}));
}

TEST(Bolt11, amounts_are_written_with_the_largest_unit_and_read_with_any) {
  auto hrp = [](std::uint64_t msat) {
    auto terms = sample_terms();
    terms.amount = Msat(msat);
    auto made = make(terms);
    EXPECT_TRUE(made && made->amount() == Msat(msat));
    return made ? made->text().substr(6, made->text().rfind('1') - 6) : "";
  };
  EXPECT_EQ(hrp(1), "10p");
  EXPECT_EQ(hrp(100), "1n");
  EXPECT_EQ(hrp(123'400), "1234n");
  EXPECT_EQ(hrp(250'000'000), "2500u");
  EXPECT_EQ(hrp(2'000'000'000), "20m");
  EXPECT_EQ(hrp(100'000'000'000), "1");
  EXPECT_EQ(hrp(Msat::max_money().value()), "21000000");
  EXPECT_EQ(hrp(Msat::max_money().value() - 1), "20999999999999999990p");

  auto invoice = *make(sample_terms());
  auto with_hrp = [&](const char* text) {
    return Bolt11Invoice::parse(rewritten(invoice, [&](Bech32& parts) { parts.hrp = text; }));
  };
  auto same = with_hrp("lnbcrt50000p");
  ASSERT_TRUE(same.has_value());  // another key is recovered, but what it says is read
  EXPECT_EQ(same->amount(), Msat(5'000));
  EXPECT_NE(same->payee(), invoice.payee());
  for (const char* bad : {"lnbcrt50001p", "lnbcrt0", "lnbcrt05n", "lnbcrt5nn", "lnbcrt5x", "lnbcrt21000001",
                          "lnbcrt18446744073709551616", "lnbcrt0p", "lnbcrt-5n"})
    EXPECT_EQ(with_hrp(bad).error().code, ParseCode::BadValue) << bad;
}

TEST(Bolt11, every_network_has_its_prefix) {
  for (auto [network, prefix] : {std::pair{wire::Network::Mainnet, "lnbc50n1"},
                                 {wire::Network::Testnet4, "lntb50n1"},
                                 {wire::Network::Signet, "lntbs50n1"},
                                 {wire::Network::Regtest, "lnbcrt50n1"}}) {
    auto terms = sample_terms();
    terms.network = network;
    auto made = make(terms);
    ASSERT_TRUE(made.has_value());
    EXPECT_TRUE(made->text().starts_with(prefix)) << made->text();
    EXPECT_EQ(made->network(), network);
  }
  for (const char* other : {"lnbcx50n", "lnltc50n", "bc", "ln", "lntbsx"}) {
    auto text = rewritten(*make(sample_terms()), [&](Bech32& parts) { parts.hrp = other; });
    EXPECT_EQ(Bolt11Invoice::parse(text).error(), (ParseError{ParseCode::BadValue, 0})) << other;
  }
}

TEST(Bolt11, checksum_of_the_newer_kind_is_refused) {
  auto text = rewritten(*make(sample_terms()), [](Bech32& parts) { parts.kind = Bech32Kind::Bech32m; });
  EXPECT_EQ(Bolt11Invoice::parse(text).error().code, ParseCode::BadChecksum);
}

TEST(Bolt11, what_must_be_there_must_be_there) {
  EXPECT_TRUE(make(sample_terms()).has_value());
  for (std::size_t field : {0, 1, 2}) EXPECT_EQ(code_of(make(without(field))), ParseCode::MissingField) << field;
  EXPECT_TRUE(make(without(3)).has_value());  // no features: what everybody has is meant
  EXPECT_EQ(code_of(make(with(bolt11::DescriptionHash{}))), ParseCode::UnexpectedField);
  // A payment hash of a wrong length counts as none.
  auto terms = without(0);
  terms.fields.push_back(bolt11::Unknown{1, Bytes(51)});
  EXPECT_EQ(code_of(make(terms)), ParseCode::MissingField);
}

TEST(Bolt11, bad_fields_are_refused) {
  EXPECT_EQ(code_of(make(with(bolt11::Unknown{6, {0, 1}}))), ParseCode::NotMinimal);   // x
  EXPECT_EQ(code_of(make(with(bolt11::Unknown{24, {0, 1}}))), ParseCode::NotMinimal);  // c
  EXPECT_EQ(code_of(make(with(bolt11::Unknown{5, {0, 2}}))), ParseCode::NotMinimal);   // 9
  EXPECT_EQ(code_of(make(with(bolt11::Unknown{24, Bytes(7, 31)}))), ParseCode::TooLarge);
  EXPECT_EQ(make(with(bolt11::Unknown{6, Bytes(13, 31)})).error().what, std::string("expiry"));
  EXPECT_EQ(code_of(make(with(wire::FeatureBits{20}))), ParseCode::UnknownEven);
  EXPECT_EQ(code_of(make(with(bolt11::Unknown{3, {}}))), ParseCode::BadLength);         // r
  EXPECT_EQ(code_of(make(with(bolt11::Unknown{3, Bytes(80)}))), ParseCode::BadLength);  // 50 bytes
  EXPECT_EQ(code_of(make(with(bolt11::RouteHint{{bolt11::HintHop{}}}))), ParseCode::BadPoint);
  EXPECT_EQ(code_of(make(with(bolt11::Payee{}))), ParseCode::BadPoint);
  EXPECT_EQ(code_of(make(with(bolt11::Unknown{9, {}}))), ParseCode::BadLength);
  EXPECT_EQ(code_of(make(with(bolt11::Fallback{0, Bytes(21)}))), ParseCode::BadLength);
  EXPECT_EQ(code_of(make(with(bolt11::Fallback{17, Bytes(32)}))), ParseCode::BadLength);
  EXPECT_EQ(code_of(make(with(bolt11::Fallback{1, Bytes(1)}))), ParseCode::BadLength);
  EXPECT_TRUE(make(with(bolt11::Fallback{19, Bytes(1)})).has_value());  // a version to come
  EXPECT_EQ(make(with(bolt11::Metadata{Bytes(640)})).error().what, std::string("field"));
  EXPECT_TRUE(make(with(bolt11::Metadata{Bytes(kMaxBolt11FieldBytes)})).has_value());
}

TEST(Bolt11, payee_field_decides_whose_signature_it_must_be) {
  auto named = make(with(bolt11::Payee{crypto::public_key(example_key())}));
  ASSERT_TRUE(named.has_value());
  EXPECT_EQ(named->payee(), crypto::public_key(example_key()));
  EXPECT_EQ(code_of(make(with(bolt11::Payee{testing::point(9)}))), ParseCode::BadSignature);
  // The same with the other S: good for recovery only.
  auto high = [](const Bolt11Invoice& invoice) {
    return rewritten(invoice, [&](Bech32& parts) {
      auto bytes = *to_eight_bits(ByteView(parts.groups).last(104));
      auto s = crypto::negate(*crypto::parse_private_key(ByteView(bytes).subspan(32, 32)));
      std::copy(s.reveal().begin(), s.reveal().end(), bytes.begin() + 32);
      bytes.back() ^= 1;
      parts.groups.resize(parts.groups.size() - 104);
      append(parts.groups, to_five_bits(bytes));
    });
  };
  EXPECT_EQ(Bolt11Invoice::parse(high(*named)).error().code, ParseCode::BadSignature);
  auto recovered = Bolt11Invoice::parse(high(*make(sample_terms())));
  ASSERT_TRUE(recovered.has_value());
  EXPECT_EQ(recovered->payee(), crypto::public_key(example_key()));
}

TEST(Bolt11, signature_of_another_key_is_no_invoice_of_ours) {
  auto made = Bolt11Invoice::make(sample_terms(), testing::point(9), signer_of(example_key()));
  EXPECT_EQ(code_of(made), ParseCode::BadSignature);
}

TEST(Bolt11, another_character_anywhere_is_refused) {
  auto text = make(sample_terms())->text();
  for (std::size_t at = 0; at < text.size(); ++at)
    for (char c : {'q', 'p', 'z', '1', 'b', '0'}) {
      auto changed = text;
      changed[at] = c;
      EXPECT_EQ(Bolt11Invoice::parse(changed).has_value(), changed == text) << changed;
    }
}

TEST(Bolt11, cut_anywhere_it_is_refused) {
  auto text = make(sample_terms())->text();
  for (std::size_t length = 0; length < text.size(); ++length)
    EXPECT_FALSE(Bolt11Invoice::parse(text.substr(0, length)).has_value()) << length;
}

TEST(Bolt11, every_flipped_bit_is_noticed_even_with_a_good_checksum) {
  auto payee = crypto::public_key(example_key());
  for (bool named : {false, true}) {
    auto made = named ? make(with(bolt11::Payee{payee})) : make(sample_terms());
    ASSERT_TRUE(made.has_value());
    auto groups = bech32_decode(made->text(), kMaxBolt11Length)->groups.size();
    for (std::size_t bit = 0; bit < groups * 5; ++bit) {
      // The last byte helps to recover the payee: with n nobody asks it.
      bool recovery_id = bit / 5 == groups - 1 || (bit / 5 == groups - 2 && bit % 5 < 3);
      if (named && recovery_id) continue;
      auto changed = rewritten(*made, [&](Bech32& parts) {
        parts.groups[bit / 5] = static_cast<std::uint8_t>(parts.groups[bit / 5] ^ (1 << bit % 5));
      });
      auto read = Bolt11Invoice::parse(changed);
      if (!read) continue;
      // Without n the signature tells who signed: then it was somebody else. With n only n itself can still go: it
      // becomes another field, and the payee is recovered.
      EXPECT_NE(read->payee(), payee) << bit;
    }
  }
}

TEST(Bolt11, first_of_several_fields_counts) {
  auto terms = with(bolt11::Description{"coffee"});
  terms.fields.push_back(PaymentHash{{1}});
  auto made = make(terms);
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(made->description(), "tea");
  EXPECT_EQ(made->payment_hash(), PaymentHash{});
}

TEST(Bolt11, text_is_found_behind_the_scheme_and_in_either_case) {
  auto text = make(sample_terms())->text();
  auto upper = text;
  for (auto& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  EXPECT_EQ(bolt11_text(text), text);
  EXPECT_EQ(bolt11_text(upper), text);
  EXPECT_EQ(bolt11_text(" lightning:" + text + "\n"), text);
  EXPECT_EQ(bolt11_text("LIGHTNING:" + upper), text);
  for (const char* other : {"", "lno1qq", "lni1qq", "lnai1qq", "lightning:", "lightning:lno1qq", "bc1qq"})
    EXPECT_EQ(bolt11_text(other), std::nullopt) << other;
  auto mixed = text;
  mixed[0] = 'L';
  EXPECT_FALSE(Bolt11Invoice::parse(*bolt11_text(mixed)).has_value());
}

TEST(Bolt11, says_why_it_cannot_be_paid) {
  auto invoice = *make(sample_terms());
  auto why = [&](std::optional<Msat> amount, UnixTime now = kNow, wire::Network network = wire::Network::Regtest) {
    auto refusal = cannot_pay(invoice, network, now, amount);
    return refusal ? std::optional(refusal->code) : std::nullopt;
  };
  EXPECT_EQ(why({}), std::nullopt);
  EXPECT_EQ(why({}, UnixTime(kNow.value() + 3'600)), std::nullopt);
  EXPECT_EQ(why({}, UnixTime(kNow.value() + 3'601)), RefusalCode::Expired);
  EXPECT_EQ(why({}, kNow, wire::Network::Signet), RefusalCode::WrongChain);
  EXPECT_EQ(why(Msat(4'999)), RefusalCode::AmountTooLow);
  EXPECT_EQ(why(Msat(10'000)), std::nullopt);
  EXPECT_EQ(why(Msat(10'001)), RefusalCode::AmountTooHigh);
  EXPECT_EQ(why(Msat(UINT64_MAX)), RefusalCode::AmountTooLarge);
  auto open = sample_terms();
  open.amount.reset();
  open.fields.back() = wire::FeatureBits{wire::kVarOnion, wire::kBasicMpp + 1};
  invoice = *make(open);
  EXPECT_EQ(why(Msat(1)), RefusalCode::FeatureDependency);
  open.fields.back() = wire::FeatureBits{};
  invoice = *make(open);
  EXPECT_EQ(why({}), RefusalCode::AmountMissing);
  EXPECT_EQ(why(Msat(0)), RefusalCode::AmountTooLow);
  EXPECT_EQ(why(Msat(1)), std::nullopt);
}

}  // namespace
}  // namespace doze::offers
