// The one file that includes Beast: it takes 15 seconds to compile.
#include "rpc/server.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/serialize.hpp>
#include <map>

#include "api/json.h"
#include "base/texts.h"
#include "crypto/crypto.h"

namespace doze::rpc {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

namespace {
constexpr std::size_t kReadAhead = 4'096;  // of a next request, at a time

http::status status_of(CommandErrorCode code) {
  switch (code) {
    case CommandErrorCode::BadRequest:
      return http::status::bad_request;
    case CommandErrorCode::NotFound:
      return http::status::not_found;
    case CommandErrorCode::NotReady:
    case CommandErrorCode::Refused:
      return http::status::conflict;
    case CommandErrorCode::NoRoute:
    case CommandErrorCode::InsufficientFunds:
    case CommandErrorCode::PaymentFailed:
    case CommandErrorCode::Expired:
      return http::status::unprocessable_entity;
    case CommandErrorCode::Limit:
      return http::status::too_many_requests;
    case CommandErrorCode::TimedOut:
      return http::status::gateway_timeout;
    case CommandErrorCode::Internal:
      return http::status::internal_server_error;
  }
  return http::status::internal_server_error;
}

/// localhost or an IP address, with or without a port: what a rebound DNS name is not. Or a name that is allowed.
bool is_allowed_host(std::string_view host, const std::set<std::string>& allowed) {
  if (host.starts_with('[')) return host.find(']') != std::string_view::npos;
  host = host.substr(0, host.find(':'));
  auto small = lower(host);
  if (small == "localhost" || allowed.contains(small)) return true;
  boost::system::error_code error;
  (void)asio::ip::make_address_v4(host, error);
  return !error;
}

}  // namespace

/// One connection: a request, its answer, the next request.
class Session : public std::enable_shared_from_this<Session> {
 public:
  /// What a session asks of the server.
  struct Owner {
    virtual ~Owner() = default;
    virtual void request(const std::shared_ptr<Session>& session, std::string_view target, std::string_view body) = 0;
    virtual bool token_is(std::string_view given) = 0;
    virtual bool host_is_allowed(std::string_view host) = 0;
    virtual void gave_up(RequestId pending) = 0;  // the client hung up while it waited
    virtual void ended(RequestId pending) = 0;    // the session is going; pending is 0 if nothing waits
  };
  Session(tcp::socket socket, std::shared_ptr<Owner> owner, std::chrono::milliseconds patience)
      : stream_(std::move(socket)), owner_(std::move(owner)), patience_(patience) {}
  ~Session() { owner_->ended(pending_); }

  void read() {
    parser_.emplace();
    parser_->body_limit(api::kMaxBodyBytes);
    stream_.expires_after(patience_);
    http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (error == http::error::body_limit) {
        self->keep_alive_ = false;
        return self->refuse(http::status::payload_too_large, "body: expected at most 64 KiB");
      }
      if (!error) self->on_request();
    });
  }

  void wait_for(RequestId pending) {
    pending_ = pending;
    stream_.expires_never();
    watch(pending);
  }

  void answer(http::status status, std::string body) {
    pending_ = 0;
    response_ = {};
    response_.result(status);
    response_.version(11);
    response_.set(http::field::content_type, "application/json");
    response_.set(http::field::cache_control, "no-store");
    response_.keep_alive(keep_alive_);
    response_.body() = std::move(body);
    response_.prepare_payload();
    stream_.expires_after(patience_);
    http::async_write(stream_, response_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (!error && self->keep_alive_) return self->read();
      self->stream_.close();
    });
  }

  void refuse(http::status status, std::string message) {
    answer(status, api::json_text(api::to_json(CommandError{CommandErrorCode::BadRequest, std::move(message), {}})));
  }

 private:
  /// A client that hangs up while it waits is noticed by the end of its stream. What it sends before is its next
  /// request, and must leave the socket, or the end behind it would not be seen.
  void watch(RequestId pending) {
    stream_.socket().async_wait(tcp::socket::wait_read, [self = shared_from_this(), pending](beast::error_code error) {
      if (error || self->pending_ != pending) return;
      auto room = std::min(kReadAhead, self->buffer_.max_size() - self->buffer_.size());
      beast::error_code ended;
      self->stream_.socket().non_blocking(true, ended);
      auto size = room == 0 ? 0 : self->stream_.socket().receive(self->buffer_.prepare(room), 0, ended);
      self->buffer_.commit(size);
      if (size != 0 || ended == asio::error::would_block) return self->watch(pending);
      self->owner_->gave_up(std::exchange(self->pending_, 0));
      self->stream_.close();
    });
  }

  void on_request() {
    const auto& request = parser_->get();
    keep_alive_ = request.keep_alive();
    std::string_view host(request[http::field::host].data(), request[http::field::host].size());
    if (request.count(http::field::host) != 1 || host.empty())  // RFC 9112, "Request Target"
      return refuse(http::status::bad_request, "Host: expected exactly one header");
    if (!owner_->host_is_allowed(host))
      return refuse(http::status::forbidden,
                    "Host: expected an IP address, localhost, or a name in rpc_hosts of doze.toml");
    if (request.find(http::field::origin) != request.end())
      return refuse(http::status::forbidden, "web pages may not use this API");
    std::string_view given(request[http::field::authorization].data(), request[http::field::authorization].size());
    if (!given.starts_with("Bearer ") || !owner_->token_is(given.substr(7)))
      return refuse(http::status::unauthorized,
                    "Authorization: expected Bearer TOKEN, with the token from the file api-token");
    std::string_view target(request.target().data(), request.target().size());
    bool document = target == "/openapi.json" && request.method() == http::verb::get;
    if (!document && request.method() != http::verb::post)
      return refuse(http::status::method_not_allowed, "expected POST /v1/METHOD");
    owner_->request(shared_from_this(), target, request.body());
  }

  beast::tcp_stream stream_;
  std::shared_ptr<Owner> owner_;
  std::chrono::milliseconds patience_;
  beast::flat_buffer buffer_{api::kMaxBodyBytes + 16 * 1024};
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
  RequestId pending_ = 0;
  bool keep_alive_ = false;
};

