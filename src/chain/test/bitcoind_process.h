// A real bitcoind on regtest for one test: $BITCOIND, or the one in PATH. Its folder is removed afterwards.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "chain/bitcoind_client.h"

namespace doze::chain::test {

/// nullopt: there is none, skip by name.
inline std::optional<std::string> find_bitcoind() {
  if (const char* named = std::getenv("BITCOIND"); named != nullptr && *named != 0) return named;
  std::string path = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "";
  for (std::size_t at = 0; at < path.size();) {
    auto end = std::min(path.find(':', at), path.size());
    auto candidate = path.substr(at, end - at) + "/bitcoind";
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    at = end + 1;
  }
  return std::nullopt;
}

inline std::uint16_t free_port() {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

class BitcoindProcess {
 public:
  explicit BitcoindProcess(std::string program) : program_(std::move(program)) {
    auto pattern = (std::filesystem::temp_directory_path() / "chain-test-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    rpc_port_ = free_port();
    std::ofstream(folder_ + "/bitcoin.conf") << "regtest=1\nserver=1\nlisten=0\ndnsseed=0\nfixedseeds=0\n"
                                             << "fallbackfee=0.0001\ncorepolicy=1\ndisablewallet=0\n"
                                             << "[regtest]\nrpcport=" << rpc_port_ << "\nrpcbind=127.0.0.1\n"
                                             << "rpcallowip=127.0.0.1\n";
    start();
  }
  ~BitcoindProcess() {
    if (pid_ > 0) stop();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  void start() {
    pid_ = fork();
    if (pid_ == 0) {
      auto out = freopen("/dev/null", "w", stdout);
      (void)out;
      auto datadir = "-datadir=" + folder_;
      // The tests spend bare OP_TRUE outputs, which is not standard.
      execl(program_.c_str(), program_.c_str(), datadir.c_str(), "-acceptnonstdtxn=1", nullptr);
      _exit(127);
    }
  }
  void stop() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  /// Waits until it answers; false if it does not within a minute or has died.
  bool ready() {
    for (int i = 0; i < 600; ++i) {
      if (BitcoindClient(endpoint()).chain_info()) return true;
      if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
        pid_ = -1;
        return false;
      }
      usleep(100'000);
    }
    return false;
  }
  [[nodiscard]] RpcEndpoint endpoint() const {
    RpcEndpoint out;
    out.port = rpc_port_;
    out.cookie_file = cookie_file();
    return out;
  }
  [[nodiscard]] std::string cookie_file() const { return folder_ + "/regtest/.cookie"; }

  /// The result as JSON text, strings without their quotes; a failed call fails the test.
  std::string call(const std::string& method, const std::string& params) {
    BitcoindClient client(endpoint());
    auto result = client.call(method, params);
    if (!result) {
      ADD_FAILURE() << method << params << ": " << describe(result.error());
      return "";
    }
    auto text = *result;
    if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
    return text;
  }

 private:
  std::string program_, folder_;
  std::uint16_t rpc_port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace doze::chain::test
