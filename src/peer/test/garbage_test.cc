// Whatever bytes a peer sends: at most its own connection is lost, with a warning.
#include "fake_node.h"

namespace doze::peer::testing {
namespace {

struct Garbage : ::testing::Test {
  FakeNode alice{1};
  Scripted innocent{alice, 1, 70};
  ConnectionId next = 2;

  Garbage() {
    innocent.say_init();
    alice.said.clear();
  }
  /// A peer that has said init says this. What became of it, and nothing happened to the other one.
  struct Outcome {
    bool closed = false;
    std::size_t heard = 0;
  };
  Outcome say(ByteView bytes) {
    Scripted peer(alice, next++, 71);
    peer.say_init();
    alice.said.clear();
    peer.say_bytes(bytes);
    Outcome out{peer.closed, alice.all<MessageReceived>().size()};
    EXPECT_EQ(peer.all<wire::Warning>().size(), peer.closed ? 1U : 0U);
    EXPECT_EQ(alice.all<PeerGone>().size(), peer.closed ? 1U : 0U);
    for (const auto& gone : alice.all<PeerGone>()) EXPECT_EQ(gone.node_id, peer.node_id());
    EXPECT_FALSE(innocent.closed);
    EXPECT_TRUE(alice.peers.contains(innocent.node_id()));
    EXPECT_EQ(alice.peers.size(), peer.closed ? 1U : 2U);
    return out;
  }
};

std::vector<wire::Message> all_messages(const PublicKey& point) {
  wire::OpenChannel open;
  open.chain_hash = wire::chain_hash(wire::Network::Regtest);
  open.funding_pubkey = open.revocation_basepoint = open.payment_basepoint = open.delayed_payment_basepoint =
      open.htlc_basepoint = open.first_per_commitment_point = point;
  open.upfront_shutdown_script = Bytes(22, 1);
  open.channel_type = wire::FeatureBits{12, 22};
  wire::AcceptChannel accept;
  accept.funding_pubkey = accept.revocation_basepoint = accept.payment_basepoint = accept.delayed_payment_basepoint =
      accept.htlc_basepoint = accept.first_per_commitment_point = point;
  wire::UpdateAddHtlc add;
  add.onion_routing_packet = Bytes(wire::kPaymentOnionBytes, 3);
  add.path_key = point;
  add.hold_htlc = Profile::Ldk;
  wire::RevokeAndAck revoke;
  revoke.next_per_commitment_point = point;
  revoke.release_paths = {{7, {point, point, {{point, Bytes(30, 1)}}}, Profile::Ldk}};
  wire::ChannelReestablish reestablish;
  reestablish.my_current_per_commitment_point = point;
  wire::ChannelAnnouncement channel;
  channel.node_id_1 = channel.node_id_2 = channel.bitcoin_key_1 = channel.bitcoin_key_2 = point;
  wire::NodeAnnouncement node;
  node.node_id = point;
  node.addresses = {address(1)};
  return {wire::Error{{}, Bytes(5, 'x')},
          wire::Warning{{}, Bytes(5, 'x')},
          wire::Ping{3, 2},
          wire::Pong{4},
          open,
          accept,
          wire::FundingCreated{},
          wire::FundingSigned{},
          wire::ChannelReady{{}, point, ShortChannelId::of(1, 2, 3), {}},
          wire::Shutdown{{}, Bytes(22, 1), {}},
          wire::ClosingSigned{{}, Sat(5), {}, wire::FeeRange{Sat(1), Sat(9)}, {}},
          add,
          wire::UpdateFulfillHtlc{},
          wire::UpdateFailHtlc{{}, 1, Bytes(20, 1), {}},
          wire::UpdateFailMalformedHtlc{},
          wire::CommitmentSigned{{}, {}, {Signature{}, Signature{}}, {}},
          revoke,
          wire::UpdateFee{},
          reestablish,
          wire::AnnouncementSignatures{},
          channel,
          node,
          wire::ChannelUpdate{},
          wire::QueryShortChannelIds{{}, Bytes(9), {}},
          wire::ReplyShortChannelIdsEnd{},
          wire::QueryChannelRange{},
          wire::ReplyChannelRange{{}, 1, 2, 1, Bytes(9), {}},
          wire::GossipTimestampFilter{},
          wire::OnionMessage{point, Bytes(100, 1)}};
}

TEST_F(Garbage, every_message_cut_anywhere_costs_only_the_connection_that_sent_it) {
  for (const auto& message : all_messages(alice.id)) {
    auto bytes = wire::encode(message);
    ASSERT_FALSE(say(bytes).closed) << wire::name(message);
    std::size_t refused = 0;
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      if (cut > 48 && cut + 16 < bytes.size() && cut % 13 != 0) continue;  // long: some places of each kind
      auto part = Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(cut));
      auto outcome = say(part);
      // A shorter message may be whole: its last fields were TLVs. Gossip is ignored. All else is a warning and the
      // end.
      bool ignored = wire::decode(part).has_value() || wire::is_gossip(part);
      EXPECT_EQ(outcome.closed, !ignored) << wire::name(message) << " cut at " << cut;
      if (outcome.closed) {
        EXPECT_EQ(outcome.heard, 0U);
        ++refused;
      }
    }
    EXPECT_GE(refused, 2U) << wire::name(message);  // at least where its type is cut
  }
}

