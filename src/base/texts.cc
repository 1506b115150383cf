#include "base/texts.h"

namespace doze {

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string scid_text(ShortChannelId scid) {
  return std::to_string(scid.block()) + "x" + std::to_string(scid.tx()) + "x" + std::to_string(scid.output());
}

}  // namespace doze
