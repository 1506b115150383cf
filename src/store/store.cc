#include "store/store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace doze::store {

namespace {
constexpr const char* kSchema =
    "CREATE TABLE IF NOT EXISTS records (tab INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY (tab, key)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS identity (fingerprint BLOB NOT NULL);";
/// A crashed writer left at most a WAL; there is no other writer, so a longer wait would not help.
constexpr int kBusyTimeoutMs = 2'000;

constexpr int kLockPollMs = 20;
bool lock_in_time(int file, int timeout_ms) {
  for (int waited = 0; ::flock(file, LOCK_EX | LOCK_NB) != 0; waited += kLockPollMs) {
    if (waited >= timeout_ms) return false;
    ::usleep(kLockPollMs * 1'000);
  }
  return true;
}

/// An open statement, reset after each use.
class Statement {
 public:
  Statement() = default;
  Statement(sqlite3* db, const char* sql) {
    sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &inner_, nullptr);
  }
  ~Statement() { sqlite3_finalize(inner_); }
  Statement(Statement&& other) noexcept : inner_(std::exchange(other.inner_, nullptr)) {}
  Statement& operator=(Statement&& other) noexcept {
    std::swap(inner_, other.inner_);
    return *this;
  }
  explicit operator bool() const { return inner_ != nullptr; }
  void bind(int at, std::int64_t value) { sqlite3_bind_int64(inner_, at, value); }
  void bind(int at, ByteView value) {
    static constexpr std::uint8_t kEmpty = 0;  // a null pointer would bind NULL
    sqlite3_bind_blob64(inner_, at, value.empty() ? &kEmpty : value.data(), value.size(), SQLITE_STATIC);
  }
  int step() { return sqlite3_step(inner_); }
  void reset() {
    sqlite3_reset(inner_);
    sqlite3_clear_bindings(inner_);
  }
  int run() {
    int code = step();
    reset();
    return code;
  }
  [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(inner_, column); }
  [[nodiscard]] Bytes blob(int column) const {
    const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(inner_, column));
    return Bytes(data, data + sqlite3_column_bytes(inner_, column));
  }

 private:
  sqlite3_stmt* inner_ = nullptr;
};
}  // namespace

const char* name(StoreCode code) {
  switch (code) {
    case StoreCode::CannotOpen:
      return "cannot open";
    case StoreCode::Locked:
      return "locked";
    case StoreCode::NewerFormat:
      return "newer format";
    case StoreCode::WrongNode:
      return "wrong node";
    case StoreCode::Lost:
      return "lost";
    case StoreCode::Corrupt:
      return "corrupt";
    case StoreCode::CannotWrite:
      return "cannot write";
  }
  return "unknown";
}

struct Store::Inside {
  int lock = -1;
  sqlite3* db = nullptr;
  Statement begin, commit, put, erase, read, first, last;
  bool failed = false;
  std::uint64_t commits = 0;

  ~Inside() {
    sqlite3_close_v2(db);  // really closes when the last statement is finalized
    if (lock >= 0) ::close(lock);
  }
  [[nodiscard]] StoreError error(StoreCode code) const {
    return {code, db != nullptr ? sqlite3_errmsg(db) : "out of memory"};
  }
  [[nodiscard]] bool run(const char* sql) const {
    return sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
  }
};

