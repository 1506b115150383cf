#include "wire/messages.h"

#include <gtest/gtest.h>

#include "wire/chains.h"
#include "wire/tlv.h"

namespace doze::wire {
namespace {

const PublicKey kPoint =
    PublicKey::from_hex_or_die("031b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f");
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

TEST(Features, DependenciesAndUnknownEvenBits) {
  EXPECT_EQ(unknown_even(FeatureBits{0, 100}), 100U);
  EXPECT_EQ(unknown_even(FeatureBits{0, 101, 153}), std::nullopt);
  EXPECT_EQ(missing_dependency(FeatureBits{kAnchors}), kAnchors);
  EXPECT_EQ(missing_dependency(FeatureBits{kAnchors, kStaticRemotekey}), std::nullopt);
  EXPECT_EQ(to_hex(FeatureBits{0, 9}.to_bytes()), "0201");
  EXPECT_EQ(FeatureBits(hex("000201")), (FeatureBits{0, 9}));
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

TEST(Messages, commitment_signed_may_sign_483_htlcs_of_each_side) {
  CommitmentSigned message;
  message.htlc_signatures.resize(966);
  auto read = decode(encode(message));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(std::get<CommitmentSigned>(*read).htlc_signatures.size(), 966U);
  message.htlc_signatures.resize(967);
  EXPECT_FALSE(decode(encode(message)).has_value());
}

}  // namespace
}  // namespace doze::wire
