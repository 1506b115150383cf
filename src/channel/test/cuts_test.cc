// The connection is cut after each single message, with or without a restart from the stored rows, and nothing is lost
// or done twice.
#include "channel/state.h"
#include "pair.h"

namespace doze::channel {
namespace {

using namespace testing;

/// Settles or fails what it receives, as the payment's number says, in the same step. 0 mod 4 waits.
std::vector<Input> answer(const HtlcReceived& word) {
  auto number = word.htlc.onion_routing_packet[0];
  const auto& id = word.channel_id;
  switch (number % 4) {
    case 1:
      return {FulfillHtlc{id, word.htlc.id, preimage(number)}};
    case 2:
      return {FailHtlc{id, word.htlc.id, Bytes{number}}};
    case 3:
      return {FailMalformedHtlc{id, word.htlc.id, Hash32{}, 0xc005}};
    default:
      return {};
  }
}

struct Cut {
  int restart = 0;  // bit 0: A, bit 1: B
};

/// What was under way when the connection broke.
template <class M>
std::optional<Bytes> lost(const FakeNode& node) {
  for (const auto& message : node.outbox)
    if (std::holds_alternative<M>(message)) return wire::encode(message);
  return std::nullopt;
}

class Story {
 public:
  Story() {
    pair.open();
    pair.a.on_received = pair.b.on_received = answer;
  }
  Pair pair;

