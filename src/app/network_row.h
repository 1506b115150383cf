// Which network the node's database was made for: a changed doze.toml must not mix two chains in one folder.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "effects/records.h"
#include "wire/chains.h"

namespace doze::app {

/// The row to write if the database has none yet; an error if it was made for another network.
[[nodiscard]] Result<std::optional<Put>, std::string> check_network(std::span<const Row> rows, wire::Network network);

}  // namespace doze::app
