#include "io/connection.h"

#include <utility>

namespace doze::io {

void Output::add(const Bytes& bytes, bool of_channel) {
  append(next, bytes);
  if (!of_channel) plain_next += bytes.size();
}

bool Output::advance() {
  if (sent < now.size()) return true;
  now = std::exchange(next, {});
  sent = 0;
  plain_now = std::exchange(plain_next, 0);
  return !now.empty();
}

}  // namespace doze::io
