// Reads and writes secrets without stdio and iostreams, whose buffers are never wiped.
#pragma once

#include "base/secret_string.h"

namespace doze::cli {

/// One line without its end, byte by byte, so that nothing behind it is taken. What does not fit into a SecretString is
/// cut off: no seed words are as long.
[[nodiscard]] SecretString read_secret_line(int file);
/// False: it could not be written whole.
[[nodiscard]] bool write_secret(int file, std::string_view text);

}  // namespace doze::cli
