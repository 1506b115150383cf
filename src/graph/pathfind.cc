#include "graph/pathfind.h"

#include <algorithm>
#include <string>

#include "graph/known_features.h"
#include "graph/search.h"

namespace doze::graph {
namespace {

struct Preparation {
  std::vector<Tail> tails;
  RouteFailure failure{RouteFailureCode::DestinationUnknown};  // the destination if there is no tail
};

// The introduction node, also where it is named by a channel of our own that the graph does not know.
std::optional<NodeId> resolve(const Graph& graph, const RouteRequest& request, const wire::IntroductionNode& node) {
  if (auto known = graph.resolve(node)) return known;
  const auto& scid_dir = std::get<wire::ScidDir>(node);
  for (const auto& channel : request.channels) {
    if (channel.scid != scid_dir.scid || scid_dir.direction > 1) continue;
    auto [lesser, greater] = std::minmax(channel.peer, request.local_node_id);
    return scid_dir.direction == 0 ? lesser : greater;
  }
  return std::nullopt;
}

// The best reason among several paths that cannot be used: the one whose remedy is nearest.
void note(RouteFailure& worst, RouteFailure candidate) {
  auto rank = [](RouteFailureCode code) {
    switch (code) {
      case RouteFailureCode::AmountAboveMaximum:
        return 5;
      case RouteFailureCode::AmountBelowMinimum:
        return 4;
      case RouteFailureCode::CltvTooFar:
        return 3;
      case RouteFailureCode::IntroductionIsUs:
        return 2;
      case RouteFailureCode::DestinationFeatures:
        return 1;
      default:
        return 0;
    }
  };
  bool nearer = candidate.code == worst.code &&
                ((candidate.code == RouteFailureCode::AmountAboveMaximum && candidate.available > worst.available) ||
                 (candidate.code == RouteFailureCode::AmountBelowMinimum && candidate.needed < worst.needed) ||
                 (candidate.code == RouteFailureCode::CltvTooFar && candidate.needed < worst.needed));
  if (nearer || rank(candidate.code) > rank(worst.code)) worst = candidate;
}

Result<Tail, RouteFailure> blinded_tail(const Graph& graph, const RouteRequest& request, std::size_t index,
                                        const BlindedDestination& path) {
  const auto& info = path.payinfo;
  auto amount = request.amount;
  auto entry = resolve(graph, request, path.introduction);
  if (!entry) return fail(RouteFailure{RouteFailureCode::DestinationUnknown});
  auto known = graph.index_of(*entry);
  if (has_even_bit(info.features) || (known && !graph.forwards(*known)) || request.avoid_nodes.contains(*entry)) {
    return fail(RouteFailure{RouteFailureCode::DestinationFeatures});
  }
  if (amount < info.htlc_minimum_msat) {
    return fail(RouteFailure{RouteFailureCode::AmountBelowMinimum, info.htlc_minimum_msat.value(), amount.value()});
  }
  if (amount > info.htlc_maximum_msat) {
    return fail(RouteFailure{RouteFailureCode::AmountAboveMaximum, amount.value(), info.htlc_maximum_msat.value()});
  }
  auto fee = forwarding_fee(amount, Msat(info.fee_base_msat), info.fee_proportional_millionths);
  auto total = fee ? add(amount, *fee) : std::nullopt;
  if (!total || !total->is_money()) {
    return fail(RouteFailure{RouteFailureCode::FeeTooHigh, UINT64_MAX, request.max_fee.value()});
  }
  auto expiry = std::uint64_t{request.final_cltv_expiry.value()} + info.cltv_expiry_delta;
  if (expiry > request.max_cltv_expiry.value()) {
    return fail(RouteFailure{RouteFailureCode::CltvTooFar, expiry, request.max_cltv_expiry.value()});
  }
  if (*entry == request.local_node_id) return fail(RouteFailure{RouteFailureCode::IntroductionIsUs});
  return Tail{.entry = *entry,
              .amount = *total,
              .cltv_expiry = CltvExpiry(static_cast<std::uint32_t>(expiry)),
              .blinded = index};
}

// A route hint, computed backwards from the payee; nullopt if it cannot be used.
std::optional<Tail> hint_tail(const RouteRequest& request, const PlainDestination& payee,
                              const std::vector<HintHop>& hint) {
  Tail tail{.entry = payee.node_id, .amount = request.amount, .cltv_expiry = request.final_cltv_expiry};
  for (auto hop = hint.rbegin(); hop != hint.rend(); ++hop) {
    if (hop->node_id == request.local_node_id || request.avoid_nodes.contains(hop->node_id)) return std::nullopt;
    tail.hops.insert(tail.hops.begin(), TailHop{tail.entry, hop->scid, tail.amount, tail.cltv_expiry});
    auto fee = forwarding_fee(tail.amount, hop->fee_base, hop->fee_proportional_millionths);
    auto total = fee ? add(tail.amount, *fee) : std::nullopt;
    auto expiry = std::uint64_t{tail.cltv_expiry.value()} + hop->cltv_expiry_delta.value();
    if (!total || !total->is_money() || expiry > request.max_cltv_expiry.value()) return std::nullopt;
    tail.amount = *total;
    tail.cltv_expiry = CltvExpiry(static_cast<std::uint32_t>(expiry));
    tail.entry = hop->node_id;
  }
  return tail;
}

Preparation prepare(const Graph& graph, const RouteRequest& request) {
  Preparation out;
  if (const auto* payee = std::get_if<PlainDestination>(&request.destination)) {
    if (payee->node_id == request.local_node_id) return out;
    out.tails.push_back({.entry = payee->node_id, .amount = request.amount, .cltv_expiry = request.final_cltv_expiry});
    for (const auto& hint : payee->route_hints) {
      if (hint.empty()) continue;
      if (auto tail = hint_tail(request, *payee, hint)) out.tails.push_back(std::move(*tail));
    }
    return out;
  }
  const auto& paths = std::get<std::vector<BlindedDestination>>(request.destination);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    auto tail = blinded_tail(graph, request, i, paths[i]);
    if (tail) {
      out.tails.push_back(*std::move(tail));
    } else {
      note(out.failure, tail.error());
    }
  }
  return out;
}

// Why the limits cannot be kept: drop them one after the other until there is a route; the last one dropped was in the
// way.
RouteFailure explain(Search& search, const RouteRequest& request, Msat spendable_max) {
  auto limits = search.limits();
  limits.max_amount = Msat::max_money();
  if (auto route = search.run(limits, 1)) {
    return {RouteFailureCode::FeeTooHigh, route->fee.value(), request.max_fee.value()};
  }
  limits.max_cltv_expiry = CltvExpiry(UINT32_MAX);
  if (auto route = search.run(limits, 1)) {
    return {RouteFailureCode::CltvTooFar, route->cltv_expiry.value(), request.max_cltv_expiry.value()};
  }
  limits.max_hops = kMaxRouteHops * 2;
  if (auto route = search.run(limits, 1)) {
    return {RouteFailureCode::TooManyHops, route->hops.size(), std::min(request.max_hops, kMaxRouteHops)};
  }
  limits.ignore_balance = true;
  if (auto route = search.run(limits, 1)) {
    return {RouteFailureCode::InsufficientBalance, route->amount_msat.value(), spendable_max.value()};
  }
  return {RouteFailureCode::NoPath};
}

}  // namespace

