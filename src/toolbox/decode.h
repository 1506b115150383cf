// `doze decode`: anything of Lightning that somebody pastes, read, named and shown, or what is wrong with it and where.
#pragma once

#include <string_view>
#include <vector>

#include "toolbox/problem.h"

namespace doze::toolbox {

/// Longest text that is looked at: the hex of the largest transaction that a block can hold, with line breaks.
inline constexpr std::size_t kMaxPastedBytes = 8'500'000;

/// What `as` can be.
[[nodiscard]] const std::vector<std::string>& kinds();

/// `as`: one of kinds(); empty: guess. The value has "type", the fields, and "notes" about what was taken away.
[[nodiscard]] Result<Value, Problem> decode(std::string_view pasted, std::string_view as = {});
/// The same for bytes whose kind is known: one of kinds().
[[nodiscard]] Result<Value, Problem> decode_bytes(ByteView bytes, std::string_view as);

}  // namespace doze::toolbox