struct Server::Inside : Session::Owner, std::enable_shared_from_this<Inside> {
  Inside(asio::io_context& c, std::string t, std::function<void(RequestId, command::Command)> h,
         std::function<void(RequestId)> g, std::set<std::string> allowed, int patience_ms)
      : acceptor(c),
        pause(c),
        token(std::move(t)),
        handle(std::move(h)),
        gone(std::move(g)),
        hosts(std::move(allowed)),
        patience(patience_ms) {}

  tcp::acceptor acceptor;
  asio::steady_timer pause;
  std::string token;
  std::function<void(RequestId, command::Command)> handle;
  std::function<void(RequestId)> gone;
  std::set<std::string> hosts;
  std::chrono::milliseconds patience;
  std::map<RequestId, std::weak_ptr<Session>> waiting;
  RequestId next = 1;
  std::size_t sessions = 0;
  bool stopped = false;

  void accept() {
    acceptor.async_accept([self = shared_from_this()](beast::error_code error, tcp::socket socket) {
      if (self->stopped || error == asio::error::operation_aborted) return;
      if (error) return self->accept_later();
      if (self->sessions < kMaxConnections) {
        ++self->sessions;
        std::make_shared<Session>(std::move(socket), self, self->patience)->read();
      }
      self->accept();
    });
  }
  void accept_later() {
    pause.expires_after(std::chrono::milliseconds(kAcceptPauseMs));
    pause.async_wait([self = shared_from_this()](beast::error_code error) {
      if (!error && !self->stopped) self->accept();
    });
  }
  bool host_is_allowed(std::string_view host) override { return is_allowed_host(host, hosts); }
  bool token_is(std::string_view given) override {
    return crypto::equal_constant_time(bytes_of(given), bytes_of(token));
  }
  void gave_up(RequestId pending) override {
    if (waiting.erase(pending) != 0 && !stopped) gone(pending);
  }
  void ended(RequestId pending) override {
    --sessions;
    if (pending != 0) gave_up(pending);
  }
  void request(const std::shared_ptr<Session>& session, std::string_view target, std::string_view body) override {
    if (target == "/openapi.json") return session->answer(http::status::ok, api::json_text(api::openapi()));
    const auto* method = target.starts_with("/v1/") ? api::find_method(std::string(target.substr(4))) : nullptr;
    if (method == nullptr) return session->refuse(http::status::not_found, "unknown method: see /openapi.json");
    auto refuse = [&](const CommandError& error) {
      session->answer(status_of(error.code), api::json_text(api::to_json(error)));
    };
    auto arguments = api::parse_body(body);
    if (!arguments) return refuse(arguments.error());
    auto parsed = api::parse(*method, *arguments);
    if (!parsed) return refuse(parsed.error());
    if (const auto* answer = std::get_if<Value>(&*parsed))
      return session->answer(http::status::ok, api::json_text(api::to_json(*answer)));
    // The other methods are answered in the same step, or as soon as the store was read.
    if (method->waits && waiting.size() >= kMaxWaiting)
      return refuse(CommandError{CommandErrorCode::Limit,
                                 std::to_string(kMaxWaiting) + " calls wait for their answers already; try again later",
                                 {}});
    auto id = next++;
    waiting.emplace(id, session);
    session->wait_for(id);
    handle(id, std::get<command::Command>(*std::move(parsed)));
  }
};

Server::Server(asio::io_context& context, std::string token, std::function<void(RequestId, command::Command)> handle,
               std::function<void(RequestId)> gone, std::set<std::string> hosts, int request_timeout_ms)
    : inside_(std::make_shared<Inside>(context, std::move(token), std::move(handle), std::move(gone), std::move(hosts),
                                       request_timeout_ms)) {}
Server::~Server() {
  stop();
}

Result<std::uint16_t, std::string> Server::listen(const std::string& host, std::uint16_t port) {
  beast::error_code error;
  auto address = asio::ip::make_address(host, error);
  if (error) return doze::fail("cannot listen on " + host + ": expected an IP address");
  tcp::endpoint endpoint(address, port);
  auto& acceptor = inside_->acceptor;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return doze::fail("cannot listen on " + host + ":" + std::to_string(port) + ": " + error.message());
  inside_->accept();
  return acceptor.local_endpoint(error).port();
}

void Server::reply(const Reply& reply) {
  auto it = inside_->waiting.find(reply.request);
  if (it == inside_->waiting.end()) return;
  auto session = it->second.lock();
  inside_->waiting.erase(it);
  if (!session) return;
  if (const auto* error = std::get_if<CommandError>(&reply.result))
    session->answer(status_of(error->code), api::json_text(api::to_json(*error)));
  else
    session->answer(http::status::ok, api::json_text(api::to_json(std::get<Value>(reply.result))));
}

void Server::stop() {
  inside_->stopped = true;
  beast::error_code ignored;
  inside_->acceptor.close(ignored);
  inside_->pause.cancel();
}

}  // namespace doze::rpc
