#include "effects/watch_set.h"

#include <algorithm>
#include <cstring>

#include "base/variant.h"
#include "crypto/crypto.h"

namespace doze {
namespace {

/// The first 8 bytes as a number, or all if there are fewer.
std::uint64_t eight_of(ByteView bytes) {
  std::uint64_t out = 0;
  std::memcpy(&out, bytes.data(), std::min(bytes.size(), sizeof out));
  return out;
}
std::uint64_t filter_key(const Txid& txid) {
  return eight_of(txid.view());
}
/// Scripts begin alike and end with a hash, or with a hash and two bytes.
std::uint64_t filter_key(const Bytes& script) {
  ByteView bytes(script);
  return eight_of(bytes.last(std::min(bytes.size(), sizeof(std::uint64_t))));
}
std::uint64_t filter_key(const Hash32& funding) {
  return eight_of(funding.view());
}

/// The owner lets go; what nobody watches any more goes.
template <class Map, class Key>
void let_go(Map& map, const Key& key, std::uint8_t owner) {
  auto at = map.find(key);
  if (at == map.end()) return;
  at->second = static_cast<std::uint8_t>(at->second & ~owner);
  if (at->second == 0) map.erase(at);
}

}  // namespace

void WatchSet::Filter::begin(std::size_t keys) {
  constexpr std::size_t kLeastRoom = 1'024, kBitsPerKey = 16;
  room_ = std::max(2 * keys, kLeastRoom);
  std::size_t words = 1;
  while (words * 64 < room_ * kBitsPerKey) words *= 2;
  words_.assign(words, 0);
}

void WatchSet::Filter::add(std::uint64_t key) {
  words_[(key >> 6) & (words_.size() - 1)] |= std::uint64_t{1} << (key & 63);
  --room_;
}

bool WatchSet::Filter::may_have(std::uint64_t key) const {
  return !words_.empty() && (words_[(key >> 6) & (words_.size() - 1)] >> (key & 63) & 1) != 0;
}

void WatchSet::apply(const WatchChange& change) {
  std::visit(Overloaded{[&](const Watch& watch) { add(watch); }, [&](const Unwatch& unwatch) { remove(unwatch); }},
             change);
}

void WatchSet::add(const Watch& watch) {
  auto owner = static_cast<Owners>(1U << static_cast<unsigned>(watch.owner));
  for (const auto& output : watch.what.outputs) add_output(output.outpoint, owner);
  for (const auto& script : watch.what.scripts) add_script(script, owner);
  for (const auto& funding : watch.what.fundings) fundings_.insert(filter_key(funding));
  additions_ += watch.what.fundings.size();
}

void WatchSet::remove(const Unwatch& unwatch) {
  auto owner = static_cast<Owners>(1U << static_cast<unsigned>(unwatch.owner));
  for (const auto& output : unwatch.what.outputs) let_go(outputs_, output.outpoint, owner);
  for (const auto& script : unwatch.what.scripts) let_go(scripts_, script, owner);
  for (const auto& funding : unwatch.what.fundings) fundings_.erase_one(filter_key(funding));
}

void WatchSet::add_output(const Outpoint& outpoint, Owners owner) {
  auto [at, is_new] = outputs_.try_emplace(outpoint, Owners{0});
  at->second |= owner;
  if (!is_new) return;
  ++additions_;
  if (!transactions_.is_full()) return transactions_.add(filter_key(outpoint.txid));
  transactions_.begin(outputs_.size());
  for (const auto& [known, owners] : outputs_) transactions_.add(filter_key(known.txid));
}

void WatchSet::add_script(const Bytes& script, Owners owner) {
  auto [at, is_new] = scripts_.try_emplace(script, Owners{0});
  at->second |= owner;
  if (!is_new) return;
  ++additions_;
  if (!payees_.is_full()) return payees_.add(filter_key(script));
  payees_.begin(scripts_.size());
  for (const auto& [known, owners] : scripts_) payees_.add(filter_key(known));
}

bool WatchSet::has_output(const Outpoint& outpoint) const {
  return transactions_.may_have(filter_key(outpoint.txid)) && outputs_.contains(outpoint);
}

bool WatchSet::has_output_of(const Txid& txid) const {
  if (!transactions_.may_have(filter_key(txid))) return false;
  auto at = outputs_.lower_bound(Outpoint{txid, 0});
  return at != outputs_.end() && at->first.txid == txid;
}

bool WatchSet::has_script(const Bytes& script_pubkey) const {
  return payees_.may_have(filter_key(script_pubkey)) && scripts_.contains(script_pubkey);
}

bool WatchSet::has_funding(ByteView witness_script) const {
  return witness_script.size() == kFundingScriptBytes && fundings_.size() != 0 &&
         fundings_.contains(filter_key(crypto::sha256(witness_script)));
}

}  // namespace doze
