// What people paste: with QR prefixes, quotes, line breaks, invisible characters, inside of other text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/texts.h"

namespace doze::toolbox {

struct Pasted {
  std::string text;
  std::vector<std::string> notes;  // what was taken away, one sentence each
};
/// Takes away what is certainly not the object, `lightning:` among it. Links keep their form: see payment_link.h.
[[nodiscard]] Pasted clean(std::string_view pasted);
/// The first word of the text that begins like a Lightning object; empty if there is none.
[[nodiscard]] std::string word_inside(std::string_view text);

/// Without white space.
[[nodiscard]] std::string squeezed(std::string_view text);

}  // namespace doze::toolbox
