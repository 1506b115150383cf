#include "wire/messages.h"

#include <gtest/gtest.h>

#include "shape_bytes.h"
#include "wire/chains.h"
#include "wire/tlv.h"

namespace doze::wire {
namespace {

const Bytes kPathBytes =
    hex("031b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f"
        "024d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d076602"
        "02531fe6068134503d2723133227c867ac8fa6c83c537e9a44c3c5bdbdcb1fe3370003aaaaaa"
        "03462779ad4aad39514614751a7108"
        "5f2f10e1c7a593e4e030efb5b8721ce55b0b0002bbbb");

BlindedPath path() {
  Reader in(kPathBytes);
  auto read = read_blinded_path(in);
  EXPECT_TRUE(read && in.done());
  return *read;
}

std::vector<Message> samples() {
  ChannelId channel;
  channel.bytes.fill(7);
  OpenChannel open;
  open.funding_pubkey = open.revocation_basepoint = open.payment_basepoint = open.delayed_payment_basepoint =
      open.htlc_basepoint = open.first_per_commitment_point = kPoint;
  open.upfront_shutdown_script = Bytes{};
  open.channel_type = FeatureBits{kStaticRemotekey, kAnchors};
  open.funding_satoshis = Sat(1'000'000);
  AcceptChannel accept;
  accept.funding_pubkey = accept.revocation_basepoint = accept.payment_basepoint = accept.delayed_payment_basepoint =
      accept.htlc_basepoint = accept.first_per_commitment_point = kPoint;
  UpdateAddHtlc add{channel, 3, Msat(5), {}, CltvExpiry(600), Bytes(kPaymentOnionBytes), kPoint, Profile::Ldk, {}};
  UpdateAddHtlc draft = add;
  draft.hold_htlc = Profile::Draft;
  draft.extra_tlvs = hex("fe00010001080000000000000005");
  RevokeAndAck raa{channel, {}, kPoint, {{7, path(), Profile::Ldk}, {8, path(), Profile::Ldk}}, {}};
  RevokeAndAck draft_raa{channel, {}, kPoint, {{std::nullopt, path(), Profile::Draft}}, {}};
  ChannelAnnouncement announcement;
  announcement.node_id_1 = announcement.node_id_2 = announcement.bitcoin_key_1 = announcement.bitcoin_key_2 = kPoint;
  NodeAnnouncement node;
  node.node_id = kPoint;
  node.addresses = {*parse_address("127.0.0.1:9735"), *parse_address("[::1]:9735"), *parse_address("node.example:1")};
  ChannelReady ready{channel, kPoint, ShortChannelId(5), {}};
  ClosingSigned closing{channel, Sat(100), {}, FeeRange{Sat(1), Sat(200)}, {}};
  Init init;
  init.features = FeatureBits{0, 9, 153};
  init.networks = {chain_hash(Network::Regtest)};
  return {init,
          Error{channel, hex("6869")},
          Warning{channel, {}},
          Ping{3, 2},
          Pong{4},
          open,
          accept,
          FundingCreated{channel, {}, 1, {}},
          FundingSigned{channel, {}},
          ready,
          Shutdown{channel, hex("0014"), {}},
          closing,
          add,
          draft,
          UpdateFulfillHtlc{channel, 1, {}, {}},
          UpdateFailHtlc{channel, 1, hex("aabb"), {}},
          UpdateFailMalformedHtlc{channel, 1, {}, 0xc018},
          CommitmentSigned{channel, {}, {Signature{}, Signature{}}, {}},
          raa,
          draft_raa,
          UpdateFee{channel, FeeratePerKw(253)},
          ChannelReestablish{channel, 1, 0, {}, kPoint, {}},
          AnnouncementSignatures{channel, ShortChannelId(9), {}, {}},
          announcement,
          node,
          ChannelUpdate{},
          QueryShortChannelIds{{}, write_short_ids({ShortChannelId(1)}), {}},
          ReplyShortChannelIdsEnd{},
          QueryChannelRange{{}, 1, 2, {}},
          ReplyChannelRange{{}, 1, 2, 1, hex("00"), {}},
          GossipTimestampFilter{{}, 1, 2},
          OnionMessage{kPoint, hex("00")}};
}

TEST(Messages, EachReadsBackAsItWasWritten) {
  for (const auto& message : samples()) {
    auto bytes = encode(message);
    auto read = decode(bytes);
    ASSERT_TRUE(read) << name(message) << ": " << describe(read.error());
    EXPECT_EQ(read->index(), message.index());
    EXPECT_EQ(to_hex(encode(*read)), to_hex(bytes)) << name(message);
  }
}

TEST(Messages, TruncatedAtAnyByteIsAnErrorOrAShorterMessageNeverACrash) {
  for (const auto& message : samples()) {
    auto bytes = encode(message);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      auto read = decode(ByteView(bytes).first(size));
      // Cutting exactly before optional TLVs leaves a valid message; it must then read back as itself.
      if (!read) continue;
      EXPECT_EQ(to_hex(encode(*read)), to_hex(ByteView(bytes).first(size))) << name(message);
    }
    EXPECT_FALSE(decode(ByteView(bytes).first(3))) << name(message);
  }
}

// [AP-num-02]
TEST(Messages, HoldFlagAndReleasePathsHaveTheFormsOfBothProfiles) {
  UpdateAddHtlc add;
  add.onion_routing_packet = Bytes(kPaymentOnionBytes);
  auto plain = encode(add);
  add.hold_htlc = Profile::Ldk;
  EXPECT_EQ(to_hex(ByteView(encode(add)).subspan(plain.size())), "fe0001271100");
  add.hold_htlc = Profile::Draft;
  EXPECT_EQ(to_hex(ByteView(encode(add)).subspan(plain.size())), "0200");
  add.path_key = kPoint;
  add.hold_htlc = Profile::Ldk;
  add.extra_tlvs = hex("fe00010001080000000000000005");
  EXPECT_EQ(to_hex(ByteView(encode(add)).subspan(plain.size())),
            "0021" + kPoint.hex() + "fe00010001080000000000000005fe0001271100");

  RevokeAndAck raa;
  raa.next_per_commitment_point = kPoint;
  auto bare = encode(raa);
  raa.release_paths = {{7, path(), Profile::Ldk}, {8, path(), Profile::Ldk}};
  EXPECT_EQ(to_hex(ByteView(encode(raa)).subspan(bare.size())),
            "fe00012711fd012c"
            "0000000000000007" +
                to_hex(kPathBytes) + "0000000000000008" + to_hex(kPathBytes));
}

TEST(Messages, UnknownEvenIsRefusedAndUnknownOddIsKept) {
  auto fulfill = encode(UpdateFulfillHtlc{});
  auto even = fulfill, odd = fulfill;
  append(even, hex("0401aa"));
  append(odd, hex("0501aa"));
  auto refused = decode(even);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), (ParseError{ParseCode::UnknownEven, 4}));
  auto kept = decode(odd);
  ASSERT_TRUE(kept);
  EXPECT_EQ(encode(*kept), odd);
  EXPECT_FALSE(decode(hex("7ffe")));
  auto unknown = decode(hex("7fff00"));
  ASSERT_TRUE(unknown);
  EXPECT_TRUE(std::holds_alternative<UnknownMessage>(*unknown));
}

