#include "sim/world.h"

#include <algorithm>

#include "bitcoin/address.h"
#include "effects/broadcast.h"
#include "effects/read_rows.h"
#include "keys/seed_signer.h"
#include "sim/remembering_signer.h"

namespace doze::sim {

SeededRng::SeededRng(std::uint64_t seed, std::string_view label)
    : key_(crypto::sha256({Writer().u64(seed).take(), bytes_of(label)})) {}

void SeededRng::fill(std::span<std::uint8_t> out) {
  Bytes nonce = Writer().u32(0).u64(block_++).take();
  auto stream = crypto::chacha20_stream(key_.view(), nonce, out.size());
  std::copy(stream.begin(), stream.end(), out.begin());
}

World::World(std::uint64_t seed) : seed_(seed), chance_(seed, "world") {
  trace_.add(Writer().u64(seed).view());
}
World::~World() = default;

std::unique_ptr<World> World::copy() const {
  auto out = std::make_unique<World>(seed_);
  for (const auto& node : nodes_) {
    LN_ASSERT(!node->core && !node->wanted);
    auto twin = std::make_unique<SimNode>();
    twin->name = node->name;
    twin->config = node->config;
    twin->signer = node->signer;
    twin->rng = std::make_unique<SeededRng>(*node->rng);
    twin->disk = node->disk;
    twin->life = node->life;
    twin->faulty = node->faulty;
    twin->commits = node->commits;
    out->nodes_.push_back(std::move(twin));
  }
  out->chain = chain;
  out->chance_ = chance_;
  out->now_ = now_;
  out->next_link_ = next_link_;
  out->next_request_ = next_request_;
  out->trace_ = trace_;
  return out;
}

std::size_t World::add_node(std::string name, Config config) {
  auto node = std::make_unique<SimNode>();
  auto index = nodes_.size();
  node->name = name;
  config.network = wire::Network::Regtest;
  config.alias = name;
  node->rng = std::make_unique<SeededRng>(seed_, "rng " + name);
  Bytes entropy = to_bytes(crypto::sha256({Writer().u64(seed_).take(), bytes_of("seed " + name)}).view());
  append(entropy, crypto::sha256(entropy).view());
  node->signer = std::make_shared<RememberingSigner>(make_seed_signer(entropy, config.network));
  nodes_.push_back(std::move(node));
  if (config.role == Role::Server) config.announced_addresses = {address(index)};
  nodes_[index]->config = std::move(config);
  return index;
}

wire::NetworkAddress World::address(std::size_t index) const {
  return {wire::Ipv4{127, 0, 0, static_cast<std::uint8_t>(index + 1)}, 9735};
}

void World::at(MonoTime time, std::function<void()> what) {
  events_.emplace(std::pair{time, sequence_++}, std::move(what));
}

std::uint64_t World::latency() {
  return 1 + chance_.below(20);
}

void World::note(std::string_view what, std::size_t index, ByteView detail) {
  trace_.add(bytes_of(what)).add(Writer().u64(now_.value()).u64(index).view()).add(detail);
}

void World::start(std::size_t index) {
  auto& node = *nodes_[index];
  node.wanted = true;
  if (node.core) return;
  auto read = [&](Table table) { return rows_of_table(node.disk, table); };
  auto loaded = node::Node::load(node.config, *node.signer, read, parallel_);
  LN_ASSERT(loaded.has_value());  // what a node wrote it must be able to read
  node.core.emplace(*std::move(loaded));
  ++node.life;
  note("start", index);
  for (auto* watcher : watchers) watcher->happened(index, "starts");
  auto life = node.life;
  step(index, Started{});
  // As the chain driver: blocks that came meanwhile, if any, then "synced", then the feerate.
  bool told = feed_blocks(index);
  if (!told && node.core && node.life == life) step(index, ChainStatus{true, true, ""});
  if (node.core && node.life == life) step(index, FeeEstimate{FeeratePerKw(2500)});
}

void World::crash(std::size_t index, const std::string& how) {
  auto& node = *nodes_[index];
  if (!node.core) return;
  note("stop", index);
  for (auto* watcher : watchers) watcher->happened(index, how);
  node.core.reset();
  node.timer.reset();
  node.queue = {};
  node.watched = {};
  for (auto& [id, link] : links_)
    if (link.open && (link.ends[0].node == index || link.ends[1].node == index)) cut(id);
}

void World::stop(std::size_t index) {
  nodes_[index]->wanted = false;
  crash(index, "is stopped");
}

bool World::feed_blocks(std::size_t index) {
  auto& node = *nodes_[index];
  auto life = node.life;
  // Rows from elsewhere on an empty chain: there is nothing to compare them with.
  if (!node.core || chain.height().value() == 0) return false;
  auto tail = node.core->chain_tail();
  auto before = tail.empty() ? BlockHeight(0) : tail.back().height;
  auto stands = [&](const auto& tip) {
    return tip.height <= chain.height() && bitcoin::block_hash(chain.block(tip.height)->header) == tip.hash;
  };
  std::vector<BlockDisconnected> gone;
  for (; !tail.empty() && !stands(tail.back()); tail.pop_back()) gone.push_back({tail.back().height, tail.back().hash});
  std::vector<FoundBlock> come;
  for (auto next = tail.empty() ? 1 : tail.back().height.value() + 1; next <= chain.height().value(); ++next)
    come.push_back(found_block(BlockHeight(next), chain.block(BlockHeight(next))));
  auto words = driver_words(before, std::move(gone), std::move(come));
  for (const auto& word : words) {
    if (!node.core || node.life != life) break;
    std::visit(
        Overloaded{[&](const FoundBlock& block) { connect(index, block); }, [&](const auto& one) { step(index, one); }},
        word);
  }
  return !words.empty();
}

void World::arm(std::size_t index) {
  auto& node = *nodes_[index];
  auto deadline = node.core->deadline();
  if (!deadline) return;
  auto due = std::max(*deadline, after_ms(now_, 1));
  if (node.timer && *node.timer <= due) return;
  node.timer = due;
  at(due, [this, index, due, life = node.life] {
    auto& later = *nodes_[index];
    if (later.life != life || !later.core || later.timer != due) return;
    later.timer.reset();
    step(index, DeadlineReached{});
    // A deadline that was told and is not over would wake the daemon again and again.
    if (later.core && later.life == life) LN_ASSERT(!later.core->deadline() || *later.core->deadline() > now_);
  });
}

Outbox World::compute(SimNode& node, const Input& input) {
  ++steps;
  auto out = node.core->step(input, {now_, wall()}, *node.rng);
  for (const auto& change : out.watch) node.watched.apply(change);
  return out;
}

void World::step(std::size_t index, const Input& input) {
  auto& node = *nodes_[index];
  if (node.core) finish(index, compute(node, input));
}

void World::connect(std::size_t index, const FoundBlock& block) {
  auto& node = *nodes_[index];
  if (!node.core) return;
  Outbox all;
  hand_over(block, node.watched, [&](const Input& input) {
    auto out = compute(node, input);
    std::ranges::move(out.durable, std::back_inserter(all.durable));
    std::ranges::move(out.after, std::back_inserter(all.after));
  });
  finish(index, std::move(all));
}

void World::finish(std::size_t index, Outbox out) {
  auto& node = *nodes_[index];
  bool commits = !out.durable.empty();
  if (dies(node, index, commits, false)) return come_back(index, false);
  if (commits) ++node.commits;
  // Decided now, even if the process dies before it can say so.
  for (const auto& action : out.after)
    if (const auto* notify = std::get_if<Notify>(&action))
      for (auto* watcher : watchers) watcher->notified(index, *notify);
  bool first = node.queue.empty();
  node.queue.add(std::move(out.durable), std::move(out.after), now_);
  auto life = node.life;
  if (!faults.lazy_commits || node.queue.due(now_)) {
    settle(index, commits);
  } else {
    if (first && !node.queue.empty()) settle_later(index);
    if (dies(node, index, commits, true)) return come_back(index, true);
  }
  if (node.core && node.life == life) arm(index);
}

void World::settle_later(std::size_t index) {
  const auto& node = *nodes_[index];
  at(*node.queue.deadline(), [this, index, life = node.life] {
    if (nodes_[index]->life == life && nodes_[index]->queue.due(now_)) settle(index, false);
  });
}

void World::settle(std::size_t index, bool commits) {
  auto& node = *nodes_[index];
  auto [durable, after] = node.queue.take();
  write(index, durable);
  if (dies(node, index, commits, true)) return come_back(index, true);
  auto life = node.life;
  for (auto& action : after) {
    if (!node.core || node.life != life) return;
    act(index, action);
  }
}

void World::write(std::size_t index, Batch& batch) {
  auto& node = *nodes_[index];
  for (auto& change : batch) {
    if (auto* put = std::get_if<Put>(&change)) {
      note("put", index, put->value);
      node.disk[{put->table, put->key}] = std::move(put->value);
    } else {
      const auto& erase = std::get<Erase>(change);
      note("erase", index, erase.key);
      node.disk.erase({erase.table, erase.key});
    }
  }
}

bool World::dies(const SimNode& node, std::size_t index, bool commits, bool after) {
  if (crash_at && commits && crash_at->node == index && crash_at->after == after &&
      crash_at->commit == node.commits + (after ? 0 : 1)) {
    crash_at.reset();
    return true;
  }
  return node.faulty && happens(after ? faults.crash_after_commit : faults.crash_before_commit);
}

void World::come_back(std::size_t index, bool after) {
  ++crashes;
  crash(index, after ? "dies after a commit" : "dies before a commit");
  at(after_ms(now_, 1 + chance_.below(faults.restart_ms)), [this, index] {
    if (nodes_[index]->wanted) start(index);
  });
}

void World::act(std::size_t index, Action& action) {
  auto& node = *nodes_[index];
  auto life = node.life;
  auto answer = [&](RowsRead found) {
    at(after_ms(now_, 1), [this, index, life, found = std::move(found)] {
      if (nodes_[index]->life == life) step(index, found);
    });
  };
  std::visit(Overloaded{
                 [&](WriteBytes& write) { written(write.connection, write.bytes); },
                 [&](Hangup& hangup) { hang_up(hangup.connection); },
                 [&](Dial& request) { dial(index, request); },
                 [&](Broadcast& broadcast) {
                   auto verdict = chain.broadcast(broadcast.transaction, wall());
                   auto outcome = verdict.accepted ? BroadcastOutcome::Accepted : classify_refusal(0, verdict.reason);
                   BroadcastResult result{bitcoin::txid(broadcast.transaction), outcome, verdict.reason};
                   at(after_ms(now_, 1), [this, index, life, result] {
                     if (nodes_[index]->life == life) step(index, result);
                   });
                 },
                 [&](LookUpOutput& look) {
                   OutputLookedUp found{look.scid, chain.unspent(look.scid)};
                   at(after_ms(now_, 1), [this, index, life, found] {
                     if (nodes_[index]->life == life) step(index, found);
                   });
                 },
                 [&](WatchMempool&) {},  // mempools of the simulator are shown to nobody
                 [&](ReadRows& wanted) { answer(read_rows(node.disk, wanted)); },
                 [&](ReadRange& wanted) { answer(read_rows(node.disk, wanted)); },
                 [&](Reply& reply) { node.replies.insert_or_assign(reply.request, std::move(reply.result)); },
                 [&](Notify& notify) { node.log.push_back(std::move(notify)); },
                 [&](StopNode&) {
                   at(now_, [this, index, life] {
                     if (nodes_[index]->life == life) stop(index);
                   });
                 },
             },
             action);
}

bool World::run_until(const std::function<bool()>& done, std::uint64_t ms) {
  auto end = after_ms(now_, ms);
  while (!done()) {
    if (events_.empty() || events_.begin()->first.first > end) {
      now_ = end;
      return done();
    }
    auto event = events_.extract(events_.begin());
    now_ = std::max(now_, event.key().first);
    event.mapped()();
  }
  return true;
}

void World::run_for(std::uint64_t ms) {
  auto ignored = run_until([] { return false; }, ms);
  static_cast<void>(ignored);
}

RequestId World::post(std::size_t index, command::Command command) {
  auto id = next_request_++;
  step(index, CommandReceived{id, std::move(command)});
  return id;
}

std::variant<Value, CommandError> World::ask(std::size_t index, command::Command command, std::uint64_t ms) {
  auto& node = *nodes_[index];
  if (!node.core) return CommandError{CommandErrorCode::Internal, "the node does not run", {}};
  auto id = post(index, std::move(command));
  if (!run_until([&] { return node.replies.contains(id); }, ms))
    return CommandError{CommandErrorCode::Internal, "no reply in time", {}};
  return node.replies.at(id);
}

void World::mine(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    chain.mine(wall());
    for (std::size_t index = 0; index < nodes_.size(); ++index) feed_blocks(index);
    run_for(50);
  }
}

void World::mine_scattered(std::size_t count, std::uint64_t spread_ms) {
  for (std::size_t i = 0; i < count; ++i) chain.mine(wall());
  for (std::size_t index = 0; index < nodes_.size(); ++index)
    at(after_ms(now_, chance_.below(spread_ms)), [this, index] { feed_blocks(index); });
}

void World::reorganise(std::size_t depth, std::size_t count) {
  chain.undo(depth);
  for (std::size_t i = 0; i < count; ++i) chain.mine(wall());
  for (std::size_t index = 0; index < nodes_.size(); ++index) feed_blocks(index);
}

void World::fund(std::size_t index, Sat amount) {
  auto reply = ask(index, command::NewAddress{});
  const auto* value = std::get_if<Value>(&reply);
  LN_ASSERT(value != nullptr);
  auto script = bitcoin::script_of_address(std::get<std::string>(value->find("address")->inner()), "bcrt");
  LN_ASSERT(script.has_value());
  chain.mine(wall(), *script, amount);
  for (std::size_t other = 0; other < nodes_.size(); ++other) feed_blocks(other);
}

}  // namespace doze::sim
