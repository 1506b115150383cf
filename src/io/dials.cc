// Dials: one address after the other, names by way of one look-up at a time.
#include <boost/asio/connect.hpp>

#include "io/inside.h"

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
  });
}

/// Names are looked up one after the other, in a thread that a slow name server may hold up: only other names wait for
/// it, and the time of a dial begins when its turn has come.
void Network::Inside::look_up_next() {
  if (looking_up || look_ups.empty() || stopped) return;
  looking_up = true;
  auto next = std::move(look_ups.front());
  look_ups.pop_front();
  start_timer(next.attempt);
  resolver.async_resolve(next.host, next.port,
                         [self = shared_from_this(), attempt = next.attempt, round = next.round](
                             error_code error, const tcp::resolver::results_type& found) {
                           self->looking_up = false;
                           if (!self->stopped && attempt->round == round) {
                             if (error) {
                               attempt->why = attempt->target + ": " + error.message();
                               self->try_next(attempt);
                             } else {
                               self->connect(attempt, {found.begin(), found.end()});
                             }
                           }
                           self->look_up_next();
                         });
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
  resolver.cancel();
  error_code ignored;
  for (const auto& attempt : attempts) {
    attempt->timer.cancel();
    if (attempt->socket) attempt->socket->close(ignored);
  }
  attempts.clear();
  look_ups.clear();
}

}  // namespace doze::io