TEST(Messages, EachKeepsAnUnknownOddRecord) {
  for (const auto& message : samples()) {
    auto bytes = encode(message);
    append(bytes, hex("fe0010000101aa"));
    auto read = decode(bytes);
    ASSERT_TRUE(read) << name(message) << ": " << describe(read.error());
    EXPECT_EQ(to_hex(encode(*read)), to_hex(bytes)) << name(message);
  }
}

// BOLT 1, Appendix C.
TEST(Messages, ExtensionsOfInit) {
  for (const char* good : {"001000000000", "001000000000c9012acb0104"}) {
    auto read = decode(hex(good));
    ASSERT_TRUE(read) << good;
    EXPECT_EQ(to_hex(encode(*read)), good);
  }
  for (auto [bad, code] : {std::pair{"00100000000001", ParseCode::Truncated},
                           {"001000000000ca012a", ParseCode::UnknownEven},
                           {"001000000000c90101c90102", ParseCode::TlvOrder}}) {
    auto read = decode(hex(bad));
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().code, code) << bad;
  }
}

TEST(Messages, AnAddressOfAnUnknownKindIsLeftOutOfInit) {
  auto read = decode(hex("00100000000003050901020304"));
  ASSERT_TRUE(read);
  EXPECT_FALSE(std::get<Init>(*read).remote_addr);
  auto known =
      decode(hex("001000000000030701cb007107"
                 "2607"));
  ASSERT_TRUE(known);
  EXPECT_EQ(std::get<Init>(*known).remote_addr, parse_address("203.0.113.7:9735"));
}

