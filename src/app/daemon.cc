#include "app/daemon.h"

#include <malloc.h>
#include <sys/random.h>

#include <boost/asio.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <deque>
#include <mutex>

#include "api/json.h"
#include "app/datadir.h"
#include "app/log_limits.h"
#include "app/network_row.h"
#include "app/recording.h"
#include "base/version.h"
#include "chain/chain_driver.h"
#include "crypto/crypto.h"
#include "effects/driver_order.h"
#include "io/cores.h"
#include "io/network.h"
#include "keys/seed_signer.h"
#include "node/commit_queue.h"
#include "node/node.h"
#include "rpc/server.h"
#include "store/store.h"

namespace doze::app {
namespace {

namespace asio = boost::asio;

class SystemRng final : public Rng {
 public:
  void fill(std::span<std::uint8_t> out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      auto got = ::getrandom(out.data() + done, out.size() - done, 0);
      LN_ASSERT(got > 0);
      done += static_cast<std::size_t>(got);
    }
  }
};

int level_of(const std::string& name) {
  if (name == "debug") return 0;
  if (name == "warning") return 2;
  if (name == "error") return 3;
  return 1;
}

class Log {
 public:
  explicit Log(int level) : level_(level) {}
  [[nodiscard]] bool writes(Severity severity) const { return static_cast<int>(severity) >= level_; }
  void line(Severity severity, const std::string& text) const {
    static constexpr const char* kNames[] = {"debug", "info", "warning", "error"};
    auto rank = static_cast<int>(severity);
    if (!writes(severity)) return;
    auto now = std::chrono::system_clock::now();
    auto seconds = std::chrono::system_clock::to_time_t(now);
    auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char stamp[40];
    std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
    std::printf("%s.%03dZ %-7s %s\n", stamp, static_cast<int>(ms), kNames[rank], text.c_str());
    std::fflush(stdout);
  }

 private:
  int level_;
};

class Daemon {
 public:
  Daemon(Settings settings, std::unique_ptr<Signer> signer, store::Store store, std::optional<Recording> recording)
      : settings_(std::move(settings)),
        log_(level_of(settings_.log_level)),
        signer_(std::move(signer)),
        store_(std::move(store)),
        recording_(std::move(recording)),
        network_(
            context_, [this](Input input) { feed(std::move(input)); }, io::room_for_inbound()),
        timer_(context_),
        signals_(context_, SIGINT, SIGTERM),
        ignored_signals_(context_, SIGHUP, SIGUSR1, SIGUSR2) {
    std::signal(SIGPIPE, SIG_IGN);  // the reader of the log may close its pipe
  }

