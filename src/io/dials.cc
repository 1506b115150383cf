#include "io/dials.h"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <system_error>
#include <thread>

#include "io/state.h"

namespace doze::io {

void Network::dial(const NodeId& node, const std::vector<wire::NetworkAddress>& addresses) {
  if (inside_->stopped || !inside_->dialling.insert(node).second) return;
  auto attempt = std::make_shared<Attempt>(inside_->context, node,
                                           std::deque<wire::NetworkAddress>(addresses.begin(), addresses.end()));
  inside_->attempts.insert(attempt);
  // Never answer within the call: the owner is in the middle of performing actions.
  asio::post(inside_->context, [self = inside_, attempt] { self->try_next(attempt); });
}

void Network::Inside::ended(const std::shared_ptr<Attempt>& attempt) {
  ++attempt->round;
  attempt->timer.cancel();
  dialling.erase(attempt->node);
  attempts.erase(attempt);
}

void Network::Inside::try_next(const std::shared_ptr<Attempt>& attempt) {
  if (stopped) return;
  ++attempt->round;
  attempt->timer.cancel();
  if (attempt->left.empty()) {
    ended(attempt);
    return sink(DialFailed{attempt->node, attempt->why});
  }
  auto address = attempt->left.front();
  attempt->left.pop_front();
  auto host = address.host_text();
  if (host.empty() || host.ends_with(".onion")) return try_next(attempt);
  attempt->target = host + ":" + std::to_string(address.port);
  error_code error;
  auto literal = asio::ip::make_address(host, error);
  if (!error) {
    start_timer(attempt);
    return connect(attempt, {tcp::endpoint(literal, address.port)});
  }
  look_ups.push_back({attempt, attempt->round, host, std::to_string(address.port)});
  look_up_next();
}

void Network::Inside::start_timer(const std::shared_ptr<Attempt>& attempt) {
  attempt->timer.expires_after(std::chrono::milliseconds(times.dial_ms));
  attempt->timer.async_wait([self = shared_from_this(), attempt, round = attempt->round](error_code error) {
    if (error || self->stopped || attempt->round != round) return;
    attempt->why = attempt->target + ": timed out";
    error_code ignored;
    if (attempt->socket) attempt->socket->close(ignored);
    self->try_next(attempt);
    self->look_up_next();  // if it waited for a name, that was its place
  });
}

namespace {
bool given_up(const LookUp& look_up) {
  return look_up.attempt->round != look_up.round;
}
}  // namespace

/// A slow name server delays only the names that it was asked for, and the time of a dial begins with its turn.
void Network::Inside::look_up_next() {
  while (!stopped) {
    std::erase_if(look_ups, given_up);
    auto waits_for_it = [&](const LookUp& look_up) {
      auto same = looking_up.find(look_up.host);
      return same != looking_up.end() && !given_up(same->second);
    };
    auto next = std::ranges::find_if_not(look_ups, waits_for_it);
    if (next == look_ups.end()) return;
    if (looking_up.contains(next->host)) {  // its thread has been waiting for longer than a dial does
      auto attempt = next->attempt;
      look_ups.erase(next);
      attempt->why = attempt->target + ": timed out";
      try_next(attempt);
      continue;
    }
    auto waited_for = std::ranges::count_if(looking_up, [](const auto& entry) { return !given_up(entry.second); });
    if (looking_up.size() >= kNameThreads || waited_for >= static_cast<std::ptrdiff_t>(kNamesAtATime)) return;
    auto [at, fresh] = looking_up.emplace(next->host, std::move(*next));
    look_ups.erase(next);
    look_up(at->first);
  }
}

/// In a thread, because getaddrinfo cannot be interrupted; its result counts only while the network exists.
void Network::Inside::look_up(const std::string& host) {
  const auto& wanted = looking_up.at(host);
  start_timer(wanted.attempt);
  auto work = [names = names, self = weak_from_this(), host, port = wanted.port] {
    asio::io_context here;
    error_code error;
    std::vector<tcp::endpoint> found;
    for (const auto& entry : tcp::resolver(here).resolve(host, port, error)) found.push_back(entry.endpoint());
    std::lock_guard lock(names->mutex);
    if (names->context == nullptr) return;
    asio::post(*names->context, [self, host, error, found = std::move(found)] {
      if (auto network = self.lock()) network->looked_up(host, error, found);
    });
  };
  try {
    std::thread(std::move(work)).detach();
  } catch (const std::system_error&) {  // no more threads
    asio::post(context, [self = shared_from_this(), host] { self->looked_up(host, asio::error::try_again, {}); });
  }
}

void Network::Inside::looked_up(const std::string& host, error_code error, std::vector<tcp::endpoint> found) {
  auto done = looking_up.extract(host);
  if (stopped || done.empty()) return;
  if (!given_up(done.mapped())) {
    const auto& attempt = done.mapped().attempt;
    if (error) {
      attempt->why = attempt->target + ": " + error.message();
      try_next(attempt);
    } else {
      connect(attempt, std::move(found));
    }
  }
  look_up_next();
}

void Network::Inside::connect(const std::shared_ptr<Attempt>& attempt, std::vector<tcp::endpoint> endpoints) {
  auto socket = std::make_shared<tcp::socket>(context);
  attempt->socket = socket;
  asio::async_connect(
      *socket, endpoints,
      [self = shared_from_this(), attempt, socket, round = attempt->round](error_code failed, const tcp::endpoint&) {
        if (self->stopped || attempt->round != round) return;
        attempt->socket.reset();
        if (failed) {
          attempt->why = attempt->target + ": " + failed.message();
          return self->try_next(attempt);
        }
        self->ended(attempt);
        self->adopt(std::move(*socket), attempt->node);
      });
}

void Network::Inside::stop_dials() {
  {
    std::lock_guard lock(names->mutex);
    names->context = nullptr;
  }
  error_code ignored;
  for (const auto& attempt : attempts) {
    attempt->timer.cancel();
    if (attempt->socket) attempt->socket->close(ignored);
  }
  attempts.clear();
  look_ups.clear();
  looking_up.clear();
}

}  // namespace doze::io