TEST(Messages, ABrokenRecordIsBlamedAtItsPlace) {
  auto ready = encode(ChannelReady{{}, kPoint, std::nullopt, {}});
  append(ready, hex("010400000000"));
  auto read = decode(ready);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error(), (ParseError{ParseCode::BadLength, ready.size() - 6}));
}

TEST(Messages, AmountsAboveAllBitcoinAreRefused) {
  UpdateAddHtlc add;
  add.onion_routing_packet = Bytes(kPaymentOnionBytes);
  add.amount_msat = Msat(UINT64_MAX);
  auto read = decode(encode(add));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ParseCode::BadValue);
}

TEST(BigSize, OnlyTheShortestFormIsRead) {
  for (auto [text, good] : {std::pair{"00", true},
                            {"fc", true},
                            {"fd00fd", true},
                            {"fdffff", true},
                            {"fe00010000", true},
                            {"feffffffff", true},
                            {"ff0000000100000000", true},
                            {"ffffffffffffffffff", true},
                            {"fd00fc", false},
                            {"fe0000ffff", false},
                            {"ff00000000ffffffff", false},
                            {"fd00", false},
                            {"feffff", false},
                            {"ffffffffff", false},
                            {"", false},
                            {"fd", false}}) {
    auto bytes = hex(text);
    Reader in(bytes);
    auto value = read_bigsize(in);
    EXPECT_EQ(in.ok(), good) << text;
    if (!good) continue;
    Writer out;
    write_bigsize(out, value);
    EXPECT_EQ(to_hex(out.view()), text);
    EXPECT_EQ(out.size(), bigsize_length(value));
  }
}

TEST(Tlv, StreamRules) {
  EXPECT_TRUE(parse_tlv_stream({}));
  EXPECT_TRUE(parse_tlv_stream(hex("2100")));
  for (const char* bad : {"fd", "fd01", "fd000100", "fd0101", "0ffd", "0ffd26", "0ffd2602", "0ffd000100",
                          "0f0102"
                          "0f0103",
                          "0208000000000000022602"
                          "01012a",
                          "1f000f012a"})
    EXPECT_FALSE(parse_tlv_stream(hex(bad))) << bad;
  EXPECT_FALSE(read_tu(hex("0001"), 2));
  EXPECT_FALSE(read_tu(hex("010203"), 2));
  EXPECT_EQ(read_tu(hex("0102"), 2), 0x102U);
  EXPECT_EQ(read_tu({}, 8), 0U);
}

// BOLT 1, Appendix B: the namespace n1 has a tu64 (1), a short_channel_id (2), a point with two u64 (3), a u16 (254).
Result<Done, ParseError> read_n1(ByteView stream) {
  LN_TRY(records, parse_tlv_stream(stream));
  LN_CHECK(refuse_unknown_even(records, {2, 254}));
  for (const auto& record : records) {
    Reader in(record.value);
    bool fits = true;
    if (record.type == 1) fits = read_tu(in.rest(), 8).has_value();
    if (record.type == 2) (void)in.u64();
    if (record.type == 3) fits = in.u8() == 2 && in.bytes(32 + 8 + 8).size() == 48;
    if (record.type == 254) (void)in.u16();
    if (record.type % 2 == 1 && record.type > 3) (void)in.rest();
    if (!fits || !in.done()) return fail(ParseError{ParseCode::BadLength, record.type, "n1"});
  }
  return Done{};
}

