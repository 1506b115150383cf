#include "wallet/wallet.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "bitcoin/address.h"
#include "bitcoin/interpreter.h"
#include "bitcoin/script.h"
#include "effects/limits.h"
#include "effects/test/surroundings.h"
#include "effects/test/test_chain.h"
#include "wallet/inside.h"

namespace doze::wallet {
namespace {

using namespace doze::test;  // NOLINT

/// A wallet with its world: rows as the store would keep them, a chain of blocks, the backend's unspent outputs.
class WalletTest : public testing::Test, protected Surroundings {
 protected:
  WalletTest() : Surroundings(7) {
    tip = BlockHeight(500);
    reload();
  }

  Wallet reload_value() {
    auto loaded = load(stored(), *signer);
    EXPECT_TRUE(loaded.has_value());
    return *std::move(loaded);
  }
  /// A new process: its driver watches what the wallet names when it starts.
  void reload() {
    wallet_ = reload_value();
    watched = {};
    for (const auto& watch : of<Watch>(step(reload_value(), Started{}, context()).effects)) watched.apply(watch);
  }

  Effects tell(const Input& input) {
    auto transition = step(std::move(wallet_), input, context());
    wallet_ = std::move(transition.next);
    note(transition.effects);
    expect_watched();
    // Whatever is remembered, the rows say the same: every test runs on reloaded wallets, too.
    auto before = balance(wallet_), after = Balance{};
    auto twin = reload_value();
    after = balance(step(std::move(twin), ReleaseFunding{}, context()).next);
    EXPECT_EQ(before.confirmed, after.confirmed);
    EXPECT_EQ(before.unconfirmed, after.unconfirmed);
    EXPECT_EQ(before.reserved, after.reserved);
    return std::move(transition.effects);
  }
  /// The driver watches what the wallet looks for in blocks, and nothing else.
  void expect_watched() const {
    const auto& [coins, scripts] = std::tie(wallet_.inside->coins, wallet_.inside->watched);
    for (const auto& [outpoint, coin] : coins) EXPECT_TRUE(watched.has_output(outpoint));
    for (const auto& [script, key] : scripts) EXPECT_TRUE(watched.has_script(script));
    EXPECT_EQ(watched.size(), coins.size() + scripts.size());
  }
  template <class T>
  static T one(const Effects& effects) {
    auto found = of<T>(effects);
    EXPECT_EQ(found.size(), 1u);
    LN_ASSERT(!found.empty());
    return found[0];
  }
  static Value value_of(const Effects& effects) {
    auto reply = one<Reply>(effects);
    EXPECT_TRUE(std::holds_alternative<Value>(reply.result));
    return std::holds_alternative<Value>(reply.result) ? std::get<Value>(reply.result) : Value();
  }
  static CommandError error_of(const Effects& effects) {
    auto reply = one<Reply>(effects);
    EXPECT_TRUE(std::holds_alternative<CommandError>(reply.result));
    return std::holds_alternative<CommandError>(reply.result) ? std::get<CommandError>(reply.result) : CommandError{};
  }
  std::string new_address() { return text_of(value_of(tell(CommandReceived{1, command::NewAddress{}})), "address"); }
  Value list_funds() { return value_of(tell(CommandReceived{1, command::ListFunds{}})); }
  static Bytes script(const std::string& address) {
    auto found = bitcoin::script_of_address(address, bitcoin::kHrpRegtest);
    EXPECT_TRUE(found.has_value());
    return *found;
  }

  [[nodiscard]] Bytes receive_script(std::uint32_t index) const {
    return bitcoin::p2wpkh_script(signer->wallet_key(false, index));
  }

