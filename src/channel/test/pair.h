// Two channel rooms with hand-made surroundings, and a connection between them that a test can cut after each message.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>

#include "bitcoin/address.h"
#include "bitcoin/interpreter.h"
#include "bitcoin/script.h"
#include "channel/records.h"
#include "channel/rounds.h"
#include "channel/waits.h"
#include "channel/watching.h"
#include "crypto/crypto.h"
#include "effects/features.h"
#include "effects/limits.h"
#include "effects/read_rows.h"
#include "effects/test/surroundings.h"
#include "effects/test/test_chain.h"

namespace doze::channel::testing {

using namespace doze::test;  // NOLINT

/// The preimage of a payment that tests number.
inline Preimage preimage(std::uint64_t number) {
  Preimage out;
  for (std::size_t i = 0; i < 8; ++i) out.raw()[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return out;
}
inline PaymentHash hash(std::uint64_t number) {
  return crypto::payment_hash(preimage(number));
}
inline PaymentId payment(std::uint64_t number) {
  return convert<PaymentId>(hash(number));
}

/// For closechannel.
inline std::string address(ByteView script) {
  return *bitcoin::address_of_script(script, bitcoin::kHrpRegtest);
}

/// A node of which only the channel room is real. Words to other rooms are answered by hand in the same step.
struct FakeNode : test::Surroundings {
  FakeNode(std::uint8_t seed, Role role) : Surroundings(seed, role) { mono = MonoTime(1); }
  bool has_coins = true;
  Channels room;
  std::deque<wire::Message> outbox;  // to the peer
  bool dropped = false;              // asked to drop the connection
  /// Fundings are answered at once, unless they are collected here.
  std::optional<std::vector<PrepareFunding>> to_fund;
  /// What the payment room would do, in the same step.
  std::function<std::vector<Input>(const HtlcReceived&)> on_received;

  void step(const Input& input) { together({input}); }
  /// One step of the corridor.
  void together(std::deque<Input> inputs) {
    for (;;) {
      while (!inputs.empty()) {
        auto next = std::move(inputs.front());
        inputs.pop_front();
        one(next, inputs);
      }
      one(Input(EndOfStep{}), inputs);
      if (inputs.empty()) return;
    }
  }

  /// What is on disk about the channel is replaced by what `channel` is now, and the room does not know.
  void put_rows(const Channel& channel) {
    erase_rows_of(channel.id);
    rows[{Table::Channel, to_bytes(channel.id.view())}] = record(channel).value;
    for (const auto& [id, value] : htlc_records(channel)) rows[{Table::Channel, htlc_key(channel.id, id)}] = value;
  }
  /// ... as a node of before had it.
  void put_old_row(const Channel& channel, std::uint8_t version) {
    erase_rows_of(channel.id);
    rows[{Table::Channel, to_bytes(channel.id.view())}] = old_record(channel, version).value;
  }
  void erase_rows_of(const ChannelId& id) {
    std::erase_if(rows, [&](const auto& row) {
      const auto& [table, key] = row.first;
      return table == Table::Channel && key.size() >= 32 && equal(ByteView(key).first(32), id.view());
    });
  }
  [[nodiscard]] std::size_t htlc_rows() const {
    return static_cast<std::size_t>(std::count_if(rows.begin(), rows.end(), [](const auto& row) {
      return row.first.first == Table::Channel && is_htlc_key(row.first.second);
    }));
  }

  Result<Channels, LoadError> loaded() const { return load(stored(), *signer); }
  void restart() {
    auto read = loaded();
    ASSERT_TRUE(read.has_value());
    room = *std::move(read);
    channels = doze::channel::views(room);
    peers.clear();
    outbox.clear();
    watched = {};
    step(Started{});
  }
  [[nodiscard]] const ChannelView& only_channel() const {
    LN_ASSERT(channels.size() == 1);
    return channels.begin()->second;
  }
  template <class M>
  [[nodiscard]] std::vector<M> sent() const {
    std::vector<M> out;
    for (const auto& word : all<SendMessage>())
      if (const auto* message = std::get_if<M>(&word.message)) out.push_back(*message);
    return out;
  }
  AddHtlc add(const ChannelId& channel, Msat amount, std::uint64_t number, std::optional<Profile> hold = std::nullopt) {
    AddHtlc out;
    out.channel_id = channel;
    out.origin = LocalOrigin{payment(number)};
    out.amount = amount;
    out.payment_hash = hash(number);
    out.cltv_expiry = CltvExpiry(tip.value() + 500);
    out.onion_routing_packet = Bytes(wire::kPaymentOnionBytes, static_cast<std::uint8_t>(number));
    out.hold = hold;
    return out;
  }

  /// What steps look up is what a walk over all channels finds, after each input of every test of the room. What time
  /// is waited for is decided at the end of a step.
  void expect_indexes(bool at_end) const {
    EXPECT_TRUE(doze::channel::index(room) == ChannelIndex(channels));
    if (!at_end) return;
    Lookup walked;
    for (const auto& [id, channel] : room.inside->channels) note_lookup(*room.inside, id, walked);
    EXPECT_TRUE(room.inside->lookup == walked);
    std::map<Outpoint, ChannelId> watching;
    for (const auto& [id, channel] : room.inside->channels)
      for (const auto& output : outputs_to_watch(channel)) {
        watching.emplace(output, id);
        EXPECT_TRUE(watched.has_output(output));
      }
    EXPECT_EQ(room.inside->watched, watching);
    EXPECT_EQ(watched.size(), watching.size());
  }

  /// Coins of the wallet, for claims on chain.
  std::vector<ReservedCoin> wallet;

 private:
  std::map<Outpoint, std::size_t> reserved_;  // by claim: which of `wallet`

  Input coins_for(const ReserveCoins& word) {
    CoinsReserved out{word.channel_id, word.claim, {}};
    auto [it, fresh] = reserved_.try_emplace(word.claim, reserved_.size());
    if (it->second < wallet.size()) out.coins.push_back(wallet[it->second]);
    return out;
  }
  void one(const Input& input, std::deque<Input>& inputs) {
    auto transition = channel::step(std::move(room), input, context());
    room = std::move(transition.next);
    channels = doze::channel::views(room);
    note(transition.effects);
    expect_indexes(std::holds_alternative<EndOfStep>(input));
    for (const auto& effect : transition.effects) {
      if (const auto* send = std::get_if<SendMessage>(&effect))
        if (peers.contains(send->node_id)) outbox.push_back(send->message);
      if (std::holds_alternative<DropPeer>(effect)) dropped = true;
      if (const auto* word = std::get_if<PrepareFunding>(&effect)) {
        if (to_fund)
          to_fund->push_back(*word);
        else
          inputs.push_back(fund(*word));
      }
      if (const auto* read = std::get_if<ReadRange>(&effect)) inputs.push_back(read_rows(rows, *read));
      if (const auto* word = std::get_if<ReserveCoins>(&effect)) inputs.push_back(coins_for(*word));
      if (const auto* word = std::get_if<HtlcReceived>(&effect); word != nullptr && on_received)
        for (auto& answer : on_received(*word)) inputs.push_back(std::move(answer));
    }
  }
  Input fund(const PrepareFunding& word) {
    if (!has_coins)
      return FundingFailed{word.temporary_channel_id, {CommandErrorCode::InsufficientFunds, "no coins", {}}};
    bitcoin::Transaction transaction;
    transaction.inputs.push_back({{rng.id<Txid>(), 0}, {}, 0, {}});
    transaction.outputs.push_back({Sat(5'000), bitcoin::p2wpkh_script(signer->wallet_key(true, 0))});
    transaction.outputs.push_back({word.amount, word.script_pubkey});
    return FundingPrepared{word.temporary_channel_id, transaction, 1};
  }
};

/// A is the LSP, B its client, unless a test says otherwise.
struct Pair {
  explicit Pair(Role role_a = Role::Server, Role role_b = Role::Client, std::uint8_t seed_a = 1,
                std::uint8_t seed_b = 2)
      : a(seed_a, role_a), b(seed_b, role_b) {
    a.tip = b.tip = tip;
    a.step(Started{});
    b.step(Started{});
  }
  FakeNode a, b;
  BlockHeight tip{100};
  TestChain chain{tip};
  bitcoin::Transaction funding;

  void connect() {
    for (auto [node, peer] : {std::pair(&a, &b), std::pair(&b, &a)}) {
      node->dropped = false;
      node->peers.insert_or_assign(peer->id, PeerView{peer->id, own_features(peer->config), "x", false, node->wall});
    }
    a.step(PeerReady{b.id});
    b.step(PeerReady{a.id});
  }
  /// What is on its way is lost.
  void cut() {
    for (auto [node, peer] : {std::pair(&a, &b), std::pair(&b, &a)}) {
      node->outbox.clear();
      if (node->peers.erase(peer->id) > 0) node->step(PeerGone{peer->id});
    }
  }
  /// One message from `from`; false if there is none. Through its bytes, as on the wire.
  bool deliver(FakeNode& from) {
    if (from.outbox.empty()) return false;
    auto bytes = wire::encode(from.outbox.front());
    from.outbox.pop_front();
    auto message = wire::decode(bytes);
    LN_ASSERT(message.has_value());
    auto& to = &from == &a ? b : a;
    to.step(MessageReceived{from.id, *message});
    return true;
  }
  /// Until nobody says anything any more.
  void run() {
    for (int i = 0; i < 100'000; ++i) {
      bool first = deliver(a), second = deliver(b);
      if (!first && !second) return;
      if (a.dropped || b.dropped) return cut();
    }
    FAIL() << "they never stop";
  }
  /// Both hear of a visit of the chain driver; what they say stays where it is.
  void hear(const std::vector<ChainWord>& words) {
    tip = chain.tip();
    for (auto* node : {&a, &b})
      hand_over(words, node->watched, [&](const auto& one) {
        node->follow(one);
        node->step(one);
      });
  }
  void block(const std::vector<bitcoin::Transaction>& transactions = {}) { hear(chain.mine(transactions)); }
  void mine(const std::vector<bitcoin::Transaction>& transactions = {}, std::uint32_t blocks = 1) {
    for (std::uint32_t i = 0; i < blocks; ++i) {
      block(i == 0 ? transactions : std::vector<bitcoin::Transaction>{});
      run();
    }
  }
  /// The last `blocks` blocks are gone.
  void disconnect_blocks(std::uint32_t blocks) {
    hear(chain.reorganise(blocks, 0));
    run();
  }
  void start_opening(Sat amount = Sat(1'000'000), Msat push = Msat(300'000'000)) {
    command::OpenChannel command;
    command.node_id = b.id;
    command.amount = amount;
    command.push = push;
    a.step(OpenChannelNow{7, command});
  }
  /// Connected, with a channel from A to B that is open on both sides.
  void open(Sat amount = Sat(1'000'000), Msat push = Msat(300'000'000)) {
    connect();
    start_opening(amount, push);
    run();
    ASSERT_EQ(a.all<Broadcast>().size(), 1U);
    funding = a.all<Broadcast>()[0].transaction;
    mine({funding}, std::max(a.config.minimum_depth, b.config.minimum_depth));
    ASSERT_TRUE(a.only_channel().usable);
    ASSERT_TRUE(b.only_channel().usable);
    a.said.clear();
    b.said.clear();
  }
  [[nodiscard]] ChannelId id() const { return a.only_channel().channel_id; }
  /// The transaction is what a miner takes: it spends the funding output by the rules.
  [[nodiscard]] bool spends_funding(const bitcoin::Transaction& transaction) const {
    return bitcoin::verify_transaction(transaction, std::span(&funding.outputs.at(1), 1)).has_value();
  }
};

}  // namespace doze::channel::testing
