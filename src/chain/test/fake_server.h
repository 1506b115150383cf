// A loopback HTTP server that gives scripted replies, one connection after the other.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace doze::chain::test {

struct HttpReply {
  int status = 200;
  std::string body;
  bool hang = false;  // never answer
  bool ends = false;  // neither an answer nor another connection
};

class FakeServer {
 public:
  /// `answer` gets each request body, on the server's thread.
  explicit FakeServer(std::function<HttpReply(const std::string&)> answer) : answer_(std::move(answer)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~FakeServer() {
    stopping_ = true;
    thread_.join();
    close(listener_);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::vector<std::string> heads() {
    std::lock_guard lock(mutex_);
    return heads_;
  }

 private:
  bool readable(int fd) {
    while (!stopping_) {
      pollfd item{fd, POLLIN, 0};
      if (poll(&item, 1, 20) > 0) return true;
    }
    return false;
  }
  void run() {
    while (readable(listener_)) {
      int fd = accept(listener_, nullptr, nullptr);
      if (fd < 0) continue;
      serve(fd);
      close(fd);
    }
  }
  void serve(int fd) {
    std::string in;
    char buffer[4096];
    while (readable(fd)) {
      auto got = read(fd, buffer, sizeof buffer);
      if (got <= 0) return;
      in.append(buffer, static_cast<std::size_t>(got));
      auto end = in.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      auto at = in.find("Content-Length: ");
      auto length = at < end ? std::stoul(in.substr(at + 16)) : 0;
      if (in.size() < end + 4 + length) continue;
      {
        std::lock_guard lock(mutex_);
        heads_.push_back(in.substr(0, end));
      }
      auto reply = answer_(in.substr(end + 4, length));
      in.erase(0, end + 4 + length);
      while (reply.hang && !stopping_) usleep(20'000);
      if (reply.ends) {
        shutdown(listener_, SHUT_RDWR);
        stopping_ = true;
        return;
      }
      auto out = "HTTP/1.1 " + std::to_string(reply.status) +
                 " x\r\nContent-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n" + reply.body;
      for (std::size_t sent = 0; sent < out.size();) {
        auto wrote = send(fd, out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
        if (wrote <= 0) return;
        sent += static_cast<std::size_t>(wrote);
      }
    }
  }

  std::function<HttpReply(const std::string&)> answer_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<std::string> heads_;
  std::thread thread_;
};

}  // namespace doze::chain::test
