// The HTTP API: POST /v1/METHOD with a JSON object, bearer token, localhost. No TLS: put a reverse proxy in front.
//
// Threats: other users of the machine (token file 0600, compared in constant time), web pages that reach localhost (a
// Host that is not an IP address, localhost or a name that the operator allows, or any Origin, is refused), slow or
// huge requests (limits below), descriptors that run out (a pause before the next accept).
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "base/result.h"
#include "effects/io.h"

namespace doze::rpc {

inline constexpr std::size_t kMaxConnections =
    256;                                          // a program that leaks connections must not starve the operator long
inline constexpr int kRequestTimeoutMs = 30'000;  // to send one request; waiting for the answer is not limited
/// Calls whose answers may take long (pay, waitpayment): the other connections stay free for the operator.
inline constexpr std::size_t kMaxWaiting = 192;
static_assert(kMaxWaiting < kMaxConnections);
/// After an accept that failed: files run out, and asking again at once would take the whole processor.
inline constexpr int kAcceptPauseMs = 200;

class Server {
 public:
  /// `handle` gets each good command; `gone` is called when a client hangs up before its reply. `hosts`: names, in
  /// small letters, that a request's Host may have besides IP addresses and localhost. Tests use shorter times.
  Server(boost::asio::io_context& context, std::string token, std::function<void(RequestId, command::Command)> handle,
         std::function<void(RequestId)> gone, std::set<std::string> hosts = {},
         int request_timeout_ms = kRequestTimeoutMs);
  ~Server();
  Server(const Server&) = delete;
  [[nodiscard]] Result<std::uint16_t, std::string> listen(const std::string& host, std::uint16_t port);
  void reply(const Reply& reply);
  void stop();

 private:
  struct Inside;
  std::shared_ptr<Inside> inside_;
};

}  // namespace doze::rpc