const char* name(RouteFailureCode code) {
  switch (code) {
    case RouteFailureCode::NoUsableChannel:
      return "no usable channel";
    case RouteFailureCode::InsufficientBalance:
      return "insufficient balance";
    case RouteFailureCode::DestinationUnknown:
      return "destination unknown";
    case RouteFailureCode::IntroductionIsUs:
      return "the blinded path starts at this node";
    case RouteFailureCode::DestinationFeatures:
      return "destination needs unknown features";
    case RouteFailureCode::AmountBelowMinimum:
      return "amount below minimum";
    case RouteFailureCode::AmountAboveMaximum:
      return "amount above maximum";
    case RouteFailureCode::FeeTooHigh:
      return "fee too high";
    case RouteFailureCode::CltvTooFar:
      return "expiry too far";
    case RouteFailureCode::TooManyHops:
      return "too many hops";
    case RouteFailureCode::NoPath:
      return "no path";
  }
  return "?";
}

std::string describe(const RouteFailure& failure) {
  std::string out = name(failure.code);
  auto numbers = [&](const char* unit) {
    return out + ": " + std::to_string(failure.needed) + unit + " needed, " + std::to_string(failure.available) + unit +
           " available";
  };
  switch (failure.code) {
    case RouteFailureCode::InsufficientBalance:
    case RouteFailureCode::FeeTooHigh:
      return numbers(" msat");
    case RouteFailureCode::AmountBelowMinimum:
      return out + ": " + std::to_string(failure.available) + " msat, at least " + std::to_string(failure.needed);
    case RouteFailureCode::AmountAboveMaximum:
      return out + ": " + std::to_string(failure.needed) + " msat, at most " + std::to_string(failure.available);
    case RouteFailureCode::CltvTooFar:
      return out + ": block " + std::to_string(failure.needed) + ", at most " + std::to_string(failure.available);
    case RouteFailureCode::TooManyHops:
      return numbers("");
    default:
      return out;
  }
}

std::optional<Msat> forwarding_fee(Msat amount, Msat fee_base, std::uint32_t fee_proportional_millionths) {
  constexpr std::uint64_t kMillion = 1'000'000;
  std::uint64_t product = 0, proportional = 0;
  if (!__builtin_mul_overflow(amount.value(), std::uint64_t{fee_proportional_millionths}, &product)) {
    proportional = product / kMillion;
  } else {
    auto wide = static_cast<unsigned __int128>(amount.value()) * fee_proportional_millionths / kMillion;
    if (wide > UINT64_MAX) return std::nullopt;
    proportional = static_cast<std::uint64_t>(wide);
  }
  return add(fee_base, Msat(proportional));
}

Result<Route, RouteFailure> find_route(const Graph& graph, const RouteRequest& request) {
  LN_ASSERT(request.amount > Msat(0) && request.amount.is_money());
  Msat spendable_max{0};
  bool any = false;
  for (const auto& channel : request.channels) {
    if (request.only_channels && !request.only_channels->contains(channel.scid)) continue;
    any = true;
    spendable_max = std::max(spendable_max, channel.spendable);
  }
  if (!any) return fail(RouteFailure{RouteFailureCode::NoUsableChannel});
  if (spendable_max < request.amount) {
    return fail(RouteFailure{RouteFailureCode::InsufficientBalance, request.amount.value(), spendable_max.value()});
  }
  if (request.final_cltv_expiry > request.max_cltv_expiry) {
    return fail(
        RouteFailure{RouteFailureCode::CltvTooFar, request.final_cltv_expiry.value(), request.max_cltv_expiry.value()});
  }
  auto prepared = prepare(graph, request);
  if (prepared.tails.empty()) return fail(prepared.failure);

  Search search(graph, request, prepared.tails);
  if (auto route = search.run(search.limits(), 1)) return *std::move(route);
  auto failure = explain(search, request, spendable_max);
  // If there is no route without limits, there is none within them.
  if (failure.code == RouteFailureCode::NoPath) return fail(failure);
  if (auto route = search.run(search.limits(), kMaxLabels, kMaxSecondLooks)) return *std::move(route);
  return fail(failure);
}

}  // namespace doze::graph