Store::Store(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;

bool wait_until_free(const std::string& directory, int timeout_ms) {
  int file = ::open((directory + "/lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return true;
  bool free = lock_in_time(file, timeout_ms);
  ::close(file);
  return free;
}

Result<Store, StoreError> Store::open(const std::string& directory, ByteView fingerprint, bool make) {
  auto inside = std::make_unique<Inside>();
  auto old_mask = ::umask(077);
  ::mkdir(directory.c_str(), 0700);
  auto lock_path = directory + "/lock";
  inside->lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  int opened = SQLITE_CANTOPEN;
  auto path = directory + "/doze.sqlite";
  std::string lock_error = std::strerror(errno);
  bool locked = inside->lock >= 0 && lock_in_time(inside->lock, kLockWaitMs);
  if (locked) opened = sqlite3_open_v2(path.c_str(), &inside->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  ::umask(old_mask);
  if (inside->lock < 0) return fail(StoreError{StoreCode::CannotOpen, lock_path + ": " + lock_error});
  if (!locked) return fail(StoreError{StoreCode::Locked, directory + " is in use by another dozed"});
  if (opened != SQLITE_OK) return fail(inside->error(StoreCode::CannotOpen));

  sqlite3_busy_timeout(inside->db, kBusyTimeoutMs);
  sqlite3_extended_result_codes(inside->db, 1);
  if (!inside->run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cell_size_check=ON;"))
    return fail(inside->error(StoreCode::CannotOpen));
  {
    Statement version(inside->db, "PRAGMA user_version");
    if (!version || version.step() != SQLITE_ROW) return fail(inside->error(StoreCode::Corrupt));
    auto format = version.integer(0);
    if (format > kFormat)
      return fail(StoreError{StoreCode::NewerFormat, path + " has format " + std::to_string(format) +
                                                         ", expected at most " + std::to_string(kFormat) +
                                                         ": use a newer dozed"});
  }
  if (!inside->run(kSchema) || !inside->run(("PRAGMA user_version=" + std::to_string(kFormat)).c_str()))
    return fail(inside->error(StoreCode::CannotWrite));
  {
    Statement known(inside->db, "SELECT fingerprint FROM identity");
    int found = known.step();
    if (found == SQLITE_ROW && !equal(known.blob(0), fingerprint))
      return fail(StoreError{StoreCode::WrongNode, path + " belongs to another seed"});
    if (found == SQLITE_DONE) {
      if (!make) return fail(StoreError{StoreCode::Lost, path + " is missing or empty"});
      Statement insert(inside->db, "INSERT INTO identity VALUES (?)");
      insert.bind(1, fingerprint);
      if (insert.run() != SQLITE_DONE) return fail(inside->error(StoreCode::CannotWrite));
    }
  }
  inside->begin = Statement(inside->db, "BEGIN IMMEDIATE");
  inside->commit = Statement(inside->db, "COMMIT");
  inside->put = Statement(inside->db, "INSERT OR REPLACE INTO records VALUES (?, ?, ?)");
  inside->erase = Statement(inside->db, "DELETE FROM records WHERE tab = ? AND key = ?");
  inside->read = Statement(inside->db, "SELECT value FROM records WHERE tab = ? AND key = ?");
  const std::string between = "SELECT key, value FROM records WHERE tab = ? AND key >= ? AND key < ? ORDER BY key ";
  inside->first = Statement(inside->db, (between + "LIMIT ?").c_str());
  inside->last = Statement(inside->db, (between + "DESC LIMIT ?").c_str());
  if (!inside->begin || !inside->commit || !inside->put || !inside->erase || !inside->read || !inside->first ||
      !inside->last)
    return fail(inside->error(StoreCode::CannotOpen));
  return Store(std::move(inside));
}

Result<std::vector<Row>, StoreError> Store::rows() const {
  Statement select(inside_->db, "SELECT tab, key, value FROM records ORDER BY tab, key");
  std::vector<Row> out;
  for (;;) {
    int code = select ? select.step() : SQLITE_ERROR;
    if (code == SQLITE_DONE) return out;
    if (code != SQLITE_ROW) return fail(inside_->error(StoreCode::Corrupt));
    out.push_back(Row{static_cast<Table>(select.integer(0)), select.blob(1), select.blob(2)});
  }
}

Result<std::vector<Row>, StoreError> Store::rows(Table table) const {
  Statement select(inside_->db, "SELECT key, value FROM records WHERE tab = ? ORDER BY key");
  select.bind(1, static_cast<std::int64_t>(table));
  std::vector<Row> out;
  for (;;) {
    int code = select ? select.step() : SQLITE_ERROR;
    if (code == SQLITE_DONE) return out;
    if (code != SQLITE_ROW) return fail(inside_->error(StoreCode::Corrupt));
    out.push_back(Row{table, select.blob(0), select.blob(1)});
  }
}

Result<std::vector<Row>, StoreError> Store::range(Table table, ByteView from, ByteView to, bool newest,
                                                  std::uint32_t most) const {
  auto& select = newest ? inside_->last : inside_->first;
  select.bind(1, static_cast<std::int64_t>(table));
  select.bind(2, from);
  select.bind(3, to);
  select.bind(4, static_cast<std::int64_t>(most));
  std::vector<Row> out;
  int code = select.step();
  for (; code == SQLITE_ROW; code = select.step()) out.push_back(Row{table, select.blob(0), select.blob(1)});
  select.reset();
  if (code != SQLITE_DONE) return fail(inside_->error(StoreCode::Corrupt));
  return out;
}

Result<std::vector<Row>, StoreError> Store::read(Table table, const std::vector<Bytes>& keys) const {
  std::vector<Row> out;
  for (const auto& key : keys) {
    inside_->read.bind(1, static_cast<std::int64_t>(table));
    inside_->read.bind(2, key);
    int code = inside_->read.step();
    if (code == SQLITE_ROW) out.push_back(Row{table, key, inside_->read.blob(0)});
    inside_->read.reset();
    if (code != SQLITE_ROW && code != SQLITE_DONE) return fail(inside_->error(StoreCode::Corrupt));
  }
  return out;
}

Status<StoreError> Store::commit(const Batch& batch) {
  if (inside_->failed) return fail(StoreError{StoreCode::CannotWrite, "an earlier commit failed"});
  bool good = inside_->begin.run() == SQLITE_DONE;
  for (const auto& record : batch) {
    if (!good) break;
    if (const auto* put = std::get_if<Put>(&record)) {
      inside_->put.bind(1, static_cast<std::int64_t>(put->table));
      inside_->put.bind(2, put->key);
      inside_->put.bind(3, put->value);
      good = inside_->put.run() == SQLITE_DONE;
    } else {
      const auto& erase = std::get<Erase>(record);
      inside_->erase.bind(1, static_cast<std::int64_t>(erase.table));
      inside_->erase.bind(2, erase.key);
      good = inside_->erase.run() == SQLITE_DONE;
    }
  }
  good = good && inside_->commit.run() == SQLITE_DONE;
  if (!good) {
    inside_->failed = true;
    auto error = inside_->error(StoreCode::CannotWrite);
    static_cast<void>(inside_->run("ROLLBACK"));
    return fail(std::move(error));
  }
  ++inside_->commits;
  return Done{};
}

std::uint64_t Store::commits() const {
  return inside_->commits;
}

}  // namespace doze::store