  int run(const std::string& token) {
    if (auto loaded = load(); !loaded.empty()) return die(loaded);
    if (recording_) node_->record_messages();
    rpc_ = std::make_unique<rpc::Server>(
        context_, token,
        [this](RequestId id, command::Command command) {
          feed(CommandReceived{id, std::move(command)});
        },
        [this](RequestId id) { feed(RequestGone{id}); }, settings_.rpc_hosts);
    auto rpc_port = rpc_->listen(settings_.rpc_host, settings_.rpc_port);
    if (!rpc_port)
      return die("rpc = \"" + settings_.rpc_host + ":" + std::to_string(settings_.rpc_port) +
                 "\": " + rpc_port.error());
    auto port = network_.listen(settings_.listen_host, settings_.listen_port);
    if (!port)
      return die("listen = \"" + settings_.listen_host + ":" + std::to_string(settings_.listen_port) +
                 "\": " + port.error());
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (!error) stop("signal");
    });
    ignore_signals();
    if (!is_loopback(settings_.rpc_host))
      log_event(Severity::Warning, "rpc_is_exposed",
                Value()
                    .set("rpc_host", settings_.rpc_host)
                    .set("detail",
                         "other machines can reach the API, which has no TLS: anyone on the network path can read the "
                         "token and move all money"));
    log_event(Severity::Info, "started",
              Value()
                  .set("version", kVersion)
                  .set("node_id", signer_->node_id().hex())
                  .set("listen", *port)
                  .set("rpc", *rpc_port));
    feed(Started{});
    start_chain();
    context_.run();
    stopping_ = true;
    if (!failed_) settle();
    chain_.reset();
    log_event(Severity::Info, "stopped", Value().set("commits", std::uint64_t{store_.commits()}));
    return failed_ ? 1 : 0;
  }

 private:
  int die(const std::string& why) {
    std::fprintf(stderr, "dozed: %s\n", why.c_str());
    return 1;
  }

  /// Returns what is wrong, or an empty string.
  std::string load() {
    std::optional<store::StoreError> unread;
    auto read = [&](Table table) {
      auto rows = store_.rows(table);
      if (!rows && !unread) unread = rows.error();
      return rows ? *std::move(rows) : std::vector<Row>();
    };
    auto node = node::Node::load(settings_.node, *signer_, read, parallel_);
    if (unread) return unread->message;
    if (!node)
      return "a record of table " + std::to_string(static_cast<int>(node.error().table)) + " cannot be read (" +
             describe(node.error().error) + "): it was written by another version, or is damaged; nothing was changed";
    auto network = check_network(read(Table::Meta), settings_.node.network);
    if (unread) return unread->message;
    if (!network) return network.error();
    if (*network)
      if (auto written = store_.commit({**network}); !written) return written.error().message;
    node_.emplace(*std::move(node));
    ::malloc_trim(0);  // glibc keeps the memory of many small blocks
    return "";
  }

  /// A closed terminal or a rotated log does not end the daemon. Nothing is reloaded.
  void ignore_signals() {
    ignored_signals_.async_wait([this](const boost::system::error_code& error, int number) {
      if (error) return;
      log_event(Severity::Info, "signal_ignored",
                Value()
                    .set("signal", number == SIGHUP    ? "SIGHUP"
                                   : number == SIGUSR1 ? "SIGUSR1"
                                                       : "SIGUSR2")
                    .set("detail", "doze.toml is read at startup only; SIGTERM stops dozed"));
      ignore_signals();
    });
  }

  void start_chain() {
    chain::ChainConfig config;
    const auto& bitcoind = settings_.bitcoind;
    config.rpc.host = bitcoind.host;
    config.rpc.port = bitcoind.port;
    config.rpc.cookie_file = bitcoind.cookie_file;
    config.rpc.user = bitcoind.user;
    config.rpc.password = bitcoind.password;
    config.chain_hash = wire::chain_hash(settings_.node.network);
    config.poll_interval_ms = bitcoind.poll_ms;
    config.fallback_feerate = settings_.node.default_feerate;
    config.start = bitcoind.scan_from;
    config.accepted_fork = bitcoind.accept_chain;
    for (const auto& tip : node_->chain_tail()) config.known.push_back({tip.height, tip.hash});
    chain::ChainEvents events;
    events.block_connected = [this](FoundBlock block) {
      run_and_wait([this, block = std::move(block)] { connect(block); });
    };
    events.block_disconnected = [this](const BlockDisconnected& block) {
      run_and_wait([this, block] {
        feed(block);
        drain();
      });
    };
    events.status = [this](const chain::DriverStatus& status) {
      post(ChainStatus{status.connected, status.synced, status.detail, name(status.trouble)});
    };
    events.fee_estimate = [this](const FeeEstimate& fees) { post(fees); };
    events.broadcast = [this](const BroadcastResult& result) {
      post(result);
      if (!is_unanswered(result.outcome)) return;
      asio::post(context_, [this, result] {
        log_event(Severity::Warning, "broadcast_unanswered",
                  Value().set("txid", bitcoin::txid_to_string(result.txid)).set("reason", result.reason));
      });
    };
    events.output_looked_up = [this](ShortChannelId scid, const std::optional<bitcoin::TxOut>& output,
                                     bool unanswered) {
      post(OutputLookedUp{scid, output, unanswered});
    };
    events.mempool_seen = [this](const MempoolSeen& seen) { post(seen); };
    chain_ = std::make_unique<chain::ChainDriver>(std::move(config), std::move(events));
  }

  /// From the chain's thread.
  void post(Input input) {
    asio::post(context_, [this, input = std::move(input)]() mutable { feed(std::move(input)); });
  }
  /// Runs it on the daemon's thread and waits until it is done, so that a slow node is not flooded with blocks.
  template <class Work>
  void run_and_wait(Work work) {
    auto done = std::make_shared<bool>(false);
    asio::post(context_, [this, work = std::move(work), done] {
      work();
      std::lock_guard lock(mutex_);
      *done = true;
      handled_.notify_all();
    });
    std::unique_lock lock(mutex_);
    while (!*done && !stopping_) handled_.wait_for(lock, std::chrono::milliseconds(100));
  }

  void feed(Input input) {
    inputs_.push_back(std::move(input));
    if (draining_) return;
    draining_ = true;
    asio::post(context_, [this] {
      draining_ = false;
      drain();
    });
  }

  [[nodiscard]] node::Now now() const {
    using namespace std::chrono;
    auto mono = duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
    auto wall = duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
    return {MonoTime(static_cast<std::uint64_t>(mono)), UnixTime(static_cast<std::uint64_t>(wall))};
  }

  /// Steps that touch one block, in one batch: what came before it has been handled, and counts for what is watched.
  void connect(const FoundBlock& block) {
    drain();
    if (failed_) return;
    hand_over(block, watched_, [this](Input input) { take(input); });
    if (queue_.due(now().mono)) settle();
    arm();
  }

  void take(const Input& input) {
    auto time = now();
    auto out = node_->step(input, time, rng_);
    for (const auto& change : out.watch) watched_.apply(change);
    queue_.add(std::move(out.durable), std::move(out.after), time.mono);
  }

  void drain() {
    while (!inputs_.empty() && !failed_) {
      std::vector<ConnectionId> read_on;
      for (std::size_t count = 0; count < kMaxBatch && !inputs_.empty(); ++count) {
        auto input = std::move(inputs_.front());
        inputs_.pop_front();
        if (const auto* bytes = std::get_if<BytesReceived>(&input)) read_on.push_back(bytes->connection);
        if (const auto* status = std::get_if<ChainStatus>(&input)) log_chain(*status);
        take(input);
      }
      if (queue_.due(now().mono)) settle();
      for (auto connection : read_on) network_.handled(connection);
    }
    arm();
  }

  /// At info only lasting changes, not the moments between a block and its reading.
  void log_chain(const ChainStatus& status) {
    bool same = said_ && said_->connected == status.connected && said_->trouble == status.trouble;
    auto severity = !status.trouble.empty()                     ? Severity::Error
                    : !status.connected                         ? Severity::Warning
                    : same && (said_->synced || !status.synced) ? Severity::Debug
                                                                : Severity::Info;
    if (same && (severity == Severity::Error || severity == Severity::Warning) && said_->detail == status.detail)
      return;
    Value facts;
    facts.set("connected", status.connected).set("synced", status.synced);
    if (!status.trouble.empty()) facts.set("trouble", status.trouble);
    if (!status.detail.empty()) facts.set("detail", status.detail);
    log_event(severity, status.trouble.empty() ? Event("chain") : Event("chain_trouble"), facts);
    if (severity != Severity::Debug) said_ = status;
  }
  void log_event(Severity severity, Event event, const Value& facts) const {
    log_.line(severity, std::string(event.name()) + " " + api::json_text(api::to_json(facts)));
  }

  /// Commits the queue, then performs its actions.
  void settle() {
    auto [durable, after] = queue_.take();
    if (!durable.empty()) {
      auto committed = store_.commit(durable);
      // Memory is ahead of the disk: nothing of this batch may be sent, and nothing more may be signed.
      if (!committed) return disk_failed("stopping before any message is sent: " + committed.error().message);
    }
    for (auto& action : after) act(action);
  }

  void disk_failed(const std::string& what) {
    log_event(Severity::Error, "disk_failed", Value().set("detail", "the disk failed, " + what));
    failed_ = true;
    context_.stop();
  }

  /// Everything that was written before the question is committed: it is an action itself.
  void read(const ReadRows& wanted) {
    auto rows = store_.read(wanted.table, wanted.keys);
    if (!rows) return disk_failed("stopping, rows cannot be read: " + rows.error().message);
    feed(RowsRead{wanted.tag, *std::move(rows)});
  }
  void read(const ReadRange& wanted) {
    auto rows = store_.range(wanted.table, wanted.from, wanted.to, wanted.newest, wanted.most);
    if (!rows) return disk_failed("stopping, rows cannot be read: " + rows.error().message);
    feed(RowsRead{wanted.tag, *std::move(rows)});
  }

  void act(Action& action) {
    std::visit(Overloaded{
                   [&](WriteBytes& write) { network_.write(write.connection, write.bytes, write.kind); },
                   [&](Dial& dial) { network_.dial(dial.node_id, dial.addresses); },
                   [&](Hangup& hangup) { network_.hangup(hangup.connection); },
                   [&](Broadcast& broadcast) { chain_->broadcast(std::move(broadcast.transaction)); },
                   [&](LookUpOutput& look) {
                     if (!chain_->look_up(look.scid)) feed(OutputLookedUp{look.scid, std::nullopt, true});
                   },
                   [&](WatchMempool& watch) { chain_->watch_mempool(std::move(watch.scripts), watch.for_ms); },
                   [&](ReadRows& wanted) { read(wanted); },
                   [&](ReadRange& wanted) { read(wanted); },
                   [&](Reply& reply) { rpc_->reply(reply); },
                   [&](Notify& notify) {
                     if (notify.event == Event("peer_message")) return record(notify.facts);
                     bool writes = log_.writes(notify.severity);
                     for (const auto& line : log_limits_.admit(std::move(notify), now().mono, writes))
                       log_event(line.severity, line.event, Value(line.facts));
                   },
                   [&](StopNode& node) { stop(node.reason); },
               },
               action);
  }

  void record(const Fields& facts) {
    using namespace std::chrono;
    auto time = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
    if (auto written = recording_->write(static_cast<std::uint64_t>(time), facts); !written)
      log_event(Severity::Error, "recording_failed", Value().set("detail", written.error()));
  }

  /// Returns free memory to the system after a crowd: the allocator alone would keep it.
  void give_memory_back() {
    auto now = std::chrono::steady_clock::now();
    if (now < trimmed_at_ + kTrimEvery) return;
    trimmed_at_ = now;
    ::malloc_trim(0);
  }

  void arm() {
    if (failed_) return;
    give_memory_back();
    auto deadline = node_->deadline();
    if (auto due = queue_.deadline(); due && (!deadline || *due < *deadline)) deadline = due;
    if (!deadline) return;
    auto at = std::chrono::steady_clock::time_point(std::chrono::milliseconds(deadline->value()));
    timer_.expires_at(at);
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) feed(DeadlineReached{});
    });
  }

  void stop(const std::string& why) {
    log_event(Severity::Info, "stopping", Value().set("why", why));
    // Pending replies get a moment to be sent.
    auto later = std::make_shared<asio::steady_timer>(context_, std::chrono::milliseconds(50));
    later->async_wait([this, later](const boost::system::error_code&) {
      network_.stop();
      rpc_->stop();
      context_.stop();
    });
  }

  Settings settings_;
  Log log_;
  LogLimits log_limits_;
  std::unique_ptr<Signer> signer_;
  store::Store store_;
  std::optional<Recording> recording_;
  io::Cores parallel_;
  SystemRng rng_;
  asio::io_context context_{1};
  io::Network network_;
  asio::steady_timer timer_;
  /// It takes some milliseconds, more often would cost; pings of peers bring a step at least once a minute.
  static constexpr std::chrono::seconds kTrimEvery{30};
  std::chrono::steady_clock::time_point trimmed_at_ = std::chrono::steady_clock::now();
  asio::signal_set signals_, ignored_signals_;
  std::optional<node::Node> node_;
  std::unique_ptr<rpc::Server> rpc_;
  std::deque<Input> inputs_;
  node::CommitQueue queue_;
  WatchSet watched_;
  std::optional<ChainStatus> said_;  // in the log, at info or above
  bool draining_ = false;
  bool failed_ = false;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable handled_;
  std::unique_ptr<chain::ChainDriver> chain_;
};

}  // namespace

