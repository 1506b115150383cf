// The HTTP API: POST /v1/METHOD with a JSON object, bearer token, localhost. No TLS: put a reverse proxy in front.
//
// Threats: other users of the machine (token file 0600, compared in constant time), web pages that reach localhost (a
// Host that is not an IP address or localhost, or any Origin, is refused), slow or huge requests (limits below).
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "base/result.h"
#include "effects/io.h"

namespace doze::rpc {

inline constexpr std::size_t kMaxConnections =
    256;                                          // a program that leaks connections must not starve the operator long
inline constexpr int kRequestTimeoutMs = 30'000;  // to send one request; waiting for the answer is not limited

class Server {
 public:
  /// `handle` gets each good command; `gone` is called when a client hangs up before its reply.
  Server(boost::asio::io_context& context, std::string token, std::function<void(RequestId, command::Command)> handle,
         std::function<void(RequestId)> gone);
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
