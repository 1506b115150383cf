#include "sim/world.h"

#include <algorithm>

#include "bitcoin/address.h"
#include "effects/seed_signer.h"

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

std::size_t World::add_node(std::string name, Config config) {
  auto node = std::make_unique<SimNode>();
  auto index = nodes_.size();
  node->name = name;
  config.network = wire::Network::Regtest;
  config.alias = name;
  node->rng = std::make_unique<SeededRng>(seed_, "rng " + name);
  Bytes entropy = to_bytes(crypto::sha256({Writer().u64(seed_).take(), bytes_of("seed " + name)}).view());
  append(entropy, crypto::sha256(entropy).view());
  node->signer = make_seed_signer(entropy, config.network);
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
  if (on_event) on_event(std::string(what) + " " + nodes_[index]->name);
}

void World::start(std::size_t index) {
  auto& node = *nodes_[index];
  node.wanted = true;
  if (node.core) return;
  std::vector<Row> rows;
  for (const auto& [key, value] : node.disk) rows.push_back({key.first, key.second, value});
  auto loaded = node::Node::load(node.config, *node.signer, rows, parallel_);
  LN_ASSERT(loaded.has_value());  // what a node wrote it must be able to read
  node.core.emplace(*std::move(loaded));
  ++node.life;
  note("start", index);
  auto life = node.life;
  step(index, Started{});
  if (node.core && node.life == life) step(index, ChainStatus{true, true, "simulated"});
  if (node.core && node.life == life) step(index, FeeEstimate{FeeratePerKw(2500)});
  feed_blocks(index);
}

void World::crash(std::size_t index) {
  auto& node = *nodes_[index];
  if (!node.core) return;
  note("stop", index);
  node.core.reset();
  node.timer.reset();
  for (auto& [id, link] : links_)
    if (link.open && (link.ends[0].node == index || link.ends[1].node == index)) cut(2 * id);
}

void World::stop(std::size_t index) {
  nodes_[index]->wanted = false;
  crash(index);
}

void World::cut(ConnectionId connection) {
  auto it = links_.find(connection / 2);
  if (it == links_.end() || !it->second.open) return;
  it->second.open = false;
  for (std::uint64_t side = 0; side < 2; ++side) {
    auto end = it->second.ends[side];
    auto id = connection / 2 * 2 + side;
    at(after_ms(now_, latency()), [this, end, id] {
      if (nodes_[end.node]->life == end.life) step(end.node, PeerDisconnected{id});
    });
  }
}

void World::dial(std::size_t index, const Dial& dial) {
  auto life = nodes_[index]->life;
  std::optional<std::size_t> target;
  for (std::size_t other = 0; other < nodes_.size(); ++other)
    if (other != index && nodes_[other]->running() &&
        std::find(dial.addresses.begin(), dial.addresses.end(), address(other)) != dial.addresses.end())
      target = other;
  at(after_ms(now_, latency()), [this, index, life, target, node_id = dial.node_id] {
    if (nodes_[index]->life != life || !nodes_[index]->running()) return;
    if (!target || !nodes_[*target]->running()) return step(index, DialFailed{node_id, "connection refused"});
    auto id = next_link_++;
    links_[id] = Link{{{index, life}, {*target, nodes_[*target]->life}}, true, {now_, now_}};
    step(*target, PeerConnected{2 * id + 1, std::nullopt, wire::to_text(address(index))});
    step(index, PeerConnected{2 * id, node_id, wire::to_text(address(*target))});
  });
}

void World::feed_blocks(std::size_t index) {
  auto& node = *nodes_[index];
  auto life = node.life;
  while (node.core && node.life == life) {
    auto tip = node.core->tip();
    auto next = tip ? tip->height.value() + 1 : 1;
    if (next > chain.height().value()) return;
    auto block = chain.block(BlockHeight(next));
    step(index, BlockConnected{BlockHeight(next), bitcoin::block_hash(block->header), block});
  }
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
  });
}

void World::step(std::size_t index, const Input& input) {
  auto& node = *nodes_[index];
  if (!node.core) return;
  ++steps;
  auto out = node.core->step(input, {now_, wall()}, *node.rng);
  auto die = [&](std::uint32_t chance) { return node.faulty && chance != 0 && chance_.below(10'000) < chance; };
  auto come_back = [&] {
    ++crashes;
    crash(index);
    at(after_ms(now_, 1 + chance_.below(faults.restart_ms)), [this, index] {
      if (nodes_[index]->wanted) start(index);
    });
  };
  if (die(faults.crash_before_commit)) return come_back();
  if (!out.durable.empty()) ++node.commits;
  for (auto& change : out.durable) {
    if (auto* put = std::get_if<Put>(&change)) {
      note("put", index, put->value);
      node.disk[{put->table, put->key}] = std::move(put->value);
    } else {
      const auto& erase = std::get<Erase>(change);
      note("erase", index, erase.key);
      node.disk.erase({erase.table, erase.key});
    }
  }
  if (die(faults.crash_after_commit)) return come_back();
  auto life = node.life;
  for (auto& action : out.after) {
    if (!node.core || node.life != life) return;
    act(index, action);
  }
  if (node.core && node.life == life) arm(index);
}

void World::act(std::size_t index, Action& action) {
  auto& node = *nodes_[index];
  auto life = node.life;
  std::visit(Overloaded{
                 [&](WriteBytes& write) {
                   auto it = links_.find(write.connection / 2);
                   if (it == links_.end() || !it->second.open) return;
                   auto& link = it->second;
                   auto side = 1 - write.connection % 2;
                   auto due = std::max(after_ms(now_, latency()), link.last[side]);
                   link.last[side] = due;
                   auto to = link.ends[side];
                   auto id = write.connection / 2 * 2 + side;
                   at(due, [this, to, id, bytes = std::move(write.bytes)] {
                     auto found = links_.find(id / 2);
                     if (!found->second.open || nodes_[to.node]->life != to.life) return;
                     if (faults.cut != 0 && chance_.below(10'000) < faults.cut) {
                       ++cuts;
                       return cut(id);
                     }
                     note("bytes", to.node, bytes);
                     step(to.node, BytesReceived{id, bytes});
                   });
                 },
                 [&](Hangup& hangup) {
                   auto it = links_.find(hangup.connection / 2);
                   if (it == links_.end()) return;
                   // After what was written: the cut comes when the last bytes have arrived.
                   auto due = std::max(now_, it->second.last[1 - hangup.connection % 2]);
                   at(after_ms(due, 1), [this, id = hangup.connection] { cut(id); });
                 },
                 [&](Dial& request) { dial(index, request); },
                 [&](Broadcast& broadcast) {
                   auto verdict = chain.broadcast(broadcast.transaction, wall());
                   BroadcastResult result{bitcoin::txid(broadcast.transaction), verdict.accepted, verdict.reason};
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
                 [&](Reply& reply) { node.replies.insert_or_assign(reply.request, std::move(reply.result)); },
                 [&](Notify& notify) {
                   if (on_event) {
                     std::string line = node.name + ": " + notify.event;
                     for (const auto& [key, value] : notify.facts)
                       if (const auto* text = std::get_if<std::string>(&value.inner());
                           text != nullptr && key == "reason")
                         line += " (" + *text + ")";
                     on_event(line);
                   }
                   node.log.push_back(std::move(notify));
                 },
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
