#include "graph/search.h"

#include <algorithm>

namespace doze::graph {
namespace {

std::uint64_t add_capped(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

// a * b / c, rounded down, capped.
std::uint64_t scaled(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  std::uint64_t product = 0;
  if (!__builtin_mul_overflow(a, b, &product)) return product / c;
  auto wide = static_cast<unsigned __int128>(a) * b / c;
  return wide > UINT64_MAX ? UINT64_MAX : static_cast<std::uint64_t>(wide);
}

constexpr std::uint64_t kMillion = 1'000'000, kBillion = 1'000'000'000;
constexpr std::uint64_t kFraction = 1024;  // fixed point for costs below one msat a block

}  // namespace

Search::Search(const Graph& graph, const RouteRequest& request, const std::vector<Tail>& tails)
    : graph_(graph), request_(request), tails_(tails) {
  limits_.max_amount = add(request.amount, request.max_fee).value_or(Msat::max_money());
  limits_.max_amount = std::min(limits_.max_amount, Msat::max_money());
  limits_.max_cltv_expiry = request.max_cltv_expiry;
  limits_.max_hops = std::min(request.max_hops, kMaxRouteHops);
  hop_cost_ = add_capped(request.risk.hop.value(), scaled(request.amount.value(), request.risk.hop_ppm, kMillion));
  block_cost_ = scaled(request.amount.value(), std::uint64_t{request.risk.block_ppb} * kFraction, kBillion);

  for (const auto& avoid : request.avoid) {
    auto [at, inserted] = avoid_.emplace(std::pair{avoid.scid, avoid.direction}, avoid.at_least);
    if (!inserted) at->second = std::min(at->second, avoid.at_least);
  }
  for (std::size_t i = 0; i < request.channels.size(); ++i) {
    const auto& channel = request.channels[i];
    if (request.only_channels && !request.only_channels->contains(channel.scid)) continue;
    auto spendable = channel.spendable;
    std::uint8_t direction = request.local_node_id < channel.peer ? 0 : 1;
    if (auto avoid = avoid_.find({channel.scid, direction}); avoid != avoid_.end()) {
      if (avoid->second == Msat(0)) continue;
      spendable = std::min(spendable, avoid->second - Msat(1));
    }
    local_[index(channel.peer)].push_back({i, &channel, spendable});
  }
  for (const auto& tail : tails_) (void)index(tail.entry);

  auto count = graph.slot_count() + outside_.size();
  blocked_.resize(count, false);
  local_peer_.resize(count, false);
  for (NodeIndex i = 0; i < graph.slot_count(); ++i) blocked_[i] = !graph.forwards(i);
  for (const auto& id : request.avoid_nodes) {
    if (auto known = graph.index_of(id)) blocked_[*known] = true;
  }
  if (auto known = graph.index_of(request.local_node_id)) blocked_[*known] = true;
  for (const auto& [peer, hops] : local_) local_peer_[peer] = true;
}

NodeIndex Search::index(const NodeId& id) {
  if (auto known = graph_.index_of(id)) return *known;
  auto fresh = static_cast<NodeIndex>(graph_.slot_count() + outside_.size());
  return outside_.emplace(id, fresh).first->second;
}

std::uint64_t Search::delay_risk(std::uint64_t blocks) const {
  return scaled(blocks, block_cost_, kFraction);
}

// `amount` is at most the maximum.
std::uint64_t Search::hop_risk(Msat amount, std::uint64_t htlc_maximum_msat) const {
  auto weight = scaled(amount.value(), request_.risk.liquidity_ppm, kMillion);
  return add_capped(hop_cost_, scaled(weight, amount.value(), std::max<std::uint64_t>(htlc_maximum_msat, 1)));
}

bool Search::avoided(const InEdge& edge, Msat amount) const {
  if (avoid_.empty()) return false;
  auto found = avoid_.find({edge.scid, edge.direction});
  return found != avoid_.end() && amount >= found->second;
}

namespace {
// Heap order: cheapest first, then fewer hops, then the smaller scid, then the older label.
constexpr auto kLater = [](const auto& a, const auto& b) {
  if (a.cost != b.cost) return a.cost > b.cost;
  if (a.hops != b.hops) return a.hops > b.hops;
  if (a.scid != b.scid) return a.scid > b.scid;
  return a.label > b.label;
};
}  // namespace

void Search::push(const Label& label) {
  auto& state = states_[label.node];
  if (labels_max_ == 1) {
    if (label.cost > state.best) return;
    state.best = label.cost;
  }
  heap_.push_back({label.cost, label.hops, label.scid, static_cast<std::uint32_t>(labels_.size())});
  labels_.push_back(label);
  std::push_heap(heap_.begin(), heap_.end(), kLater);
}

void Search::start(std::uint32_t number) {
  const auto& tail = tails_[number];
  Label label;
  label.amount = tail.amount;
  label.cltv_expiry = tail.cltv_expiry.value();
  label.hops = static_cast<std::uint32_t>(1 + tail.hops.size());
  label.node = index(tail.entry);
  label.tail = number;
  if (label.amount > now_.max_amount || tail.cltv_expiry > now_.max_cltv_expiry || label.hops > now_.max_hops) return;
  label.cost = add_capped((tail.amount - request_.amount).value(),
                          delay_risk(label.cltv_expiry - request_.final_cltv_expiry.value()));
  for (std::size_t i = 0; i < tail.hops.size(); ++i) label.cost = add_capped(label.cost, hop_cost_);
  push(label);
}

// False if a label that is at least as good in everything was settled before, or if there are enough.
bool Search::settle(std::uint32_t at) {
  auto& label = labels_[at];
  auto& state = states_[label.node];
  if (state.count >= labels_max_) return false;
  for (auto other = state.settled; other != kNone; other = labels_[other].older) {
    const auto& old = labels_[other];
    if (old.amount <= label.amount && old.cltv_expiry <= label.cltv_expiry && old.hops <= label.hops) return false;
  }
  label.older = state.settled;
  state.settled = at;
  ++state.count;
  return true;
}

void Search::expand(std::uint32_t at) {
  const auto label = labels_[at];
  if (label.node >= graph_.slot_count() || label.hops >= now_.max_hops) return;
  auto amount = label.amount;
  looks_ += graph_.edges_into(label.node).size();
  for (const auto& edge : graph_.edges_into(label.node)) {
    if (amount.value() < edge.htlc_minimum_msat || amount.value() > edge.htlc_maximum_msat) continue;
    if (blocked_[edge.source] || states_[edge.source].count >= labels_max_) continue;
    auto expiry = std::uint64_t{label.cltv_expiry} + edge.cltv_expiry_delta;
    if (expiry > now_.max_cltv_expiry.value() || avoided(edge, amount)) continue;
    auto fee = forwarding_fee(amount, Msat(edge.fee_base_msat), edge.fee_proportional_millionths);
    auto total = fee ? add(amount, *fee) : std::nullopt;
    if (!total || *total > now_.max_amount) continue;
    Label next;
    next.cost = add_capped(add_capped(label.cost, fee->value()), delay_risk(edge.cltv_expiry_delta));
    next.cost = add_capped(next.cost, hop_risk(amount, edge.htlc_maximum_msat));
    next.amount = *total;
    next.cltv_expiry = static_cast<std::uint32_t>(expiry);
    next.hops = label.hops + 1;
    next.node = edge.source;
    next.next = at;
    next.tail = label.tail;
    next.scid = edge.scid;
    push(next);
  }
}

const Search::LocalHop* Search::first_hop(const Label& label) const {
  if (!local_peer_[label.node]) return nullptr;
  const LocalHop* best = nullptr;
  for (const auto& hop : local_.at(label.node)) {
    if (label.amount < hop.local->htlc_minimum) continue;
    if (!now_.ignore_balance && label.amount > hop.spendable) continue;
    if (best == nullptr || hop.local->scid < best->local->scid) best = &hop;
  }
  return best;
}

Route Search::build(const Label& first, const LocalHop& local) const {
  Route route;
  const auto& tail = tails_[first.tail];
  route.channel = local.channel;
  route.blinded = tail.blinded;
  route.amount_msat = first.amount;
  route.cltv_expiry = CltvExpiry(first.cltv_expiry);
  route.fee = first.amount - request_.amount;

  auto add_hop = [&](const NodeId& id, ShortChannelId incoming, Msat amount, CltvExpiry expiry) {
    if (!route.hops.empty()) {
      auto& before = route.hops.back();
      before.short_channel_id = incoming;
      before.amt_to_forward = amount;
      before.outgoing_cltv_value = expiry;
    }
    route.hops.push_back({.node_id = id, .incoming = incoming, .amount_msat = amount, .cltv_expiry = expiry});
  };
  auto incoming = local.local->scid;
  for (const auto* label = &first;; label = &labels_[label->next]) {
    bool last = label->next == kNone;
    const auto& id = last ? tail.entry : label == &first ? local.local->peer : graph_.node_at(label->node).node_id;
    add_hop(id, incoming, label->amount, CltvExpiry(label->cltv_expiry));
    if (last) break;
    incoming = label->scid;
  }
  for (const auto& hop : tail.hops) add_hop(hop.node_id, hop.scid, hop.amount, hop.cltv_expiry);
  route.hops.back().amt_to_forward = request_.amount;
  route.hops.back().outgoing_cltv_value = request_.final_cltv_expiry;
  return route;
}

std::optional<Route> Search::run(const Limits& limits, std::size_t labels, std::size_t most_looks) {
  now_ = limits;
  labels_max_ = labels;
  looks_ = 0;
  labels_.clear();
  heap_.clear();
  states_.assign(blocked_.size(), NodeState{});
  for (std::uint32_t i = 0; i < tails_.size(); ++i) start(i);  // [B12-invread-12]
  while (!heap_.empty() && looks_ <= most_looks) {
    std::pop_heap(heap_.begin(), heap_.end(), kLater);
    auto at = heap_.back().label;
    heap_.pop_back();
    if (!settle(at)) continue;
    if (const auto* hop = first_hop(labels_[at])) return build(labels_[at], *hop);
    expand(at);
  }
  return std::nullopt;
}

}  // namespace doze::graph
