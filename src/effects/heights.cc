#include "effects/heights.h"

namespace doze {

namespace {
constexpr std::uint64_t kBlockSeconds = 600;
}

UnixTime time_of_height(const Context& context, BlockHeight height) {
  std::uint64_t blocks = height > context.tip ? height.value() - context.tip.value() : 0;
  return after_s(context.wall, blocks * kBlockSeconds);
}

void add_deadline(Value& out, const char* what, BlockHeight height, const Context& context) {
  out.set(std::string(what) + "_height", height.value());
  out.set(std::string(what) + "_blocks",
          height > context.tip ? height.value() - context.tip.value() : std::uint32_t{0});
  out.set(std::string(what) + "_time", time_text(time_of_height(context, height)));
}

}  // namespace doze