TEST_F(Garbage, unknown_odd_types_are_ignored_and_unknown_even_ones_end_the_connection) {
  for (std::uint32_t type = 0; type < 65'536; type += type < 600 ? 1 : 331) {
    auto number = static_cast<std::uint16_t>(type);
    for (std::size_t size : {0, 40}) {
      Bytes bytes = Writer().u16(number).bytes(Bytes(size, 0xa5)).take();
      auto read = wire::decode(bytes);
      bool known = read.has_value() && !std::holds_alternative<wire::UnknownMessage>(*read);
      if (known) continue;
      auto outcome = say(bytes);
      EXPECT_EQ(outcome.heard, 0U) << type;
      EXPECT_EQ(outcome.closed, (number % 2 == 0 || !read.has_value()) && !wire::is_gossip(bytes)) << type;
    }
  }
}

TEST_F(Garbage, known_types_with_chance_behind_them_never_hurt_another_connection) {
  CountingRng chance(5);
  for (const auto& message : all_messages(alice.id)) {
    auto type = wire::encode(message);
    for (int round = 0; round < 12; ++round) {
      Bytes body(chance.u64() % 300);
      chance.fill(body);
      Bytes bytes = Writer().bytes(ByteView(type).first(2)).bytes(body).take();
      auto read = wire::decode(bytes);
      auto outcome = say(bytes);
      EXPECT_TRUE(outcome.closed || read.has_value() || wire::is_gossip(bytes)) << wire::name(message);
    }
  }
}

// The longest frames that there are: a message filled up with a record that nobody knows, or with its last field.
TEST_F(Garbage, every_message_filled_up_to_65535_bytes_is_read_or_refused) {
  for (const auto& message : all_messages(alice.id)) {
    auto bytes = wire::encode(message);
    for (std::size_t size = wire::kMaxMessageBytes - 6; size <= wire::kMaxMessageBytes; ++size) {
      // type 0xfb, odd and unknown; a length of three bytes
      auto filled = Writer().bytes(bytes).u8(0xfb).u8(0xfd).u16(static_cast<std::uint16_t>(size - bytes.size() - 4));
      auto whole = filled.bytes(Bytes(size - bytes.size() - 4, 0xa5)).take();
      ASSERT_EQ(whole.size(), size);
      auto outcome = say(whole);
      auto read = wire::decode(whole);
      EXPECT_EQ(outcome.closed, !read.has_value() && !wire::is_gossip(whole)) << wire::name(message);
      if (read) {
        EXPECT_LE(wire::encode(*read).size(), wire::kMaxMessageBytes) << wire::name(message);
      }
    }
  }
}

TEST_F(Garbage, bytes_that_are_no_frame_end_only_their_connection) {
  CountingRng chance(6);
  for (std::size_t size : {1, 17, 18, 19, 50, 500}) {
    Scripted peer(alice, next, 71);
    peer.say_init();
    Bytes noise(size);
    chance.fill(noise);
    auto effects = alice.step(BytesReceived{next++, noise});
    EXPECT_EQ(of<Hangup>(effects).size(), size >= 18 ? 1U : 0U) << size;
    EXPECT_TRUE(alice.peers.contains(innocent.node_id()));
    if (size < 18) alice.step(PeerDisconnected{next - 1});
  }
  for (std::size_t size : {1, 49, 50, 51, 2'000}) {  // before the handshake
    Bytes noise(size);
    chance.fill(noise);
    alice.step(PeerConnected{next, std::nullopt, "198.51.100.9:9"});
    auto effects = alice.step(BytesReceived{next++, noise});
    EXPECT_EQ(of<Hangup>(effects).size(), size >= 50 ? 1U : 0U) << size;
  }
  EXPECT_FALSE(innocent.closed);
  innocent.say(wire::Ping{1, 0});
  EXPECT_EQ(innocent.all<wire::Pong>().size(), 1U);
}

}  // namespace
}  // namespace doze::peer::testing