TEST(Tlv, VectorsOfBolt1) {
  const std::string point = "3da092f6980e58d2c037173180e9a465476026ee50f96695963e8efe436f54eb";
  const std::vector<std::string> good = {"",
                                         "2100",
                                         "fd020100",
                                         "fd00fd00",
                                         "fd00ff00",
                                         "fe0200000100",
                                         "ff020000000000000100",
                                         "0100",
                                         "010101",
                                         "01020100",
                                         "0103010000",
                                         "010401000000",
                                         "01050100000000",
                                         "0106010000000000",
                                         "010701000000000000",
                                         "01080100000000000000",
                                         "02080000000000000226",
                                         "033102" + point + "00000000000000010000000000000002",
                                         "fd00fe020226"};
  const std::vector<std::string> bad = {"fd",
                                        "fd01",
                                        "fd000100",
                                        "fd0101",
                                        "0ffd",
                                        "0ffd26",
                                        "0ffd2602",
                                        "0ffd000100",
                                        "0ffd0201" + std::string(2 * 256, '0'),
                                        "1200",
                                        "fd010200",
                                        "fe0100000200",
                                        "ff010000000000000200",
                                        "0109ffffffffffffffffff",
                                        "010100",
                                        "01020001",
                                        "0103000100",
                                        "010400010000",
                                        "01050001000000",
                                        "0106000100000000",
                                        "010700010000000000",
                                        "01080001000000000000",
                                        "020701010101010101",
                                        "0209010101010101010101",
                                        "032102" + point,
                                        "032902" + point + "0000000000000001",
                                        "033002" + point + "000000000000000100000000000001",
                                        "033104" + point + "00000000000000010000000000000002",
                                        "033202" + point + "0000000000000001000000000000000001",
                                        "fd00fe00",
                                        "fd00fe0101",
                                        "fd00fe03010101",
                                        "0000",
                                        "0208000000000000022601012a",
                                        "0208000000000000023102080000000000000451",
                                        "1f000f012a",
                                        "1f001f012a",
                                        "ffffffffffffffffff000000"};
  for (const auto& text : good) EXPECT_TRUE(read_n1(hex(text))) << text;
  for (const auto& text : bad) EXPECT_FALSE(read_n1(hex(text))) << text;
  for (const auto& first : good)  // whatever stands before it, what is bad stays bad
    for (const auto& second : bad) EXPECT_FALSE(read_n1(hex(first + second))) << first << " " << second;
}

TEST(Features, DependenciesAndUnknownEvenBits) {
  EXPECT_EQ(unknown_even(FeatureBits{0, 100}), 100U);
  EXPECT_EQ(unknown_even(FeatureBits{0, 101, 153}), std::nullopt);
  EXPECT_EQ(unknown_even(FeatureBits{0, 36}), 36U);  // of these we know the name only
  EXPECT_EQ(unknown_even(FeatureBits{0, 62}), 62U);
  EXPECT_EQ(missing_dependency(FeatureBits{kZeroConf}), kZeroConf);
  EXPECT_EQ(missing_dependency(FeatureBits{kZeroConf, kScidAlias + 1}), std::nullopt);
  EXPECT_EQ(missing_dependency(FeatureBits{kBasicMpp}), kBasicMpp);
  // What these needed is ASSUMED: nobody has to say it.
  for (auto bit : {kAnchors, kRouteBlinding, kPaymentSecret})
    EXPECT_EQ(missing_dependency(FeatureBits{bit}), std::nullopt) << bit;
  EXPECT_EQ(to_hex(FeatureBits{0, 9}.to_bytes()), "0201");
  EXPECT_EQ(FeatureBits(hex("000201")), (FeatureBits{0, 9}));
}

TEST(Features, NamesOfBothNumbersOfAsyncPayments) {
  EXPECT_STREQ(feature_name(53), "option_htlc_hold");
  EXPECT_STREQ(feature_name(153), "option_htlc_hold (LDK's number)");
  EXPECT_STREQ(feature_name(63), "option_splice");
  EXPECT_EQ(feature_name(2), nullptr);
}