int run_daemon(const std::string& datadir, const std::string& record) {
  auto complain = [](const std::string& why) {
    std::fprintf(stderr, "dozed: %s\n", why.c_str());
    return 1;
  };
  auto settings = read_settings(datadir);
  if (!settings) return complain(settings.error());
  std::optional<Recording> recording;
  if (!record.empty()) {
    auto opened = Recording::open(record, settings->node.network);
    if (!opened) return complain(opened.error());
    recording = *std::move(opened);
  }
  if (auto ours = tighten_datadir(datadir); !ours) return complain(ours.error());
  auto seed = read_seed(datadir);
  if (!seed) return complain(seed.error());
  auto signer = make_seed_signer(seed->seed, settings->node.network, seed->channel_salt);
  crypto::wipe(seed->seed);  // this function lives as long as the node
  // A restored node cannot use the channels of the old one, and must not take them for its own.
  auto fingerprint = crypto::sha256(Writer().bytes(signer->node_id().view()).bytes(seed->channel_salt).take());
  auto store = store::Store::open(datadir, fingerprint.view(), !has_run(datadir));
  if (!store && store.error().code == store::StoreCode::Lost)
    return complain(
        store.error().message +
        ". A new database would reuse the channels' keys. Put the file back, or restore the wallet into another "
        "folder with doze init --restore");
  if (!store) return complain(store.error().message);
  auto token = read_token(datadir, true);
  if (!token) return complain(token.error());
  Daemon daemon(*std::move(settings), std::move(signer), *std::move(store), std::move(recording));
  return daemon.run(*token);
}

}  // namespace doze::app
