// Flags of the commands that build things, and keys by name. The same seed and the same flags give the same bytes.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "toolbox/problem.h"
#include "wire/blinded_path.h"
#include "wire/chains.h"
#include "wire/numbers.h"

namespace doze::toolbox {

using Flags = std::map<std::string, std::variant<bool, std::uint64_t, std::string>>;
template <class T>
using Made = Result<T, Problem>;

[[nodiscard]] bool is_set(const Flags& flags, const std::string& name);
[[nodiscard]] std::string text_of(const Flags& flags, const std::string& name);  // "" if absent
[[nodiscard]] std::optional<std::uint64_t> number_of(const Flags& flags, const std::string& name);
[[nodiscard]] std::vector<std::string> list_of(const Flags& flags, const std::string& name);  // between commas

/// HMAC-SHA256(seed, what), for everything that would be chance elsewhere. The seed is the flag "seed", else "doze".
[[nodiscard]] Hash32 derived(const Flags& flags, const std::string& what);
/// 64 hex digits, or a name, whose key is derived from the seed.
[[nodiscard]] Made<PrivateKey> key_of(const Flags& flags, const std::string& text);
/// 66 hex digits, or a name.
[[nodiscard]] Made<PublicKey> point_of(const Flags& flags, const std::string& text);
[[nodiscard]] Made<Bytes> hex_of(const Flags& flags, const std::string& name);
/// Blinded paths in hex, each of which may be several.
[[nodiscard]] Made<std::vector<wire::BlindedPath>> paths_of(const Flags& flags, const std::string& name);
[[nodiscard]] Made<Profile> profile_of(const Flags& flags);
/// "600x2x1"
[[nodiscard]] std::optional<ShortChannelId> parse_scid(std::string_view text);

/// A flag is wrong: "--chain: …".
[[nodiscard]] Problem bad_flag(const std::string& name, const std::string& why);

/// The first of `names` that is set although `needed` is not, and would therefore have no effect.
[[nodiscard]] std::optional<Problem> without(const Flags& flags, const std::string& needed,
                                             std::initializer_list<const char*> names);

/// Names and their keys.
[[nodiscard]] Made<Value> keys(const Flags& flags);

}  // namespace doze::toolbox
