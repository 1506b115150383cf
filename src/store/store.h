// Durable records in SQLite: WAL, synchronous=FULL, one writer, one transaction per batch.
//
// One table of (table, key, value). A value's own version is its room's business; the file's format number is ours: a
// newer one is refused, an older one migrated. A lock file keeps a second process out. Files are 0600, made under umask
// 077.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "effects/records.h"

namespace doze::store {

/// The format that this program writes. Raise it with a migration, never without.
/// 2: what is over has tables of its own (Table::EndedForward, EndedPayment). The node moves the rows at its first
/// start; an older program would not see that an invoice is paid.
inline constexpr int kFormat = 2;

enum class StoreCode : std::uint8_t {
  CannotOpen,   // no such folder, no rights, not a database
  Locked,       // another process uses it
  NewerFormat,  // written by a newer program
  WrongNode,    // the seed differs from the one that the file was made with
  Lost,         // a required file is missing or empty
  Corrupt,      // SQLite says that pages are damaged
  CannotWrite,  // disk full or failing: stop, do not retry as if the data were safe
};
struct StoreError {
  StoreCode code;
  std::string message;
};
[[nodiscard]] const char* name(StoreCode code);

/// How long opening waits for a process that is about to end: its successor may be started right after `doze stop`.
inline constexpr int kLockWaitMs = 3'000;
/// Waits up to this long until no process uses DIRECTORY; false if one still does.
[[nodiscard]] bool wait_until_free(const std::string& directory, int timeout_ms);

class Store {
 public:
  /// Opens or makes (only if `make`) DIRECTORY/doze.sqlite, takes DIRECTORY/lock within kLockWaitMs. `fingerprint` (a
  /// hash of the node id) is written at the first opening and compared at every later one.
  [[nodiscard]] static Result<Store, StoreError> open(const std::string& directory, ByteView fingerprint, bool make);
  ~Store();
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;

  /// Every row, grouped by table in key order.
  [[nodiscard]] Result<std::vector<Row>, StoreError> rows() const;
  /// The rows of one table, in key order.
  [[nodiscard]] Result<std::vector<Row>, StoreError> rows(Table table) const;
  /// The ones of these rows that exist, in the order of the keys.
  [[nodiscard]] Result<std::vector<Row>, StoreError> read(Table table, const std::vector<Bytes>& keys) const;
  /// What ReadRange asks for (effects/io.h).
  [[nodiscard]] Result<std::vector<Row>, StoreError> range(Table table, ByteView from, ByteView to, bool newest,
                                                           std::uint32_t most) const;
  /// All or nothing, and on the disk when it returns. After a failure the store refuses every further commit.
  [[nodiscard]] Status<StoreError> commit(const Batch& batch);
  [[nodiscard]] std::uint64_t commits() const;

 private:
  struct Inside;
  explicit Store(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace doze::store
