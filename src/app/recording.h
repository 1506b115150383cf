// `dozed --record FILE`: each message to and from peers, as it is inside its frame. For developers and on regtest
// only: such a file contains preimages.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "effects/io.h"
#include "wire/chains.h"

namespace doze::app {

class Recording {
 public:
  /// Appends to the file and restricts it to its owner. Refused on every network but regtest.
  [[nodiscard]] static Result<Recording, std::string> open(const std::string& path, wire::Network network);
  /// One line of JSON: the time in microseconds since 1970, and the facts of a Notify "peer_message".
  [[nodiscard]] Status<std::string> write(std::uint64_t time_us, const Fields& facts);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  explicit Recording(std::FILE* file) : file_(file) {}
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace doze::app
