#include "fuzz.h"

#include <fstream>
#include <iterator>

#include "corpus.h"

namespace doze::fuzz {

std::vector<Target>& targets() {
  static std::vector<Target> all;
  return all;
}

std::vector<std::string> vector_strings(const std::string& file) {
  std::ifstream in(std::string(DOZE_VECTORS "/") + file);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  FUZZ_CHECK(!text.empty());
  std::vector<std::string> out;
  // Enough JSON for our vectors: their strings hold no escaped quotes that matter.
  for (std::size_t at = text.find('"'); at != std::string::npos; at = text.find('"', at)) {
    std::string one;
    for (++at; at < text.size() && text[at] != '"'; ++at) {
      if (text[at] == '\\' && at + 1 < text.size()) ++at;
      one.push_back(text[at]);
    }
    ++at;
    out.push_back(std::move(one));
  }
  return out;
}

Seeds vector_bytes(const std::string& file, std::size_t at_least) {
  Seeds out;
  for (const auto& text : vector_strings(file))
    if (auto bytes = from_hex(text); bytes && bytes->size() >= at_least) out.push_back(*std::move(bytes));
  return out;
}

Seeds texts(const std::vector<std::string>& texts) {
  Seeds out;
  for (const auto& text : texts) out.push_back(to_bytes(bytes_of(text)));
  return out;
}

Bytes with_prefix(std::initializer_list<std::uint8_t> prefix, ByteView rest) {
  Bytes out(prefix);
  append(out, rest);
  return out;
}

Seeds corpus(const std::string& target) {
  std::ifstream in(std::string(DOZE_CORPUS "/") + target + ".txt");
  Seeds out;
  for (std::string line; std::getline(in, line);) {
    auto name = line.rfind(": ");
    auto bytes = from_hex(name == std::string::npos ? line : line.substr(name + 2));
    FUZZ_CHECK(bytes.has_value());
    out.push_back(*std::move(bytes));
  }
  return out;
}

void add(Seeds& seeds, Seeds more) {
  for (auto& seed : more) seeds.push_back(std::move(seed));
}

}  // namespace doze::fuzz