  bitcoin::Transaction payment_to(const Bytes& to, std::uint64_t amount) {
    bitcoin::Transaction out;
    out.inputs.push_back({.previous_output = {rng.id<Txid>(), 0}});
    out.outputs.push_back({Sat(amount), to});
    return out;
  }
  static bitcoin::Transaction coinbase(const Bytes& to = Bytes{bitcoin::OP_RETURN}) {
    bitcoin::Transaction out;
    out.inputs.push_back({.previous_output = {{}, 0xffffffff}, .script_sig = Bytes{1, 1}});
    out.outputs.push_back({Sat(5'000'000'000), to});
    return out;
  }
  Effects mine(std::vector<bitcoin::Transaction> transactions, const Bytes& reward_to = Bytes{bitcoin::OP_RETURN}) {
    std::vector<bitcoin::Transaction> in_block{coinbase(reward_to)};
    for (auto& transaction : transactions) {
      auto id = bitcoin::txid(transaction);
      for (std::uint32_t i = 0; i < transaction.outputs.size(); ++i) outputs_[{id, i}] = transaction.outputs[i];
      in_block.push_back(std::move(transaction));
    }
    return hear(chain_.mine(std::move(in_block)));
  }
  Effects unmine() { return hear(chain_.reorganise(1, 0)); }
  Effects hear(const std::vector<ChainWord>& words) {
    Effects out;
    hand_over(words, watched, [&](const auto& one) {
      follow(one);
      auto said_now = tell(one);
      std::move(said_now.begin(), said_now.end(), std::back_inserter(out));
    });
    return out;
  }
  /// A confirmed coin of ours.
  Txid receive(std::uint64_t amount) {
    auto transaction = payment_to(script(new_address()), amount);
    auto id = bitcoin::txid(transaction);
    mine({transaction});
    return id;
  }
  Effects prepare(std::uint64_t amount, std::uint32_t feerate = 1'000) {
    return tell(PrepareFunding{{}, bitcoin::p2wsh_script(Bytes{1, 2, 3}), Sat(amount), FeeratePerKw(feerate)});
  }
  /// Every input signed for what it spends; gives the fee.
  Sat verified_fee(const bitcoin::Transaction& transaction) {
    std::vector<bitcoin::TxOut> spent;
    for (const auto& input : transaction.inputs) spent.push_back(outputs_.at(input.previous_output));
    auto fee = bitcoin::verify_transaction(transaction, spent);
    EXPECT_TRUE(fee.has_value());
    return fee ? *fee : Sat(0);
  }

  std::map<Outpoint, bitcoin::TxOut> outputs_;
  TestChain chain_{BlockHeight(500)};
  Wallet wallet_;
};

const char* const kElsewhere = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

TEST_F(WalletTest, a_transaction_that_mempools_dropped_goes_out_again_every_six_blocks) {
  receive(100'000);
  tell(Started{});
  auto sent = one<Broadcast>(tell(CommandReceived{1, command::SendToAddress{kElsewhere, Sat(20'000), std::nullopt}}));
  auto id = bitcoin::txid(sent.transaction);
  tell(BroadcastResult{id, BroadcastOutcome::Accepted, ""});
  said.clear();
  for (std::uint32_t i = 0; i < kRebroadcastBlocks; ++i) mine({});
  ASSERT_EQ(all<Broadcast>().size(), 1U);
  EXPECT_EQ(bitcoin::txid(all<Broadcast>()[0].transaction), id);
  mine({sent.transaction});
  for (std::uint32_t i = 0; i < 2 * kRebroadcastBlocks; ++i) mine({});
  EXPECT_EQ(all<Broadcast>().size(), 1U);
}

TEST_F(WalletTest, GivesEachAddressOnceAlsoAcrossRestarts) {
  auto first = new_address();
  reload();
  auto second = new_address();
  EXPECT_NE(first, second);
  EXPECT_EQ(script(first), bitcoin::p2wpkh_script(signer->wallet_key(false, 0)));
  EXPECT_EQ(script(second), bitcoin::p2wpkh_script(signer->wallet_key(false, 1)));
}

TEST_F(WalletTest, a_deposit_in_the_mempool_is_shown_and_is_no_money_yet) {
  auto address = new_address();
  auto payment = payment_to(script(address), 70'000), foreign = payment_to(Bytes{0x51}, 1);
  Outpoint outpoint{bitcoin::txid(payment), 0};
  tell(MempoolSeen{{{outpoint, script(address), Sat(70'000)}, {{bitcoin::txid(foreign), 0}, Bytes{0x51}, Sat(1)}},
                   true});
  auto funds = list_funds();
  EXPECT_EQ(number_of(funds, "unconfirmed_deposits_sat"), 70'000U);
  EXPECT_EQ(number_of(funds, "confirmed_sat") + number_of(funds, "unconfirmed_change_sat"), 0U);
  ASSERT_EQ(std::get<List>(funds.find("outputs")->inner()).size(), 1U);
  const auto& shown = std::get<List>(funds.find("outputs")->inner())[0];
  EXPECT_EQ(text_of(shown, "status"), "in_mempool");
  EXPECT_EQ(text_of(shown, "address"), address);
  EXPECT_EQ(text_of(shown, "txid"), bitcoin::txid_to_string(outpoint.txid));
  EXPECT_EQ(error_of(tell(CommandReceived{1, command::SendToAddress{kElsewhere, Sat(1'000), std::nullopt}})).code,
            CommandErrorCode::InsufficientFunds);
  EXPECT_EQ(of<FundingFailed>(prepare(10'000)).size(), 1U);
  // In a block it is a coin, and not shown twice, whatever the mempool said last.
  mine({payment});
  EXPECT_EQ(number_of(list_funds(), "unconfirmed_deposits_sat"), 0U);
  EXPECT_EQ(number_of(list_funds(), "confirmed_sat"), 70'000U);
}

TEST_F(WalletTest, a_deposit_is_not_shown_after_it_was_replaced_or_while_bitcoind_is_away) {
  auto to = script(new_address());
  tell(MempoolSeen{{{{rng.id<Txid>(), 0}, to, Sat(70'000)}}, true});
  tell(MempoolSeen{{{{rng.id<Txid>(), 0}, to, Sat(60'000)}}, true});
  EXPECT_EQ(balance(wallet_).deposits, Sat(60'000));
  tell(ChainStatus{false, false, "gone"});
  EXPECT_EQ(balance(wallet_).deposits, Sat(0));
  EXPECT_FALSE(flag_of(list_funds(), "mempool_read"));
}

TEST_F(WalletTest, the_mempool_is_watched_while_somebody_may_be_waiting) {
  EXPECT_TRUE(of<WatchMempool>(tell(Started{})).empty()) << "there is no address to which anybody could have sent";
  auto first = one<WatchMempool>(tell(CommandReceived{1, command::NewAddress{}}));
  EXPECT_EQ(first.for_ms, kWatchMempoolMs);
  auto watches = [](const WatchMempool& watch, const Bytes& wanted) {
    return std::count(watch.scripts.begin(), watch.scripts.end(), wanted) == 1;
  };
  EXPECT_TRUE(watches(first, receive_script(0)));
  // The next ones are known already; each address is before anybody can have it.
  std::vector<Bytes> known = first.scripts;
  std::size_t times = 0;
  for (std::uint32_t i = 1; i < 2 * kGap; ++i) {
    auto effects = tell(CommandReceived{1, command::NewAddress{}});
    for (const auto& watch : of<WatchMempool>(effects)) known = watch.scripts;
    EXPECT_EQ(std::count(known.begin(), known.end(), receive_script(i)), 1) << i;
    times += of<WatchMempool>(effects).size();
  }
  EXPECT_LE(times, 4U);
  EXPECT_TRUE(of<WatchMempool>(tell(CommandReceived{1, command::ListFunds{}})).empty());
  mono = after_ms(mono, kWatchAgainMs);
  EXPECT_EQ(of<WatchMempool>(tell(CommandReceived{1, command::ListFunds{}})).size(), 1U);
  reload();
  EXPECT_TRUE(watches(one<WatchMempool>(tell(Started{})), receive_script(0)));
}

TEST_F(WalletTest, the_newest_thousand_addresses_are_watched_in_the_mempool) {
  for (std::uint32_t i = 0; i < kDepositAddresses + 1; ++i)
    wallet_ = step(std::move(wallet_), CommandReceived{1, command::NewAddress{}}, context()).next;
  mono = after_ms(mono, kWatchAgainMs);
  auto watch = of<WatchMempool>(step(std::move(wallet_), CommandReceived{1, command::ListFunds{}}, context()).effects);
  ASSERT_EQ(watch.size(), 1U);
  EXPECT_EQ(watch[0].scripts.size(), kDepositAddresses + kGap);
  EXPECT_EQ(watch[0].scripts[0], receive_script(1));
}

TEST_F(WalletTest, FindsCoinsInBlocksAndListsThem) {
  auto address = new_address();
  auto id = bitcoin::txid(payment_to(script(address), 0));
  auto transaction = payment_to(script(address), 70'000);
  id = bitcoin::txid(transaction);
  auto effects = mine({transaction, payment_to(script(kElsewhere), 5'000)});
  EXPECT_EQ(one<Notify>(effects).event, Event("coin_received"));
  EXPECT_EQ(balance(wallet_).confirmed, Sat(70'000));
  auto funds = list_funds();
  EXPECT_EQ(number_of(funds, "confirmed_sat"), 70'000u);
  EXPECT_EQ(number_of(funds, "unconfirmed_change_sat"), 0u);
  const auto& outputs = std::get<List>(funds.find("outputs")->inner());
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(text_of(outputs[0], "txid"), bitcoin::txid_to_string(id));
  EXPECT_EQ(text_of(outputs[0], "address"), address);
  EXPECT_EQ(text_of(outputs[0], "status"), "confirmed");
  EXPECT_EQ(number_of(outputs[0], "amount_sat"), 70'000u);
}

TEST_F(WalletTest, FindsCoinsAheadOfTheNextAddressAndNeverGivesThoseAddressesOut) {
  mine({payment_to(bitcoin::p2wpkh_script(signer->wallet_key(false, 99)), 1'000)});
  EXPECT_EQ(balance(wallet_).confirmed, Sat(1'000));
  EXPECT_EQ(script(new_address()), bitcoin::p2wpkh_script(signer->wallet_key(false, 100)));
  // The window moved on with the coin.
  mine({payment_to(bitcoin::p2wpkh_script(signer->wallet_key(false, 199)), 1'000)});
  EXPECT_EQ(balance(wallet_).confirmed, Sat(2'000));
}

/// A wallet that was restored reads old blocks: what one payment brings into the gap may have been paid before it in
/// the same block, and even in the same transaction.
TEST_F(WalletTest, payments_of_one_block_that_lie_gaps_apart_are_found_in_whatever_order_they_stand) {
  tell(Started{});
  auto first = payment_to(receive_script(kGap - 1), 1);
  first.outputs.insert(first.outputs.begin(), {Sat(2), receive_script(4 * kGap)});  // known when all others are
  auto second = payment_to(receive_script(2 * kGap - 2), 4), third = payment_to(receive_script(3 * kGap - 3), 8);
  auto spent = payment_to(receive_script(3 * kGap - 4), 16), beyond = payment_to(receive_script(5 * kGap + 1), 32);
  auto fourth = payment_to(receive_script(4 * kGap - 4), 64);
  auto spend = payment_to(script(kElsewhere), 1);
  spend.inputs = {{.previous_output = {bitcoin::txid(spent), 0}}};
  mine({beyond, fourth, spent, spend, third, second, first});
  EXPECT_EQ(balance(wallet_).confirmed, Sat(1 + 2 + 4 + 8 + 64));
  EXPECT_EQ(script(new_address()), receive_script(4 * kGap + 1));
  unmine();
  EXPECT_EQ(balance(wallet_).confirmed, Sat(0));
}

TEST_F(WalletTest, FindsClosingOutputsOfChannels) {
  ChannelView channel;
  channel.key_index = 50;
  channels[ChannelId{}] = channel;
  mine({payment_to(bitcoin::p2wpkh_script(signer->wallet_key(false, kChannelScriptIndexBase + 50)), 9'000)});
  EXPECT_EQ(balance(wallet_).confirmed, Sat(9'000));
  // The channel is forgotten, the node restarts, a late payment to its script is still ours.
  channels.clear();
  reload();
  mine({payment_to(bitcoin::p2wpkh_script(signer->wallet_key(false, kChannelScriptIndexBase + 50)), 1'000)});
  EXPECT_EQ(balance(wallet_).confirmed, Sat(10'000));
  auto sent = tell(CommandReceived{2, command::SendToAddress{kElsewhere, std::nullopt, FeeratePerKw(500)}});
  verified_fee(one<Broadcast>(sent).transaction);
}

TEST_F(WalletTest, ReorgMakesCoinsUnconfirmedAndSpendsUnspent) {
  auto id = receive(50'000);
  auto spend = payment_to(script(kElsewhere), 1);
  spend.inputs = {{.previous_output = {id, 0}}};
  mine({spend});
  EXPECT_EQ(balance(wallet_).confirmed, Sat(0));
  unmine();
  EXPECT_EQ(balance(wallet_).confirmed, Sat(50'000));
  unmine();
  EXPECT_EQ(balance(wallet_).confirmed, Sat(0));
  EXPECT_EQ(balance(wallet_).unconfirmed, Sat(50'000));
  // Somebody else's unconfirmed payment is not spent.
  EXPECT_EQ(one<FundingFailed>(prepare(10'000)).error.code, CommandErrorCode::InsufficientFunds);
}

TEST_F(WalletTest, BlockRewardsMatureAfterAHundredBlocksAndVanishWithTheirBlock) {
  mine({}, script(new_address()));
  EXPECT_EQ(balance(wallet_).confirmed, Sat(0));
  EXPECT_EQ(balance(wallet_).unconfirmed, Sat(5'000'000'000));
  EXPECT_EQ(one<FundingFailed>(prepare(10'000)).error.code, CommandErrorCode::InsufficientFunds);
  for (int i = 0; i < 99; ++i) mine({});
  EXPECT_EQ(balance(wallet_).confirmed, Sat(5'000'000'000));
  for (int i = 0; i < 100; ++i) unmine();
  EXPECT_EQ(balance(wallet_).unconfirmed, Sat(0));
}

TEST_F(WalletTest, PreparesASignedFundingWithChangeAndReservesItsCoins) {
  receive(60'000);
  receive(80'000);
  auto prepared = one<FundingPrepared>(prepare(70'000));
  const auto& transaction = prepared.transaction;
  EXPECT_EQ(transaction.outputs.at(prepared.output_index).amount, Sat(70'000));
  EXPECT_EQ(transaction.outputs.at(prepared.output_index).script_pubkey, bitcoin::p2wsh_script(Bytes{1, 2, 3}));
  ASSERT_EQ(transaction.outputs.size(), 2u);
  EXPECT_EQ(transaction.inputs.size(), 1u);
  auto fee = verified_fee(transaction);
  EXPECT_GE(fee.value(), bitcoin::weight(transaction));       // 1 sat a weight unit asked
  EXPECT_LE(fee.value(), bitcoin::weight(transaction) + 10);  // no more than the estimate's slack
  EXPECT_EQ(balance(wallet_).reserved, Sat(80'000));
  EXPECT_EQ(balance(wallet_).confirmed, Sat(60'000));
  reload();
  EXPECT_EQ(one<FundingFailed>(prepare(70'000)).error.code, CommandErrorCode::InsufficientFunds);
}

TEST_F(WalletTest, LeavesDustChangeToTheFee) {
  receive(50'000);
  auto prepared = one<FundingPrepared>(prepare(49'200));
  EXPECT_EQ(prepared.transaction.outputs.size(), 1u);
  EXPECT_EQ(prepared.output_index, 0u);
  EXPECT_EQ(verified_fee(prepared.transaction), Sat(800));
}

TEST_F(WalletTest, TellsWhatIsMissing) {
  receive(50'000);
  auto failed = one<FundingFailed>(prepare(100'000));
  EXPECT_EQ(failed.error.code, CommandErrorCode::InsufficientFunds);
  EXPECT_EQ(number_of(failed.error.numbers, "available_sat"), 50'000u);
  EXPECT_EQ(number_of(failed.error.numbers, "needed_sat"), 100'000 + number_of(failed.error.numbers, "fee_sat"));
  EXPECT_EQ(balance(wallet_).reserved, Sat(0));
}

TEST_F(WalletTest, ReleasedFundingFreesItsCoins) {
  receive(80'000);
  auto prepared = one<FundingPrepared>(prepare(70'000));
  tell(ReleaseFunding{bitcoin::txid(prepared.transaction)});
  EXPECT_EQ(balance(wallet_).reserved, Sat(0));
  EXPECT_EQ(balance(wallet_).confirmed, Sat(80'000));
}

TEST_F(WalletTest, FundingOfALostOpeningIsFreedAtTheNextStart) {
  receive(80'000);
  auto txid = bitcoin::txid(one<FundingPrepared>(prepare(70'000)).transaction);
  ChannelView channel;
  channel.funding = Outpoint{txid, 0};
  channels[ChannelId{}] = channel;
  reload();
  EXPECT_TRUE(of<Broadcast>(tell(Started{})).empty());  // the peer may not have signed
  EXPECT_EQ(balance(wallet_).reserved, Sat(80'000));
  channels.clear();
  reload();
  tell(Started{});
  EXPECT_EQ(balance(wallet_).reserved, Sat(0));
}

TEST_F(WalletTest, ChangeOfABroadcastFundingIsUnconfirmedAndSpendable) {
  receive(80'000);
  auto prepared = one<FundingPrepared>(prepare(30'000));
  auto txid = bitcoin::txid(prepared.transaction);
  tell(BroadcastResult{txid, BroadcastOutcome::Accepted, ""});
  auto change = prepared.transaction.outputs.at(1 - prepared.output_index).amount;
  EXPECT_EQ(balance(wallet_).unconfirmed, change);
  EXPECT_EQ(balance(wallet_).reserved, Sat(0));
  outputs_[{txid, 1 - prepared.output_index}] = prepared.transaction.outputs.at(1 - prepared.output_index);
  auto second = one<FundingPrepared>(prepare(20'000));
  EXPECT_EQ(second.transaction.inputs.at(0).previous_output, (Outpoint{txid, 1 - prepared.output_index}));
  verified_fee(second.transaction);
  // A broadcast funding stays spent, whatever the channel says.
  tell(ReleaseFunding{txid});
  EXPECT_EQ(balance(wallet_).confirmed, Sat(0));
}

TEST_F(WalletTest, SendsToAnAddressAndRepliesWhenTheBackendHasIt) {
  receive(80'000);
  auto effects = tell(CommandReceived{9, command::SendToAddress{kElsewhere, Sat(10'000), FeeratePerKw(2'000)}});
  auto transaction = one<Broadcast>(effects).transaction;
  EXPECT_TRUE(of<Reply>(effects).empty());
  auto fee = verified_fee(transaction);
  auto txid = bitcoin::txid(transaction);
  auto accepted = tell(BroadcastResult{txid, BroadcastOutcome::Accepted, ""});
  EXPECT_EQ(one<Reply>(accepted).request, 9u);
  auto reply = value_of(accepted);
  EXPECT_EQ(text_of(reply, "txid"), bitcoin::txid_to_string(txid));
  EXPECT_EQ(number_of(reply, "amount_sat"), 10'000u);
  EXPECT_EQ(number_of(reply, "fee_sat"), fee.value());
  EXPECT_EQ(text_of(reply, "state"), "sent");
  EXPECT_EQ(balance(wallet_).unconfirmed, Sat(70'000) - fee);
  mine({transaction});
  EXPECT_EQ(balance(wallet_).confirmed, Sat(70'000) - fee);
}

TEST_F(WalletTest, ARepeatedKeyIsAnsweredAgainAndSpendsNothing) {
  receive(80'000);
  command::SendToAddress send{kElsewhere, Sat(10'000), FeeratePerKw(2'000), "order 7"};
  auto txid = bitcoin::txid(one<Broadcast>(tell(CommandReceived{1, send})).transaction);
  // While the first waits, the second waits with it.
  auto second = tell(CommandReceived{2, send});
  EXPECT_TRUE(of<Broadcast>(second).empty());
  EXPECT_TRUE(of<Reply>(second).empty());
  EXPECT_EQ(of<Reply>(tell(BroadcastResult{txid, BroadcastOutcome::Accepted, ""})).size(), 2u);
  for (RequestId request : {3, 4}) {
    if (request == 4) reload();
    auto again = tell(CommandReceived{request, send});
    EXPECT_TRUE(of<Broadcast>(again).empty());
    auto reply = value_of(again);
    EXPECT_EQ(text_of(reply, "txid"), bitcoin::txid_to_string(txid));
    EXPECT_EQ(number_of(reply, "amount_sat"), 10'000u);
    EXPECT_EQ(text_of(reply, "state"), "sent");
  }
  auto other = send;
  other.amount = Sat(10'001);
  EXPECT_EQ(error_of(tell(CommandReceived{5, other})).code, CommandErrorCode::BadRequest);
  // Another key, and none, spend again.
  other = send;
  other.idempotency_key = "order 8";
  EXPECT_EQ(of<Broadcast>(tell(CommandReceived{6, other})).size(), 1u);
}

TEST_F(WalletTest, AKeyWhosePaymentWasRefusedCanBeUsedAgain) {
  receive(80'000);
  command::SendToAddress send{kElsewhere, Sat(10'000), FeeratePerKw(2'000), "order 7"};
  auto txid = bitcoin::txid(one<Broadcast>(tell(CommandReceived{1, send})).transaction);
  EXPECT_EQ(error_of(tell(BroadcastResult{txid, BroadcastOutcome::FeeTooLow, "min relay fee not met"})).code,
            CommandErrorCode::Refused);
  EXPECT_EQ(of<Broadcast>(tell(CommandReceived{2, send})).size(), 1u);
}

TEST_F(WalletTest, KeysAreForgottenAfterFourWeeks) {
  receive(80'000);
  command::SendToAddress send{kElsewhere, Sat(10'000), FeeratePerKw(2'000), "order 7"};
  auto transaction = one<Broadcast>(tell(CommandReceived{1, send})).transaction;
  auto made = tip;
  auto rows_of_keys = [&] {
    return std::count_if(rows.begin(), rows.end(), [](const auto& row) {
      return row.first.first == Table::WalletState && row.first.second.size() == 4 + 32;
    });
  };
  EXPECT_EQ(rows_of_keys(), 1);
  mine({transaction});
  for (std::uint32_t later : {kKeepSentBlocks - 1, kKeepSentBlocks}) {
    tip = BlockHeight(made.value() + later);
    tell(BlockConnected{tip, {}, {}});
    EXPECT_EQ(rows_of_keys(), later < kKeepSentBlocks ? 1 : 0);
  }
}

TEST_F(WalletTest, AChannelIsAskedForOnlyIfItCanBeFunded) {
  receive(80'000);
  command::OpenChannel open;
  open.amount = Sat(100'000);
  auto refused = tell(CommandReceived{1, open});
  EXPECT_TRUE(of<OpenChannelNow>(refused).empty());
  EXPECT_EQ(error_of(refused).code, CommandErrorCode::InsufficientFunds);
  open.amount = Sat(50'000);
  auto asked = tell(CommandReceived{2, open});
  EXPECT_EQ(one<OpenChannelNow>(asked).request, 2u);
  EXPECT_TRUE(of<Put>(asked).empty());
}

TEST_F(WalletTest, SendsNothingWhileItsChainIsNotSynced) {
  receive(80'000);
  views.chain_synced = false;
  auto effects = tell(CommandReceived{9, command::SendToAddress{kElsewhere, Sat(10'000), std::nullopt}});
  EXPECT_EQ(error_of(effects).code, CommandErrorCode::NotReady);
  EXPECT_TRUE(of<Broadcast>(effects).empty());
  EXPECT_EQ(balance(wallet_).confirmed, Sat(80'000));
}

TEST_F(WalletTest, WhoWaitsForABackendThatGoesAwayIsToldThatThePaymentIsQueued) {
  receive(80'000);
  auto sent = tell(CommandReceived{9, command::SendToAddress{kElsewhere, Sat(10'000), std::nullopt}});
  auto txid = bitcoin::txid(one<Broadcast>(sent).transaction);
  EXPECT_TRUE(tell(ChainStatus{true, false, "a new block"}).empty());
  auto away = tell(ChainStatus{false, false, "timed out"});
  EXPECT_EQ(one<Reply>(away).request, 9u);
  EXPECT_EQ(text_of(value_of(away), "txid"), bitcoin::txid_to_string(txid));
  EXPECT_EQ(text_of(value_of(away), "state"), "queued");
  EXPECT_EQ(balance(wallet_).reserved, Sat(80'000));
  EXPECT_TRUE(tell(ChainStatus{false, false, "still"}).empty());
  reload();
  EXPECT_EQ(bitcoin::txid(one<Broadcast>(tell(Started{})).transaction), txid);
  EXPECT_TRUE(of<Reply>(tell(BroadcastResult{txid, BroadcastOutcome::Accepted, ""})).empty());
}

TEST_F(WalletTest, a_payment_without_an_answer_of_the_backend_is_queued_and_stays_if_it_may_be_out) {
  for (bool may_be_out : {false, true}) {
    receive(80'000);
    auto sent = tell(CommandReceived{9, command::SendToAddress{kElsewhere, Sat(10'000), std::nullopt}});
    auto txid = bitcoin::txid(one<Broadcast>(sent).transaction);
    auto told =
        tell(BroadcastResult{txid, may_be_out ? BroadcastOutcome::MaybeOut : BroadcastOutcome::Unanswered, "no JSON"});
    EXPECT_EQ(text_of(value_of(told), "state"), "queued");
    tell(BroadcastResult{txid, BroadcastOutcome::FeeTooLow, "min relay fee not met"});
    bool repeated = !of<Broadcast>(tell(Started{})).empty();
    EXPECT_EQ(repeated, may_be_out);  // refused, but perhaps with other nodes: its coins are not free
  }
}

TEST_F(WalletTest, SendsEverything) {
  receive(80'000);
  receive(20'000);
  auto effects = tell(CommandReceived{9, command::SendToAddress{kElsewhere, std::nullopt, FeeratePerKw(1'000)}});
  auto transaction = one<Broadcast>(effects).transaction;
  EXPECT_EQ(transaction.inputs.size(), 2u);
  ASSERT_EQ(transaction.outputs.size(), 1u);
  EXPECT_EQ(transaction.outputs[0].amount + verified_fee(transaction), Sat(100'000));
}

TEST_F(WalletTest, PaysTheNodesFeeEstimateUnlessAFeerateIsGiven) {
  for (int i = 0; i < 5; ++i) receive(1'000'000);
  auto fee = [&](std::optional<FeeratePerKw> feerate) {
    auto effects = tell(CommandReceived{9, command::SendToAddress{kElsewhere, Sat(10'000), feerate}});
    return verified_fee(one<Broadcast>(effects).transaction).value();
  };
  auto at_default = fee(std::nullopt);
  tell(FeeEstimate{FeeratePerKw(config.default_feerate.value() * 4)});
  EXPECT_NEAR(static_cast<double>(fee(std::nullopt)), 4.0 * static_cast<double>(at_default), 4);
  EXPECT_NEAR(static_cast<double>(fee(config.default_feerate)), static_cast<double>(at_default), 1);
  tell(FeeEstimate{FeeratePerKw(1)});
  auto lowest = fee(std::nullopt);
  EXPECT_EQ(lowest, fee(config.feerate_floor));
}

TEST_F(WalletTest, RefusedPaymentFreesItsCoinsAndSaysWhy) {
  receive(80'000);
  auto sent = tell(CommandReceived{9, command::SendToAddress{kElsewhere, Sat(10'000), std::nullopt}});
  auto refused = tell(BroadcastResult{bitcoin::txid(one<Broadcast>(sent).transaction), BroadcastOutcome::FeeTooLow,
                                      "min relay fee not met"});
  auto error = error_of(refused);
  EXPECT_EQ(error.code, CommandErrorCode::Refused);
  EXPECT_NE(error.message.find("min relay fee not met"), std::string::npos);
  EXPECT_EQ(balance(wallet_).confirmed, Sat(80'000));
}

TEST_F(WalletTest, RefusesWrongAddressesAndDust) {
  receive(80'000);
  auto mainnet = command::SendToAddress{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", Sat(10'000), std::nullopt};
  EXPECT_EQ(error_of(tell(CommandReceived{1, mainnet})).code, CommandErrorCode::BadRequest);
  auto dust = error_of(tell(CommandReceived{1, command::SendToAddress{kElsewhere, Sat(293), std::nullopt}}));
  EXPECT_EQ(dust.code, CommandErrorCode::BadRequest);
  EXPECT_EQ(number_of(dust.numbers, "minimum_sat"), 294u);
}

TEST_F(WalletTest, UnconfirmedTransactionsOfOursGoOutAgainAtStartParentsFirst) {
  receive(80'000);
  auto parent = one<Broadcast>(tell(CommandReceived{1, command::SendToAddress{kElsewhere, Sat(10'000), std::nullopt}}));
  tell(BroadcastResult{bitcoin::txid(parent.transaction), BroadcastOutcome::Accepted, ""});
  auto child = one<Broadcast>(tell(CommandReceived{2, command::SendToAddress{kElsewhere, Sat(10'000), std::nullopt}}));
  reload();
  auto again = of<Broadcast>(tell(Started{}));
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].transaction, parent.transaction);
  EXPECT_EQ(again[1].transaction, child.transaction);
  mine({parent.transaction, child.transaction});
  reload();
  EXPECT_TRUE(of<Broadcast>(tell(Started{})).empty());
  EXPECT_EQ(of<Broadcast>(unmine()).size(), 2u);
}

TEST_F(WalletTest, ConflictingSpendInABlockDropsOursAndWhatHangsOnIt) {
  auto id = receive(80'000);
  auto ours = one<Broadcast>(tell(CommandReceived{1, command::SendToAddress{kElsewhere, Sat(10'000), std::nullopt}}));
  tell(BroadcastResult{bitcoin::txid(ours.transaction), BroadcastOutcome::Accepted, ""});
  auto child = one<Broadcast>(tell(CommandReceived{2, command::SendToAddress{kElsewhere, Sat(10'000), std::nullopt}}));
  auto thief = payment_to(script(kElsewhere), 1);
  thief.inputs = {{.previous_output = {id, 0}}};
  auto effects = mine({thief});
  EXPECT_EQ(error_of(effects).code, CommandErrorCode::Refused);  // the child's request
  EXPECT_EQ(of<Notify>(effects).size(), 2u);
  EXPECT_EQ(balance(wallet_).confirmed, Sat(0));
  EXPECT_EQ(balance(wallet_).unconfirmed, Sat(0));
  reload();
  EXPECT_TRUE(of<Broadcast>(tell(Started{})).empty());
}

TEST_F(WalletTest, ForgetsSpentCoinsWhenNoReorgCanBringThemBack) {
  auto id = receive(80'000);
  auto spend = payment_to(script(kElsewhere), 1);
  spend.inputs = {{.previous_output = {id, 0}}};
  mine({spend});
  auto coins = [&] {
    return std::count_if(rows.begin(), rows.end(), [](const auto& row) { return row.first.first == Table::Coin; });
  };
  for (int i = 0; i < 143; ++i) mine({});
  EXPECT_EQ(coins(), 1);
  mine({});
  EXPECT_EQ(coins(), 0);
}

TEST_F(WalletTest, ARestoredWalletFindsClosingScriptsAcrossGapsWithoutKnowingTheChannels) {
  auto closing = [&](std::uint32_t index) {
    return bitcoin::p2wpkh_script(signer->wallet_key(false, kChannelScriptIndexBase + index));
  };
  mine({payment_to(closing(9), 1'000)});
  mine({payment_to(closing(90), 2'000)});
  reload();
  mine({payment_to(closing(185), 4'000)});
  mine({payment_to(closing(5), 8'000)});
  EXPECT_EQ(balance(wallet_).confirmed, Sat(15'000));
  mine({payment_to(closing(300), 1)});  // beyond the gap
  EXPECT_EQ(balance(wallet_).confirmed, Sat(15'000));
}

TEST_F(WalletTest, AChannelFarAheadIsWatchedAloneAlsoAfterARestart) {
  auto closing = [&](std::uint32_t index) {
    return bitcoin::p2wpkh_script(signer->wallet_key(false, kChannelScriptIndexBase + index));
  };
  for (std::uint8_t i = 0; i < 2; ++i) {
    ChannelView channel;
    channel.channel_id.bytes[0] = i;
    channel.key_index = i == 0 ? 20'000 : 3;
    channels[channel.channel_id] = channel;
  }
  mine({});
  EXPECT_EQ(wallet_.inside->watched.size(), 2 * kGap + kChannelGap + 1);
  mine({payment_to(closing(20'000), 1'000), payment_to(closing(19'999), 2'000), payment_to(closing(99), 4'000)});
  EXPECT_EQ(balance(wallet_).confirmed, Sat(5'000));
  reload();
  tell(Started{});
  EXPECT_EQ(wallet_.inside->watched.size(), 2 * kGap + 100 + kChannelGap + 1);
  mine({payment_to(closing(20'000), 8'000)});
  EXPECT_EQ(balance(wallet_).confirmed, Sat(13'000));
}

/// Rows of November 2026 counted every opening; a restored wallet counts what blocks paid, and closings go by that.
TEST_F(WalletTest, closing_scripts_go_on_behind_the_last_one_that_a_restored_wallet_would_find) {
  auto closing = [&](std::uint32_t index) {
    return bitcoin::p2wpkh_script(signer->wallet_key(false, kChannelScriptIndexBase + index));
  };
  EXPECT_EQ(next_closing_script(wallet_), 0U);
  mine({payment_to(closing(4), 1'000)});
  EXPECT_EQ(next_closing_script(wallet_), 5U);
  ChannelView channel;
  channel.channel_id.bytes[0] = 1;
  channel.key_index = 700;
  channels[channel.channel_id] = channel;
  mine({payment_to(closing(700), 2'000)});  // found, as its channel is known
  EXPECT_EQ(balance(wallet_).confirmed, Sat(3'000));
  EXPECT_EQ(next_closing_script(wallet_), 5U);
  // The same rows, as November 2026 wrote them after 900 openings.
  auto& row = rows.at({Table::WalletState, to_bytes(bytes_of("indexes"))});
  row = Writer().u8(1).u32(0).u32(0).u32(900).take();
  reload();
  EXPECT_EQ(next_closing_script(wallet_), 5U);
  tell(Started{});
  mine({payment_to(closing(800), 4'000)});
  EXPECT_EQ(balance(wallet_).confirmed, Sat(3'000));
  for (auto index : {5U, 5 + kClosingScriptsAhead - 1}) mine({payment_to(closing(index), 10'000)});
  EXPECT_EQ(balance(wallet_).confirmed, Sat(23'000));
}

/// The channel gives its coins back, in this process or after a restart.
TEST_F(WalletTest, a_funding_that_the_backend_refuses_is_the_channels_to_give_up) {
  for (bool synced : {false, true})
    for (bool accepted_before : {false, true}) {
      receive(100'000);
      auto funding = one<FundingPrepared>(prepare(50'000)).transaction;
      auto id = bitcoin::txid(funding);
      // Accepted, or perhaps so: it may confirm whatever is said later.
      if (accepted_before)
        tell(BroadcastResult{id, synced ? BroadcastOutcome::MaybeOut : BroadcastOutcome::Accepted, ""});
      views.chain_synced = synced;
      auto refused =
          of<FundingRefused>(tell(BroadcastResult{id, BroadcastOutcome::FeeTooLow, "mempool min fee not met"}));
      views.chain_synced = true;
      EXPECT_EQ(refused.size(), synced && !accepted_before ? 1U : 0U);
      if (accepted_before) {
        mine({funding});
        continue;
      }
      EXPECT_GT(balance(wallet_).reserved, Sat(0));
      ChannelView channel;
      channel.channel_id.bytes[0] = synced ? 1 : 2;
      channel.funding = Outpoint{id, 0};
      channel.phase = ChannelPhase::ForceClosing;
      channels[channel.channel_id] = channel;
      reload();
      tell(Started{});
      EXPECT_GT(balance(wallet_).reserved, Sat(0));  // the channel waits for it
      if (synced) {
        tell(ReleaseFunding{id});
      } else {
        channels[channel.channel_id].phase = ChannelPhase::Closed;
        reload();
        tell(Started{});
      }
      EXPECT_EQ(balance(wallet_).reserved, Sat(0));
    }
}

TEST_F(WalletTest, a_funding_whose_coins_another_transaction_has_for_good_is_refused_and_its_other_coins_are_free) {
  for (bool restarts : {false, true}) {
    receive(40'000);
    receive(40'000);
    auto funding = one<FundingPrepared>(prepare(60'000)).transaction;
    auto id = bitcoin::txid(funding);
    ASSERT_EQ(funding.inputs.size(), 2U);
    tell(BroadcastResult{id, BroadcastOutcome::Accepted, ""});
    ChannelView channel;
    channel.channel_id.bytes[0] = restarts ? 1 : 2;
    channel.funding = Outpoint{id, 0};
    channel.funder = true;
    channels[channel.channel_id] = channel;
    auto thief = payment_to(script(kElsewhere), 1);
    thief.inputs = {{.previous_output = funding.inputs[0].previous_output}};
    auto effects = mine({thief});
    // At once nothing of it can be spent, and its other coin can; but a reorganisation may bring it back.
    EXPECT_EQ(balance(wallet_).confirmed, Sat(40'000));
    EXPECT_EQ(balance(wallet_).unconfirmed, Sat(0));
    EXPECT_TRUE(
        of<Broadcast>(tell(BroadcastResult{id, BroadcastOutcome::MissingInputs, "bad-txns-inputs-missingorspent"}))
            .empty());
    for (std::uint32_t depth = 2; depth < kLostAfterBlocks; ++depth)
      for (auto& effect : mine({})) effects.push_back(std::move(effect));
    EXPECT_TRUE(of<FundingRefused>(effects).empty());
    if (restarts) {
      reload();
      EXPECT_TRUE(of<Broadcast>(tell(Started{})).empty());
    }
    auto refused = of<FundingRefused>(mine({}));
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].txid, id);
    EXPECT_NE(refused[0].reason.find(bitcoin::txid_to_string(bitcoin::txid(thief))), std::string::npos);
    channels[channel.channel_id].phase = ChannelPhase::Closed;
    tell(ReleaseFunding{id});
    EXPECT_TRUE(of<FundingRefused>(mine({})).empty());
    EXPECT_FALSE(wallet_.inside->transactions.contains(id));
    EXPECT_EQ(balance(wallet_).confirmed, Sat(40'000));
    tell(CommandReceived{9, command::SendToAddress{kElsewhere, std::nullopt, std::nullopt}});  // leaves nothing behind
    mine({of<Broadcast>(said).back().transaction});
  }
}

TEST_F(WalletTest, a_funding_that_lost_comes_back_when_a_reorganisation_takes_the_other_transaction_away) {
  receive(80'000);
  auto funding = one<FundingPrepared>(prepare(60'000)).transaction;
  auto id = bitcoin::txid(funding);
  tell(BroadcastResult{id, BroadcastOutcome::Accepted, ""});
  ChannelView channel;
  channel.funding = Outpoint{id, 0};
  channel.funder = true;
  channels[channel.channel_id] = channel;
  auto before = balance(wallet_);
  auto thief = payment_to(script(kElsewhere), 1);
  thief.inputs = {{.previous_output = funding.inputs[0].previous_output}};
  mine({thief});
  EXPECT_EQ(balance(wallet_).confirmed + balance(wallet_).unconfirmed, Sat(0));
  auto effects = unmine();
  ASSERT_EQ(of<Broadcast>(effects).size(), 1U);
  EXPECT_EQ(of<Broadcast>(effects)[0].transaction, funding);
  EXPECT_EQ(balance(wallet_).unconfirmed, before.unconfirmed);
  mine({funding});
  for (std::uint32_t i = 0; i < kLostAfterBlocks; ++i) EXPECT_TRUE(of<FundingRefused>(mine({})).empty());
  EXPECT_EQ(balance(wallet_).confirmed, before.unconfirmed);
}

TEST_F(WalletTest, a_funding_one_of_whose_coins_went_with_its_parent_is_not_refused_before_a_block_is_deep) {
  receive(40'000);
  tell(CommandReceived{1, command::SendToAddress{kElsewhere, Sat(10'000), std::nullopt}});
  auto parent = of<Broadcast>(said).back().transaction;
  tell(BroadcastResult{bitcoin::txid(parent), BroadcastOutcome::Accepted, ""});  // its change is a coin
  receive(40'000);
  auto funding = one<FundingPrepared>(prepare(60'000)).transaction;
  auto id = bitcoin::txid(funding);
  ASSERT_EQ(funding.inputs.size(), 2U);
  tell(BroadcastResult{id, BroadcastOutcome::Accepted, ""});
  ChannelView channel;
  channel.funding = Outpoint{id, 0};
  channel.funder = true;
  channels[channel.channel_id] = channel;
  auto own = std::ranges::find_if(
      funding.inputs, [&](const bitcoin::TxIn& input) { return input.previous_output.txid != bitcoin::txid(parent); });
  auto thief = payment_to(script(kElsewhere), 1), other = payment_to(script(kElsewhere), 2);
  thief.inputs = {{.previous_output = own->previous_output}};
  other.inputs = {{.previous_output = parent.inputs[0].previous_output}};
  EXPECT_TRUE(of<FundingRefused>(mine({thief, other})).empty());
  reload();
  tell(Started{});
  EXPECT_TRUE(of<FundingRefused>(unmine()).empty());  // the funding may confirm after all
  EXPECT_TRUE(of<FundingRefused>(mine({parent, funding})).empty());
  for (std::uint32_t i = 0; i < kLostAfterBlocks; ++i) EXPECT_TRUE(of<FundingRefused>(mine({})).empty());
  EXPECT_EQ(wallet_.inside->transactions.at(id).state, TxState::Sent);
}

TEST_F(WalletTest, a_funding_that_lost_is_refused_after_blocks_that_came_without_a_word_that_they_are_all) {
  receive(80'000);
  auto funding = one<FundingPrepared>(prepare(60'000)).transaction;
  auto id = bitcoin::txid(funding);
  tell(BroadcastResult{id, BroadcastOutcome::Accepted, ""});
  ChannelView channel;
  channel.funding = Outpoint{id, 0};
  channel.funder = true;
  channels[channel.channel_id] = channel;
  auto thief = payment_to(script(kElsewhere), 1);
  thief.inputs = {{.previous_output = funding.inputs[0].previous_output}};
  mine({thief});
  auto words = chain_.mine({}, kForgetAfterBlocks + 1);
  std::erase_if(words, [](const auto& word) { return std::holds_alternative<ChainStatus>(word); });
  EXPECT_TRUE(of<FundingRefused>(hear(words)).empty());
  EXPECT_EQ(of<FundingRefused>(mine({})).size(), 1U);
  tell(ReleaseFunding{id});
  mine({});
  EXPECT_TRUE(wallet_.inside->coins.empty());  // nothing keeps them any longer
}

TEST_F(WalletTest, AnEstimateBeyondAllReasonIsCut) {
  for (int i = 0; i < 2; ++i) receive(10'000'000);
  auto fee = [&](std::optional<FeeratePerKw> feerate) {
    auto effects = tell(CommandReceived{9, command::SendToAddress{kElsewhere, Sat(10'000), feerate}});
    return verified_fee(one<Broadcast>(effects).transaction).value();
  };
  tell(FeeEstimate{FeeratePerKw(10'000'000)});
  auto at_estimate = fee(std::nullopt);
  EXPECT_NEAR(static_cast<double>(at_estimate), static_cast<double>(fee(kMaxFeerate)), 1'000);
}

TEST_F(WalletTest, RefusesRowsThatNoWalletWrites) {
  auto refused = [&](const Put& put) {
    auto read = load(std::vector<Row>{{put.table, put.key, put.value}}, *signer);
    if (read) return false;
    EXPECT_EQ(read.error().key, put.key);
    EXPECT_EQ(read.error().error.code, ParseCode::BadValue);
    return true;
  };
  Coin coin{.outpoint = {rng.id<Txid>(), 0}, .amount = Sat(1'000)};
  EXPECT_FALSE(refused(record(coin)));
  coin.spent_at = BlockHeight(500);
  EXPECT_TRUE(refused(record(coin)));
  coin.spent_by = rng.id<Txid>();
  EXPECT_FALSE(refused(record(coin)));
  for (auto next : {&Wallet::Inside::next_receive, &Wallet::Inside::next_change, &Wallet::Inside::next_channel}) {
    Wallet::Inside state;
    state.*next = UINT32_MAX - 10;
    EXPECT_TRUE(refused(indexes_record(state)));
  }
}

TEST_F(WalletTest, RefusesCutAndUnknownRows) {
  receive(80'000);
  prepare(30'000);
  for (const auto& [key, value] : rows) {
    for (std::size_t size = 0; size < value.size(); ++size) {
      std::vector<Row> cut{{key.first, key.second, Bytes(value.begin(), value.begin() + size)}};
      EXPECT_FALSE(load(cut, *signer).has_value());
    }
    auto unknown = value;
    unknown[0] = 9;
    auto refused = load(std::vector<Row>{{key.first, key.second, unknown}}, *signer);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().error.code, ParseCode::UnknownVersion);
  }
}

// ---- claims on chain ----

TEST_F(WalletTest, a_claim_gets_confirmed_coins_keeps_them_and_gives_back_what_no_block_spends) {
  new_address();
  new_address();
  mine({payment_to(receive_script(0), 30'000), payment_to(receive_script(1), 50'000)});
  const Outpoint first{rng.id<Txid>(), 0}, second{rng.id<Txid>(), 1};
  auto reserve = [&](const Outpoint& claim, std::uint64_t amount) {
    auto out = one<CoinsReserved>(tell(ReserveCoins{{}, claim, Sat(amount), FeeratePerKw(1'000)}));
    Sat sum;
    for (const auto& coin : out.coins) sum += coin.output.amount;
    return sum;
  };
  EXPECT_EQ(reserve(first, 20'000), Sat(30'000)) << "the smallest that is enough";
  EXPECT_EQ(reserve(first, 20'000), Sat(30'000)) << "asked again";
  reload();
  EXPECT_EQ(reserve(second, 40'000), Sat(50'000));
  EXPECT_EQ(reserve(first, 60'000), Sat(30'000)) << "there are no more";
  EXPECT_EQ(balance(wallet_).reserved, Sat(80'000));
  tell(ReleaseCoins{second});
  EXPECT_EQ(reserve(first, 60'000), Sat(80'000)) << "what the other one gave back";
  tell(ReleaseCoins{first});
  tell(ReleaseCoins{first});
  EXPECT_EQ(balance(wallet_).reserved, Sat(0));
  EXPECT_EQ(balance(wallet_).confirmed, Sat(80'000));
}

TEST_F(WalletTest, a_coin_of_a_claim_that_a_block_spends_is_not_given_back) {
  new_address();
  mine({payment_to(receive_script(0), 30'000)});
  const Outpoint claim{rng.id<Txid>(), 0};
  auto given = one<CoinsReserved>(tell(ReserveCoins{{}, claim, Sat(1'000), FeeratePerKw(1'000)}));
  ASSERT_EQ(given.coins.size(), 1U);
  bitcoin::Transaction spend;
  spend.inputs.push_back({given.coins[0].outpoint, {}, 0, {}});
  spend.outputs.push_back({Sat(29'000), Bytes{bitcoin::OP_RETURN}});
  mine({spend});
  tell(ReleaseCoins{claim});
  EXPECT_EQ(balance(wallet_).confirmed, Sat(0));
  EXPECT_TRUE(one<CoinsReserved>(tell(ReserveCoins{{}, claim, Sat(1'000), FeeratePerKw(1'000)})).coins.empty());
}

}  // namespace
}  // namespace doze::wallet
