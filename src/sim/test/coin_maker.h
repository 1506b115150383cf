// Transactions for tests of the chain: outputs that everybody may spend, and what spends them.
#pragma once

#include <gtest/gtest.h>

#include "bitcoin/script.h"
#include "sim/chain.h"

namespace doze::sim {

/// An output of a transaction, and what spending it needs besides.
struct Place {
  Outpoint outpoint;
  Sat amount;
  std::uint32_t sequence = 0xfffffffd;
  bool anchor = false;  // P2A: no witness
};

inline Bytes anyones_script() {
  return bitcoin::p2wsh_script(Bytes{bitcoin::OP_1});
}

/// A transaction that pays `fee` to miners and the rest to everybody.
struct Spend {
  std::vector<Place> from;
  Sat fee;
  std::vector<bitcoin::TxOut> first = {};  // outputs before the equal ones
  std::size_t equal = 1;                   // outputs that share the rest
  std::uint32_t version = 2;
  std::uint32_t locktime = 0;
};

inline bitcoin::Transaction make(const Spend& spend) {
  bitcoin::Transaction out;
  out.version = spend.version;
  out.locktime = spend.locktime;
  Sat rest;
  for (const auto& place : spend.from) {
    rest += place.amount;
    bitcoin::TxIn input{place.outpoint, {}, place.sequence, {}};
    if (!place.anchor) input.witness = {Bytes{bitcoin::OP_1}};
    out.inputs.push_back(std::move(input));
  }
  rest -= spend.fee;
  out.outputs = spend.first;
  for (const auto& output : spend.first) rest -= output.amount;
  auto each = Sat(rest.value() / spend.equal);
  for (std::size_t i = 0; i < spend.equal; ++i) {
    bool last = i + 1 == spend.equal;
    out.outputs.push_back({last ? rest : each, anyones_script()});
    if (!last) rest -= each;
  }
  return out;
}

inline Place output(const bitcoin::Transaction& transaction, std::uint32_t index = 0,
                    std::uint32_t sequence = 0xfffffffd) {
  const auto& there = transaction.outputs[index];
  return {{bitcoin::txid(transaction), index}, there.amount, sequence, bitcoin::is_p2a(there.script_pubkey)};
}

class ChainTest : public ::testing::Test {
 protected:
  Chain chain;
  UnixTime now{1'700'000'000};

  void mine(std::size_t count = 1) {
    for (std::size_t i = 0; i < count; ++i) chain.mine(now = after_s(now, 600));
  }
  /// A million satoshi in a block that takes nothing from the mempool.
  Place coin(Sat amount = Sat(1'000'000)) {
    chain.set_block_policy({.minimum = {}, .max_weight = 0});
    chain.mine(now = after_s(now, 600), anyones_script(), amount);
    chain.set_block_policy({});
    return output(chain.block(chain.height())->transactions[1]);
  }
  /// "ok" or the reason up to the first comma.
  std::string send(const bitcoin::Transaction& transaction) {
    auto verdict = chain.broadcast(transaction, now);
    return verdict.accepted ? "ok" : head(verdict.reason);
  }
  Chain::PackageVerdict send(const std::vector<bitcoin::Transaction>& parents, const bitcoin::Transaction& child) {
    return chain.broadcast_package(parents, child, now);
  }
  static std::string head(const std::string& reason) { return reason.substr(0, reason.find(',')); }
  [[nodiscard]] bool pending(const bitcoin::Transaction& transaction) const {
    return chain.in_mempool(bitcoin::txid(transaction)) != nullptr;
  }
  [[nodiscard]] bool confirmed(const bitcoin::Transaction& transaction) const {
    auto paid = chain.paid(bitcoin::txid(transaction));
    return paid && paid->height;
  }
};

}  // namespace doze::sim