  void begin() {
    auto id = pair.id();
    auto add = [&](FakeNode& node, std::uint64_t sat, std::uint8_t number, std::optional<Profile> hold = std::nullopt) {
      node.step(node.add(id, Msat(sat * 1000), number, hold));
      ASSERT_EQ(node.all<HtlcRefused>().size(), 0U);
    };
    add(pair.a, 10'000, 1);
    add(pair.b, 20'000, 5);
    add(pair.b, 3'000, 9, Profile::Ldk);
    add(pair.a, 4'000, 2);
    add(pair.b, 5'000, 3, Profile::Draft);
    add(pair.a, 200, 13);  // no output of its own
    pair.a.step(FeeEstimate{FeeratePerKw(5'000)});
    add(pair.a, 6'000, 4);  // stays
  }
  void cut(int restart) {
    auto a = lost<wire::CommitmentSigned>(pair.a), b = lost<wire::CommitmentSigned>(pair.b);
    auto revoke_a = lost<wire::RevokeAndAck>(pair.a), revoke_b = lost<wire::RevokeAndAck>(pair.b);
    pair.cut();
    if (restart & 1) pair.a.restart();
    if (restart & 2) pair.b.restart();
    pair.connect();
    // The answers to the other's channel_reestablish.
    pair.deliver(pair.a);
    pair.deliver(pair.b);
    expect_same<wire::CommitmentSigned>(a, pair.a);
    expect_same<wire::CommitmentSigned>(b, pair.b);
    expect_same<wire::RevokeAndAck>(revoke_a, pair.a);
    expect_same<wire::RevokeAndAck>(revoke_b, pair.b);
  }
  void expect_end() {
    for (auto* node : {&pair.a, &pair.b}) {
      std::map<PaymentHash, int> outcomes, received;
      for (const auto& word : node->all<HtlcFulfilled>()) ++outcomes[hash_of(word.origin)];
      for (const auto& word : node->all<HtlcFailed>()) ++outcomes[hash_of(word.origin)];
      for (const auto& word : node->all<HtlcReceived>()) {
        ++received[word.htlc.payment_hash];
        EXPECT_EQ(word.htlc.onion_routing_packet.size(), wire::kPaymentOnionBytes);
      }
      for (auto number : node == &pair.a ? std::vector<int>{1, 2, 13} : std::vector<int>{5, 9, 3})
        EXPECT_EQ(outcomes[hash(number)], 1) << number;
      for (auto number : node == &pair.a ? std::vector<int>{5, 9, 3} : std::vector<int>{1, 2, 13, 4})
        EXPECT_EQ(received[hash(number)], 1) << number;
      EXPECT_EQ(outcomes.size(), 3U);
    }
    std::set<std::uint64_t> released;
    for (const auto& word : pair.b.all<ReleasePathsReceived>()) released.insert(word.htlc_id);
    EXPECT_EQ(released, (std::set<std::uint64_t>{1, 2}));
    std::set<std::uint64_t> committed;
    for (const auto& word : pair.a.all<OfferedHtlcCommitted>()) committed.insert(word.htlc_id);
    EXPECT_EQ(committed.size(), 4U);
    const auto &a = pair.a.only_channel(), &b = pair.b.only_channel();
    EXPECT_TRUE(a.usable && b.usable);
    EXPECT_EQ(a.local_balance, Msat(700'000'000 - 10'000'000 - 200'000 + 20'000'000 + 3'000'000 - 6'000'000));
    EXPECT_EQ(a.local_balance, b.remote_balance);
    EXPECT_EQ(a.remote_balance, b.local_balance);
    EXPECT_EQ(a.local_balance + a.remote_balance + Msat(6'000'000), Msat(1'000'000'000));
    EXPECT_EQ(a.offered_htlcs, std::set<std::uint64_t>{3});
    EXPECT_EQ(b.received_htlcs, std::set<std::uint64_t>{3});
    EXPECT_TRUE(a.received_htlcs.empty() && b.offered_htlcs.empty());
    EXPECT_EQ(a.feerate, FeeratePerKw(5'000));
    EXPECT_EQ(b.feerate, FeeratePerKw(5'000));
    for (auto* node : {&pair.a, &pair.b}) EXPECT_TRUE(node->sent<wire::Error>().empty());
  }

 private:
  static PaymentHash hash_of(const HtlcOrigin& origin) {
    return convert<PaymentHash>(std::get<LocalOrigin>(origin).payment_id);
  }
  template <class M>
  static void expect_same(const std::optional<Bytes>& before, const FakeNode& node) {
    if (!before) return;
    auto after = lost<M>(node);
    ASSERT_TRUE(after.has_value());
    EXPECT_EQ(to_hex(*after), to_hex(*before));
  }
};

/// Messages of the whole story without a cut.
int length() {
  Story story;
  story.begin();
  int count = 0;
  for (bool more = true; more;) {
    bool first = story.pair.deliver(story.pair.a), second = story.pair.deliver(story.pair.b);
    count += (first ? 1 : 0) + (second ? 1 : 0);
    more = first || second;
  }
  story.expect_end();
  return count;
}

/// Delivers `count` messages; which side's turn it is alternates, or A's (B's) all go first.
void deliver(Pair& pair, int count, int order) {
  for (int i = 0; i < count; ++i) {
    bool a_first = order == 0 ? i % 2 == 0 : order == 1;
    if (!pair.deliver(a_first ? pair.a : pair.b) && !pair.deliver(a_first ? pair.b : pair.a)) return;
  }
}

// [B2-add-14, B2-re-04, B2-re-07, B2-re-13, B2-re-15, B2-re-20]
TEST(Cuts, OneCutAfterEveryMessage) {
  auto total = length();
  ASSERT_GT(total, 20);
  for (int order = 0; order < 3; ++order)
    for (int at = 0; at <= total; ++at)
      for (int restart = 0; restart < 4; ++restart) {
        SCOPED_TRACE("order " + std::to_string(order) + ", cut after " + std::to_string(at) + ", restart " +
                     std::to_string(restart));
        Story story;
        story.begin();
        deliver(story.pair, at, order);
        story.cut(restart);
        story.pair.run();
        story.expect_end();
        if (HasFailure()) return;
      }
}

// The operator of A switches holding off, or on, and starts again after any message: the peer keeps its connection, and
// the HTLC arrives once, with release paths or with the word that it has none.
TEST(Cuts, HoldingThatIsSwitchedOffOrOnAfterAnyMessageCostsNeitherConnectionNorHtlc) {
  for (auto profile : {Profile::Ldk, Profile::Draft})
    for (bool first : {true, false})
      for (int after = 0; after < 12; ++after) {
        SCOPED_TRACE(std::to_string(after) + (first ? " off" : " on"));
        Pair pair;
        auto holding = [&](bool on) { pair.a.config.offers_ldk_hold = pair.a.config.offers_draft_hold = on; };
        holding(first);
        pair.open();
        pair.b.step(pair.b.add(pair.id(), Msat(20'000'000), 9, profile));
        for (int i = 0; i < after; ++i)
          if (!pair.deliver(pair.b)) pair.deliver(pair.a);
        pair.cut();
        holding(!first);
        pair.a.restart();
        for (int again = 0; again < 3; ++again) {  // and once more without a change: they do not part again
          pair.connect();
          pair.run();
          ASSERT_FALSE(pair.a.dropped || pair.b.dropped);
          ASSERT_TRUE(pair.a.only_channel().usable && pair.b.only_channel().usable);
          if (again < 2) pair.cut();
        }
        ASSERT_EQ(pair.a.all<HtlcReceived>().size(), 1U);
        bool told = !pair.a.all<HtlcReceived>()[0].no_release_path;
        EXPECT_EQ(pair.b.all<ReleasePathsReceived>().empty(), !told) << "who may hold has told how it is released";
        EXPECT_EQ(pair.a.only_channel().received_htlcs.size(), 1U);
        for (auto* node : {&pair.a, &pair.b}) {
          EXPECT_TRUE(node->sent<wire::Error>().empty());
          EXPECT_TRUE(node->sent<wire::Warning>().empty());
        }
      }
}

TEST(Cuts, AFeeThatTheOpenerCanNoLongerPayIsNotSentAgain) {
  Pair pair;
  pair.open(Sat(1'000'000), Msat(980'000'000));  // little is left for the opener
  auto before = pair.a.only_channel().feerate;
  pair.a.step(pair.a.add(pair.id(), Msat(1'000), 1));
  pair.a.step(FeeEstimate{FeeratePerKw(8'253)});  // waits for B's revocation, and does not know of B's HTLC
  EXPECT_EQ(pair.a.sent<wire::UpdateFee>().size(), 1U);
  pair.b.step(pair.b.add(pair.id(), Msat(485'000'000), 2));
  for (int i = 0; i < 2; ++i) {  // update_add_htlc and commitment_signed of both
    pair.deliver(pair.a);
    pair.deliver(pair.b);
  }
  pair.cut();
  pair.connect();
  pair.run();
  for (auto* node : {&pair.a, &pair.b}) {
    EXPECT_TRUE(node->only_channel().usable) << node->only_channel().status;
    EXPECT_EQ(node->only_channel().feerate, before);
    EXPECT_TRUE(node->sent<wire::Error>().empty());
  }
}

TEST(Cuts, AnHtlcThatTheOpenerCanNoLongerPayForIsRefusedInsteadOfSentAgain) {
  for (bool restart : {false, true}) {
    Pair pair;
    pair.open(Sat(1'000'000), Msat(900'000'000));
    pair.a.step(pair.a.add(pair.id(), Msat(1'000'000), 1));
    pair.a.step(pair.a.add(pair.id(), pair.a.only_channel().spendable, 2));  // waits for B's revocation
    ASSERT_EQ(pair.a.all<HtlcAdded>().size(), 2U);
    std::deque<Input> adds;  // B does not know of it yet; A would have to pay for their outputs
    for (std::uint64_t number = 10; number < 22; ++number)
      adds.emplace_back(pair.b.add(pair.id(), Msat(1'000'000), number));
    pair.b.together(adds);
    ASSERT_TRUE(pair.b.all<HtlcRefused>().empty());
    // update_add_htlc and commitment_signed of both; the revocations are lost.
    for (int i = 0; i < 2; ++i) pair.deliver(pair.a);
    for (int i = 0; i < 13; ++i) pair.deliver(pair.b);
    pair.cut();
    if (restart) pair.a.restart();
    pair.connect();
    pair.run();
    auto refused = pair.a.all<HtlcRefused>();
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].origin, HtlcOrigin(LocalOrigin{payment(2)}));
    EXPECT_EQ(refused[0].reason, AddRefusal::InsufficientFunds);
    pair.a.step(pair.a.add(pair.id(), Msat(1'000'000), 3));  // under the id that is free again
    pair.run();
    EXPECT_EQ(pair.b.all<HtlcReceived>().size(), 2U);
    for (auto* node : {&pair.a, &pair.b}) {
      EXPECT_TRUE(node->only_channel().usable) << node->only_channel().status;
      EXPECT_TRUE(node->sent<wire::Error>().empty());
    }
  }
}

// [B2-re-05]
TEST(Cuts, ManyCutsAfterAFewMessagesEach) {
  for (int every = 3; every < 12; ++every)
    for (int restart = 0; restart < 4; ++restart) {
      SCOPED_TRACE("cut every " + std::to_string(every) + ", restart " + std::to_string(restart));
      Story story;
      story.begin();
      for (int i = 0; i < 40; ++i) {
        deliver(story.pair, every, i % 3);
        story.cut(restart);
      }
      story.pair.run();
      story.expect_end();
      if (HasFailure()) return;
    }
}

/// Whatever happens in whatever order, both sides end with the same balances and each outcome once.
// [B2-add-07, B2-re-09]
TEST(Cuts, AnyOrderOfPaymentsMessagesAndCuts) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Pair pair;
    CountingRng rng(seed);
    auto below = [&](std::uint64_t limit) { return (rng.u64() >> 20) % limit; };
    pair.open(Sat(1'000'000), Msat(500'000'000));
    auto id = pair.id();
    std::map<FakeNode*, std::vector<std::pair<std::uint64_t, std::uint8_t>>> waiting;
    std::map<FakeNode*, std::size_t> handed;
    std::uint8_t number = 0;
    auto collect = [&](FakeNode& node) {
      auto all = node.all<HtlcReceived>();
      for (; handed[&node] < all.size(); ++handed[&node])
        waiting[&node].emplace_back(all[handed[&node]].htlc.id, all[handed[&node]].htlc.onion_routing_packet[0]);
    };
    auto finish_one = [&](FakeNode& node) {
      collect(node);
      auto& list = waiting[&node];
      if (list.empty()) return;
      auto at = below(list.size());
      auto [htlc, which] = list[at];
      list.erase(list.begin() + static_cast<std::ptrdiff_t>(at));
      if (which % 2 == 0)
        node.step(FulfillHtlc{id, htlc, preimage(which)});
      else
        node.step(FailHtlc{id, htlc, Bytes{which}});
    };
    for (int i = 0; i < 250; ++i) {
      auto& node = below(2) == 0 ? pair.a : pair.b;
      switch (below(12)) {
        case 0:
        case 1:
          if (number < 255)
            node.step(
                node.add(id, Msat(1 + below(40'000'000)), ++number,
                         below(4) == 0 ? std::optional(below(2) == 0 ? Profile::Ldk : Profile::Draft) : std::nullopt));
          break;
        case 2:
        case 3:
          finish_one(node);
          break;
        case 4:
          pair.a.step(FeeEstimate{FeeratePerKw(static_cast<std::uint32_t>(253 + below(10'000)))});
          break;
        case 5:
          if (below(4) != 0) break;
          pair.cut();
          if (below(2) == 0) node.restart();
          pair.connect();
          break;
        default:
          pair.deliver(node);
      }
    }
    pair.run();
    for (int i = 0; i < 600; ++i) {
      finish_one(pair.a);
      finish_one(pair.b);
      pair.run();
    }
    const auto &a = pair.a.only_channel(), &b = pair.b.only_channel();
    ASSERT_TRUE(a.usable && b.usable) << a.status << " / " << b.status;
    EXPECT_TRUE(a.offered_htlcs.empty() && a.received_htlcs.empty());
    EXPECT_TRUE(b.offered_htlcs.empty() && b.received_htlcs.empty());
    EXPECT_EQ(a.local_balance, b.remote_balance);
    EXPECT_EQ(a.local_balance + a.remote_balance, Msat(1'000'000'000));
    std::int64_t moved = 0;
    for (auto* node : {&pair.a, &pair.b}) {
      std::map<std::uint64_t, int> outcomes;
      for (const auto& word : node->all<HtlcFulfilled>()) ++outcomes[word.htlc_id];
      for (const auto& word : node->all<HtlcFailed>()) ++outcomes[word.htlc_id];
      EXPECT_EQ(outcomes.size(), node->all<HtlcAdded>().size());
      for (const auto& [htlc, count] : outcomes) EXPECT_EQ(count, 1) << htlc;
      EXPECT_EQ(node->all<HtlcReceived>().size(), (node == &pair.a ? pair.b : pair.a).all<HtlcAdded>().size());
      std::map<std::uint64_t, Msat> amounts;
      for (const auto& word : (node == &pair.a ? pair.b : pair.a).all<HtlcReceived>())
        amounts[word.htlc.id] = word.htlc.amount_msat;
      for (const auto& word : node->all<HtlcFulfilled>())
        moved += static_cast<std::int64_t>(amounts.at(word.htlc_id).value()) * (node == &pair.a ? -1 : 1);
    }
    EXPECT_EQ(static_cast<std::int64_t>(a.local_balance.value()), 500'000'000 + moved);
    if (HasFailure()) return;
  }
}

// ---- channel_reestablish that does not fit ----

// [B2-re-17, B2-re-18]
TEST(Reestablish, APeerThatProvesThatWeAreBehindKeepsOurCommitmentFromBeingPublished) {
  Pair pair;
  pair.open();
  auto old_rows = pair.a.rows;
  pair.b.on_received = answer;
  pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), 1));
  pair.run();
  pair.cut();
  pair.a.rows = old_rows;
  pair.a.restart();
  pair.a.said.clear();
  pair.connect();
  pair.deliver(pair.b);
  EXPECT_EQ(pair.a.only_channel().phase, ChannelPhase::ForceClosing);
  EXPECT_TRUE(pair.a.all<Broadcast>().empty());
  EXPECT_EQ(pair.a.sent<wire::Error>().size(), 1U);
  // The other side publishes its commitment.
  pair.run();
  auto broadcast = pair.b.all<Broadcast>();
  ASSERT_EQ(broadcast.size(), 1U);
  EXPECT_TRUE(pair.spends_funding(broadcast[0].transaction));
  // Not even the operator or an error makes the old one public.
  command::CloseChannel close;
  close.channel_id = pair.id();
  close.force = close.accept_cost = true;
  pair.a.step(CommandReceived{3, close});
  pair.a.step(MessageReceived{pair.b.id, wire::Error{pair.id(), {}}});
  pair.a.restart();
  EXPECT_TRUE(pair.a.all<Broadcast>().empty());
}

/// Secrets have 48-bit indexes: the one of a number 2^48 above ours is ours again, and proves nothing.
TEST(Reestablish, ANumberOfMoreThan48BitsDoesNotKeepUsFromPublishing) {
  Pair pair;
  pair.open();
  pair.b.on_received = answer;
  pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), 1));
  pair.run();
  pair.cut();
  pair.connect();
  pair.a.said.clear();
  auto& m = std::get<wire::ChannelReestablish>(pair.b.outbox.front());
  ASSERT_GT(m.next_revocation_number, 0U);
  m.next_revocation_number += std::uint64_t{1} << 48;
  pair.deliver(pair.b);
  EXPECT_EQ(pair.a.only_channel().phase, ChannelPhase::ForceClosing);
  ASSERT_EQ(pair.a.all<Broadcast>().size(), 1U);
  EXPECT_TRUE(pair.spends_funding(pair.a.all<Broadcast>()[0].transaction));
}

// [B2-re-10, B2-re-14, B2-re-16, B2-re-19]
TEST(Reestablish, NumbersThatCannotBeAreAnErrorNotACrash) {
  for (int which = 0; which < 6; ++which) {
    SCOPED_TRACE(which);
    Pair pair;
    pair.open();
    pair.b.on_received = answer;
    pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), 1));
    pair.run();
    pair.cut();
    pair.connect();
    auto& m = std::get<wire::ChannelReestablish>(pair.b.outbox.front());
    if (which == 0) m.next_revocation_number = ~std::uint64_t{0};
    if (which == 1) m.next_revocation_number = m.next_revocation_number + 1;
    if (which == 2) m.next_revocation_number = 0;
    if (which == 3) m.next_commitment_number = 0;
    if (which == 4) m.next_commitment_number = ~std::uint64_t{0};
    if (which == 5) m.your_last_per_commitment_secret.raw()[3] ^= 1;
    pair.deliver(pair.b);
    EXPECT_EQ(pair.a.sent<wire::Error>().size(), 1U);
    EXPECT_EQ(pair.a.only_channel().phase, ChannelPhase::ForceClosing);
  }
}

// [B2-re-08]
TEST(Reestablish, AnythingBeforeItOnlyDropsTheConnection) {
  Pair pair;
  pair.open();
  pair.cut();
  pair.connect();
  pair.a.outbox.clear();
  pair.a.outbox.emplace_back(wire::UpdateFailHtlc{pair.id(), 0, {}, {}});
  pair.deliver(pair.a);
  EXPECT_TRUE(pair.b.dropped);
  EXPECT_EQ(pair.b.only_channel().phase, ChannelPhase::Normal);
}

TEST(Reestablish, RemovalsSaidWhileThePeerIsAwayGoOutWhenItIsBack) {
  for (bool restart : {false, true}) {
    Pair pair;
    pair.open();
    pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), 1));
    pair.run();
    pair.cut();
    pair.b.step(FulfillHtlc{pair.id(), 0, preimage(1)});
    if (restart) pair.b.restart();
    pair.connect();
    pair.run();
    EXPECT_EQ(pair.a.all<HtlcFulfilled>().size(), 1U);
    EXPECT_EQ(pair.b.only_channel().local_balance, Msat(305'000'000));
  }
}

TEST(Records, ARowOfAnotherVersionOrCutAnywhereIsAnErrorWithItsKey) {
  Story story;
  story.begin();
  deliver(story.pair, 9, 0);
  for (auto* node : {&story.pair.a, &story.pair.b})
    for (const auto& [key, value] : node->rows) {
      if (key.first == Table::HtlcLog) continue;  // not read at a start
      auto refused = [&, key = key](const Bytes& bytes) {
        std::vector<Row> rows;
        for (const auto& [k, v] : node->rows) rows.push_back({k.first, k.second, k == key ? bytes : v});
        auto read = load(rows, *node->signer);
        return !read && read.error().key == key.second && read.error().table == key.first;
      };
      for (std::size_t cut = 0; cut < value.size(); ++cut) {
        if (cut > 64 && cut % 7 != 0 && cut + 64 < value.size()) continue;  // long: each place of each kind is enough
        EXPECT_TRUE(refused(Bytes(value.begin(), value.begin() + static_cast<std::ptrdiff_t>(cut)))) << cut;
      }
      auto changed = value;
      changed[0] = 99;
      EXPECT_TRUE(refused(changed));
      changed = value;
      changed.push_back(0);
      EXPECT_TRUE(refused(changed));
    }
}

/// Whether A's row is refused, by its key, after this change to a channel with an HTLC of A's, committed on both sides.
bool refused_after(const std::function<void(Channel&)>& change) {
  Pair pair;
  pair.open();
  pair.a.step(pair.a.add(pair.id(), Msat(5'000'000), 1));
  pair.run();
  auto& channel = pair.a.room.inside->channels.at(pair.id());
  EXPECT_GT(channel.commitments.remote.number, 0U);
  change(channel);
  auto id = std::exchange(channel.id, pair.id());
  pair.a.put_rows(channel);
  auto key = to_bytes(pair.id().view());
  if (id != channel.id) {
    channel.id = id;
    pair.a.rows[{Table::Channel, key}] = record(channel).value;
  }
  auto read = pair.a.loaded();
  if (read) return false;
  EXPECT_EQ(read.error().table, Table::Channel);
  EXPECT_EQ(to_bytes(ByteView(read.error().key).first(32)), key);
  EXPECT_EQ(read.error().error.code, ParseCode::BadValue);
  return true;
}

TEST(Records, an_update_that_does_not_fit_the_commitments_is_an_error) {
  EXPECT_FALSE(refused_after([](Channel&) {}));
  wire::UpdateAddHtlc add;
  add.onion_routing_packet = Bytes(wire::kPaymentOnionBytes);
  add.amount_msat = Msat(1'000);
  for (auto list : {&commitment::UpdateLists::local_proposed, &commitment::UpdateLists::local_signed,
                    &commitment::UpdateLists::local_acked, &commitment::UpdateLists::remote_acked}) {
    EXPECT_TRUE(refused_after([&](Channel& c) {
      (c.commitments.updates.*list).emplace_back(wire::UpdateFulfillHtlc{c.id, 7, {}, {}});
    }));
    EXPECT_TRUE(refused_after([&](Channel& c) {
      (c.commitments.updates.*list).emplace_back(wire::UpdateFailHtlc{c.id, 7, {}, {}});
    }));
    auto unpayable = add;
    unpayable.amount_msat = Msat(999'000'000);
    EXPECT_TRUE(refused_after([&](Channel& c) {
      unpayable.id = c.commitments.updates.next_local_htlc++;
      c.offered[unpayable.id] = {LocalOrigin{}, std::nullopt, false};
      (c.commitments.updates.*list).emplace_back(unpayable);
    }));
  }
  // Removed twice.
  EXPECT_TRUE(refused_after([](Channel& c) {
    for (int i = 0; i < 2; ++i) c.commitments.updates.remote_acked.emplace_back(wire::UpdateFailHtlc{c.id, 0, {}, {}});
  }));
  // One of ours that is not the last, and one that nobody knows.
  EXPECT_TRUE(refused_after([&](Channel& c) {
    add.id = c.commitments.updates.next_local_htlc + 3;
    c.offered[add.id] = {LocalOrigin{}, std::nullopt, false};
    c.commitments.updates.local_proposed.emplace_back(add);
  }));
  EXPECT_TRUE(refused_after([&](Channel& c) {
    add.id = c.commitments.updates.next_local_htlc++;
    c.commitments.updates.local_proposed.emplace_back(add);
  }));
  EXPECT_FALSE(refused_after([&](Channel& c) {
    add.id = c.commitments.updates.next_local_htlc++;
    c.offered[add.id] = {LocalOrigin{}, std::nullopt, false};
    c.commitments.updates.local_proposed.emplace_back(add);
  }));
}

TEST(Records, a_channel_without_the_secrets_keys_or_signature_that_it_needs_is_an_error) {
  EXPECT_TRUE(refused_after([](Channel& c) { c.commitments.secrets = {}; }));
  EXPECT_TRUE(refused_after([](Channel& c) { c.commitments.remote.number += 100; }));
  EXPECT_TRUE(refused_after([](Channel& c) { c.commitments.local.number = ~std::uint64_t{0}; }));
  EXPECT_TRUE(refused_after([](Channel& c) { c.commitments.local.signature.bytes.fill(0xff); }));
  EXPECT_TRUE(refused_after([](Channel& c) { c.commitments.local.signature = {}; }));
  EXPECT_TRUE(refused_after([](Channel& c) { c.commitments.params.remote.keys.revocation_basepoint = {}; }));
  EXPECT_TRUE(refused_after([](Channel& c) { c.commitments.remote.point = {}; }));
  EXPECT_TRUE(refused_after([](Channel& c) { c.commitments.remote_next_point = {}; }));
  EXPECT_TRUE(refused_after([](Channel& c) { c.key_index = std::uint64_t{1} << 40; }));
  EXPECT_TRUE(refused_after([](Channel& c) { c.key_index += 1; }));  // its keys are others
  EXPECT_TRUE(refused_after([](Channel& c) { c.id.bytes[5] ^= 1; }));
}

TEST(Records, a_channel_with_impossible_numbers_is_an_error) {
  EXPECT_TRUE(refused_after([](Channel& c) { c.commitments.local.spec.to_local += Msat(1); }));
  EXPECT_TRUE(refused_after([](Channel& c) { c.commitments.remote.spec.to_remote = Msat(UINT64_MAX); }));
  EXPECT_TRUE(refused_after([](Channel& c) { c.commitments.remote.spec.htlcs.clear(); }));
  EXPECT_TRUE(refused_after([](Channel& c) { c.commitments.next_remote = Spec{}; }));
  EXPECT_TRUE(refused_after([](Channel& c) { c.commitments.params.capacity = Sat(UINT64_MAX); }));
  EXPECT_TRUE(refused_after([](Channel& c) { c.commitments.params.remote.channel_reserve = Sat(UINT64_MAX); }));
  EXPECT_TRUE(refused_after([](Channel& c) { c.commitments.params.format = static_cast<CommitmentFormat>(0); }));
  EXPECT_TRUE(refused_after([](Channel& c) { c.last_revoke = {{0, static_cast<Profile>(2)}}; }));
  EXPECT_TRUE(refused_after([](Channel& c) { c.last_revoke.resize(kMaxHeldPerChannel + 1); }));
  EXPECT_TRUE(refused_after([](Channel& c) { c.offered.at(0).hold = static_cast<Profile>(2); }));
  Pair pair;
  pair.open();
  auto counter = key_counter_record(kMaxKeyIndexes + 1);
  pair.a.rows[{counter.table, counter.key}] = counter.value;
  auto read = pair.a.loaded();
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().key, counter.key);
}

}  // namespace
}  // namespace doze::channel