TEST(Addresses, TextAndWireFormsAgree) {
  for (const char* text : {"127.0.0.1:9735", "[2001:db8::1]:1", "node.example:65535",
                           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.onion:9735"}) {
    auto address = parse_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(to_text(*address), text);
    auto read = read_addresses(to_bytes({*address}));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, std::vector{*address});
  }
  for (const char* text : {"", "127.0.0.1", ":1", "a:0", "a:65536", "a:x", "a b:1", "::1:1"})
    EXPECT_FALSE(parse_address(text)) << text;
}

TEST(Addresses, AreOfOneNetworkAsFarAsTheyAreCheapToChange) {
  EXPECT_EQ(network_of("203.0.113.7:9735"), network_of("203.0.113.250:1"));
  EXPECT_NE(network_of("203.0.113.7:9735"), network_of("203.0.114.7:9735"));
  EXPECT_EQ(network_of("[2001:db8:1:2::1]:9735"), network_of("[2001:db8:1:ffff::9]:9735"));
  EXPECT_NE(network_of("[2001:db8:1::1]:9735"), network_of("[2001:db8:2::1]:9735"));
  EXPECT_NE(network_of("0.0.4.7:1"), network_of("[::7]:1"));
  for (const char* text : {"", "x", "node.example:9735"}) EXPECT_EQ(network_of(text), 0U) << text;
}

TEST(Messages, commitment_signed_may_sign_483_htlcs_of_each_side) {
  CommitmentSigned message;
  message.htlc_signatures.resize(966);
  auto read = decode(encode(message));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(std::get<CommitmentSigned>(*read).htlc_signatures.size(), 966U);
  message.htlc_signatures.resize(967);
  EXPECT_FALSE(decode(encode(message)).has_value());
}

TEST(Messages, a_channel_update_whose_minimum_is_above_all_money_is_read_and_said_again) {
  ChannelUpdate message;
  message.htlc_minimum_msat = Msat(UINT64_MAX);
  message.htlc_maximum_msat = Msat::max_money();
  auto read = decode(encode(message));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(std::get<ChannelUpdate>(*read).htlc_minimum_msat, Msat(UINT64_MAX));
  EXPECT_EQ(encode(*read), encode(message));
}

TEST(Messages, gossip_is_told_by_its_type_whether_or_not_it_can_be_read) {
  for (std::uint16_t type : {256, 257, 258, 261, 262, 263, 264, 265})
    EXPECT_TRUE(is_gossip(Writer().u16(type).u8(7).take())) << type;
  for (std::uint16_t type : {16, 128, 259, 260, 266, 267, 513})
    EXPECT_FALSE(is_gossip(Writer().u16(type).take())) << type;
  EXPECT_FALSE(is_gossip(Bytes{1}));
}

TEST(Addresses, only_what_the_internet_has_in_one_place_is_public) {
  for (const char* text : {"8.8.8.8:1", "172.32.0.1:1", "100.128.0.1:1", "223.255.255.255:1", "[2600::1]:1",
                           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.onion:1"})
    EXPECT_TRUE(is_public(*parse_address(text))) << text;
  for (const char* text :
       {"127.0.0.1:1",         "127.255.255.255:1", "10.1.2.3:1",      "172.16.0.1:1", "172.31.255.255:1",
        "192.168.1.1:1",       "169.254.1.1:1",     "100.64.0.1:1",    "0.0.0.0:1",    "224.0.0.1:1",
        "255.255.255.255:1",   "[::1]:1",           "[::]:1",          "[fe80::1]:1",  "[fd00::1]:1",
        "[::ffff:10.0.0.1]:1", "[2002:a00:1::1]:1", "[2001:db8::1]:1", "[ff02::1]:1",  "localhost:1",
        "node.example:1"})
    EXPECT_FALSE(is_public(parse_address(text).value_or(NetworkAddress{}))) << text;
}

}  // namespace
}  // namespace doze::wire
