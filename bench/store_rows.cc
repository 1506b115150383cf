// Durable batches, and lookups in what is kept in memory, against bare SQLite.
#include <sqlite3.h>

#include <filesystem>

#include "bench.h"
#include "invoicing/records.h"
#include "store/store.h"

namespace bench {

namespace {

/// Bare SQLite with the store's pragmas and table.
class Sqlite {
 public:
  explicit Sqlite(const std::string& path) {
    must(sqlite3_open(path.c_str(), &db_) == SQLITE_OK, "SQLite does not open");
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "CREATE TABLE records (tab INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (tab, key))"
        " WITHOUT ROWID;");
    prepare("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", &put_);
    prepare("SELECT value FROM records WHERE tab = ? AND key = ?", &get_);
    prepare("BEGIN IMMEDIATE", &begin_);
    prepare("COMMIT", &commit_);
  }
  ~Sqlite() {
    for (auto* statement : {put_, get_, begin_, commit_}) sqlite3_finalize(statement);
    sqlite3_close(db_);
  }
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;
  void run(const char* sql) { must(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK, "SQLite"); }
  void begin() { step(begin_, SQLITE_DONE); }
  void commit() { step(commit_, SQLITE_DONE); }
  void put(std::int64_t table, ByteView key, ByteView value) {
    bind(put_, table, key);
    sqlite3_bind_blob64(put_, 3, value.data(), value.size(), SQLITE_STATIC);
    step(put_, SQLITE_DONE);
  }
  Bytes get(std::int64_t table, ByteView key) {
    bind(get_, table, key);
    must(sqlite3_step(get_) == SQLITE_ROW, "no such row");
    const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(get_, 0));
    Bytes out(data, data + sqlite3_column_bytes(get_, 0));
    sqlite3_reset(get_);
    return out;
  }

 private:
  void prepare(const char* sql, sqlite3_stmt** out) {
    must(sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, out, nullptr) == SQLITE_OK, sql);
  }
  static void bind(sqlite3_stmt* statement, std::int64_t table, ByteView key) {
    sqlite3_bind_int64(statement, 1, table);
    sqlite3_bind_blob64(statement, 2, key.data(), key.size(), SQLITE_STATIC);
  }
  static void step(sqlite3_stmt* statement, int expected) {
    must(sqlite3_step(statement) == expected, "a statement failed");
    sqlite3_reset(statement);
  }
  sqlite3* db_ = nullptr;
  sqlite3_stmt *put_ = nullptr, *get_ = nullptr, *begin_ = nullptr, *commit_ = nullptr;
};

std::string empty_folder(const Options& options, const std::string& name) {
  auto path = std::filesystem::path(options.folder) / name;
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path.string();
}

Row journal_row(std::size_t count) {
  return {"journal_append_" + std::to_string(count), 1.15,
          [=](const Options& options) {
            struct State {
              Sqlite bare;
              store::Store ours;
              Bytes value = Bytes(1'024, 7);
              std::uint64_t next_bare = 0, next_ours = 0;
            };
            auto name = "journal_" + std::to_string(count);
            auto opened = store::Store::open(empty_folder(options, name + "_ours"), Bytes(32, 1), true);
            must(opened.has_value(), "the store does not open");
            auto bare_path = empty_folder(options, name + "_bare") + "/bare.sqlite";
            auto state = std::shared_ptr<State>(new State{Sqlite(bare_path), *std::move(opened)});
            Sides out;
            out.operations = options.quick ? 2 : 32;
            out.floor = [=](std::size_t) {
              state->bare.begin();
              for (std::size_t i = 0; i < count; ++i)
                state->bare.put(11, Writer().u64(state->next_bare++).view(), state->value);
              state->bare.commit();
            };
            out.ours = [=](std::size_t) {
              Batch batch;
              for (std::size_t i = 0; i < count; ++i)
                batch.push_back(Put{Table::Mailbox, Writer().u64(state->next_ours++).take(), state->value});
              must(state->ours.commit(batch).has_value(), "a commit failed");
            };
            return out;
          },
          true};
}

/// A random recipient's static invoice: SQLite, its pages cached, against the map that the server keeps.
Row get_row(std::size_t recipients) {
  return {"store_get_" + std::to_string(recipients),
          0.2,
          [=](const Options& options) {
            struct State {
              Sqlite bare;
              invoicing::InvitationTable<invoicing::SlotKey, Bytes> served;
              SeededRng rng{17};
              std::vector<invoicing::SlotKey> asked{};
            };
            auto bare_path = empty_folder(options, "get_" + std::to_string(recipients)) + "/bare.sqlite";
            auto state = std::shared_ptr<State>(new State{Sqlite(bare_path), {}});
            state->bare.run("PRAGMA mmap_size=4294967296; PRAGMA cache_size=-65536;");
            Bytes invoice(1'450, 3);
            state->bare.begin();
            for (std::size_t i = 0; i < recipients; ++i) {
              invoicing::SlotKey key{};
              state->rng.fill(key.invitation);
              state->served.emplace(key, invoice);
            }
            std::vector<invoicing::SlotKey> keys;
            for (const auto& [key, value] : state->served) {
              keys.push_back(key);
              state->bare.put(15, invoicing::key_of(key), value);
            }
            state->bare.commit();
            Sides out;
            out.operations = options.quick ? 8 : 2'000;
            out.fresh = [=, count = out.operations] {
              state->asked.clear();
              for (std::size_t i = 0; i < count; ++i) state->asked.push_back(keys[state->rng.u64() % keys.size()]);
            };
            out.floor = [=](std::size_t i) {
              must(state->bare.get(15, invoicing::key_of(state->asked[i])).size() == 1'450, "another invoice");
            };
            out.ours = [=](std::size_t i) {
              auto found = state->served.find(state->asked[i]);
              must(found != state->served.end() && Bytes(found->second).size() == 1'450, "another invoice");
            };
            return out;
          },
          false,
          "store_get",
          recipients,
          Growth::Logarithmic};
}

}  // namespace

std::vector<Row> store_rows(const Options& options) {
  std::vector<Row> out{journal_row(1), journal_row(10), journal_row(100)};
  std::vector<std::size_t> sizes{options.quick ? 1'000U : 10'000U};
  for (auto size = sizes[0] * 10; !options.quick && size <= options.recipients; size *= 10) sizes.push_back(size);
  for (auto size : sizes) out.push_back(get_row(size));
  return out;
}

}  // namespace bench
