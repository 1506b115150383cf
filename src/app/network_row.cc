#include "app/network_row.h"

namespace doze::app {

namespace {
constexpr std::uint8_t kNetworkVersion = 1;
constexpr std::string_view kNetworkKey = "network";
}  // namespace

Result<std::optional<Put>, std::string> check_network(std::span<const Row> rows, wire::Network network) {
  std::string name = wire::name(network);
  for (const auto& row : rows) {
    if (row.table != Table::Meta || !equal(row.key, bytes_of(kNetworkKey))) continue;
    std::string before(row.value.begin() + (row.value.empty() ? 0 : 1), row.value.end());
    if (before == name) return std::optional<Put>{};
    return fail("doze.toml says network = \"" + name + "\", but this node's database was created for " +
                escape_untrusted(before) + ": change it back, or create another node with doze init --network " + name);
  }
  return std::optional(
      Put{Table::Meta, to_bytes(bytes_of(kNetworkKey)), Writer().u8(kNetworkVersion).bytes(bytes_of(name)).take()});
}

}  // namespace doze::app
