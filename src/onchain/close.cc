#include "onchain/close.h"

#include <algorithm>

#include "bitcoin/script.h"
#include "crypto/crypto.h"

namespace doze::onchain {
namespace {

bool is_htlc(Kind kind) {
  return kind == Kind::HtlcOffered || kind == Kind::HtlcReceived || kind == Kind::RevokedHtlc;
}

std::uint32_t depth(BlockHeight height, BlockHeight tip) {
  return height == BlockHeight(0) || tip < height ? 0 : tip.value() - height.value() + 1;
}

/// The preimage of this HTLC, if the witness of its spend has it. Wherever it stands: only the HTLC's hash makes it
/// one.
std::optional<Preimage> preimage_in(const bitcoin::Witness& witness, const PaymentHash& hash) {
  for (const auto& item : witness) {
    if (item.size() != 32) continue;
    Preimage preimage;
    std::copy(item.begin(), item.end(), preimage.raw().begin());
    if (crypto::payment_hash(preimage) == hash) return preimage;
  }
  return std::nullopt;
}

/// An HTLC transaction of the commitment's owner pays what it takes with input n to output n.
bool is_second_stage(const Close& close, const Output& output, const bitcoin::Transaction& transaction,
                     std::size_t input) {
  return is_htlc(output.kind) && input < transaction.outputs.size() && !close.delayed_script.empty() &&
         transaction.outputs[input].script_pubkey == bitcoin::p2wsh_script(close.delayed_script);
}

bool pays_us(const Close& close, const bitcoin::Transaction& transaction) {
  return std::ranges::any_of(transaction.outputs, [&](const auto& out) { return out.script_pubkey == close.script; });
}

void add_second_stage(Close& close, const Txid& txid, const bitcoin::Transaction& transaction, std::uint32_t index,
                      BlockHeight height) {
  auto [at, is_new] = close.outputs.try_emplace(Outpoint{txid, index});
  auto& made = at->second;
  if (is_new) {
    bool ours = close.which == Which::Ours;
    made.kind = ours ? Kind::ToUsDelayed : Kind::RevokedSecond;
    made.amount = transaction.outputs[index].amount;
    made.script_pubkey = transaction.outputs[index].script_pubkey;
    made.witness_script = close.delayed_script;
    made.delay = ours ? close.delay : 0;
  }
  made.height = height;  // it may have been mined again
}

/// Whether what others may take of it is lost to us. Not an HTLC that somebody paid us and that we have no preimage of.
bool is_ours(const Close& close, const Output& output) {
  return output.kind != Kind::HtlcReceived || close.preimages.contains(output.payment_hash);
}

}  // namespace

const char* name(Which which) {
  switch (which) {
    case Which::Ours:
      return "ours";
    case Which::Theirs:
      return "theirs";
    case Which::TheirsNext:
      return "theirs_next";
    case Which::Revoked:
      return "revoked";
    case Which::Newer:
      return "newer";
  }
  return "unknown";
}

const char* name(Kind kind) {
  switch (kind) {
    case Kind::ToUs:
      return "to_us";
    case Kind::ToUsDelayed:
      return "to_us_delayed";
    case Kind::HtlcOffered:
      return "htlc_offered";
    case Kind::HtlcReceived:
      return "htlc_received";
    case Kind::RevokedBalance:
    case Kind::RevokedHtlc:
    case Kind::RevokedSecond:
      return "penalty";
  }
  return "unknown";
}

bool see(Close& close, const bitcoin::Transaction& transaction, BlockHeight height) {
  bool changed = false;
  auto txid = bitcoin::txid(transaction);
  for (std::uint32_t i = 0; i < transaction.inputs.size(); ++i) {  // each one: it may spend several [B5-pen-02]
    const auto& input = transaction.inputs[i];
    auto it = close.outputs.find(input.previous_output);
    if (it == close.outputs.end()) continue;
    auto output = it->second;
    bool second = is_second_stage(close, output, transaction, i);
    bool ours = second ? close.which == Which::Ours : pays_us(close, transaction);
    Spend spend{txid, height, ours};
    if (output.spend == spend) continue;
    changed = true;
    it->second.spend = spend;
    if (output.htlc && !ours)
      if (auto preimage = preimage_in(input.witness, output.payment_hash)) learn(close, *preimage);
    if (second) add_second_stage(close, txid, transaction, i, height);
  }
  return changed;
}

bool undo(Close& close, BlockHeight height) {
  bool changed = false;
  auto gone = [&](BlockHeight at) { return at != BlockHeight(0) && at >= height; };
  if (gone(close.height)) {
    close.height = BlockHeight(0);
    changed = true;
  }
  for (auto& [outpoint, output] : close.outputs)
    if (output.spend && gone(output.spend->height)) {
      output.spend.reset();
      changed = true;
    }
  // Those of HTLC transactions come back with their transaction, if it comes back.
  auto made = [&](const auto& entry) { return entry.first.txid != close.txid && gone(entry.second.height); };
  return std::erase_if(close.outputs, made) > 0 || changed;
}

bool learn(Close& close, const Preimage& preimage) {
  auto hash = crypto::payment_hash(preimage);
  return close.preimages.emplace(hash, preimage).second;
}

std::vector<Outcome> take_outcomes(Close& close, BlockHeight tip) {
  std::vector<Outcome> out;
  auto closed = depth(close.height, tip);
  auto has_failed = [&](const Open& htlc) {
    if (!htlc.output) return closed >= (htlc.elsewhere ? kDeep : 1);
    const auto& output = close.outputs.at(*htlc.output);
    if (close.which == Which::Revoked) return closed >= kDeep;  // we take it, and so does nobody else for good
    return output.spend && output.spend->ours && depth(output.spend->height, tip) >= kDeep;
  };
  for (const auto& [id, htlc] : close.open) {
    auto preimage = close.preimages.find(htlc.payment_hash);
    if (preimage != close.preimages.end())
      out.push_back({id, preimage->second});
    else if (has_failed(htlc))
      out.push_back({id, std::nullopt});
  }
  for (const auto& outcome : out) close.open.erase(outcome.id);
  return out;
}

std::optional<bool> received_outcome(const Close& close, std::uint64_t id, BlockHeight tip) {
  if (depth(close.height, tip) == 0) return std::nullopt;
  for (const auto& [outpoint, output] : close.outputs) {
    if (output.htlc != commitment::HtlcId{false, id}) continue;
    if (!output.spend || depth(output.spend->height, tip) < kDeep) return std::nullopt;
    return output.spend->ours;
  }
  if (depth(close.height, tip) < kDeep) return std::nullopt;
  return false;  // it has no output: nobody can claim it
}

bool is_resolved(const Close& close, BlockHeight tip) {
  if (depth(close.height, tip) < kIrrevocable || !close.open.empty()) return false;
  return std::ranges::all_of(close.outputs, [&](const auto& entry) {
    const auto& output = entry.second;
    if (output.spend) return depth(output.spend->height, tip) >= kIrrevocable;
    return !is_ours(close, output) && tip.value() >= output.cltv_expiry.value() + kIrrevocable;
  });
}

Sums sums(const Close& close) {
  Sums out;
  for (const auto& [outpoint, output] : close.outputs) {
    bool balance = output.kind == Kind::ToUs || output.kind == Kind::ToUsDelayed;
    bool paid = output.kind == Kind::HtlcOffered && close.preimages.contains(output.payment_hash);
    if (!output.spend) {
      if (is_ours(close, output)) (balance ? out.pending : out.at_risk) += output.amount;
    } else if (!output.spend->ours) {
      if (is_ours(close, output) && !paid) out.lost += output.amount;
    } else if (is_htlc(output.kind) && close.which == Which::Ours) {
      continue;  // what its HTLC transaction made of it is counted
    } else {
      out.claimed += output.amount;
    }
  }
  return out;
}

}  // namespace doze::onchain
