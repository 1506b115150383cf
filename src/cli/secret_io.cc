#include "cli/secret_io.h"

#include <unistd.h>

namespace doze::cli {

SecretString read_secret_line(int file) {
  SecretString out;
  char c = 0;
  while (::read(file, &c, 1) == 1 && c != '\n')
    if (!out.append({&c, 1})) break;
  explicit_bzero(&c, 1);
  return out;
}

bool write_secret(int file, std::string_view text) {
  while (!text.empty()) {
    auto wrote = ::write(file, text.data(), text.size());
    if (wrote <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

}  // namespace doze::cli
