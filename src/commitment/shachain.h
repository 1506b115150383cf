// Per-commitment secrets: made from a seed, kept in 49 places. BOLT 3, "Per-commitment Secret Requirements" and
// "Efficient Per-commitment Secret Storage".
#pragma once

#include <array>
#include <optional>

#include "base/ids.h"
#include "base/parse_error.h"
#include "base/result.h"

namespace doze::commitment {

/// The index of the first commitment; each later one is lower by one.
inline constexpr std::uint64_t kFirstIndex = 0xffff'ffff'ffffULL;

/// `index`: 48 bits, counting down from kFirstIndex.
[[nodiscard]] Secret secret_from_seed(const Secret& seed, std::uint64_t index);

/// The peer's revealed secrets, in order of arrival (index counting down).
class SecretStore {
 public:
  /// False if the secret does not fit those known: the peer cheats or errs. Indexes must come in order.
  [[nodiscard]] bool insert(std::uint64_t index, const Secret& secret);
  /// The secret of this index, if it or a parent of it is known.
  [[nodiscard]] std::optional<Secret> find(std::uint64_t index) const;
  /// For a durable record: a count byte and 40 bytes for each known place.
  [[nodiscard]] Bytes serialize() const;
  [[nodiscard]] static std::optional<SecretStore> parse(ByteView bytes);

 private:
  struct Known {
    std::uint64_t index = 0;
    Secret secret;
  };
  std::array<std::optional<Known>, 49> known_;
};

}  // namespace doze::commitment
