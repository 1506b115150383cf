// Reading lists in pages.
#pragma once

#include "fake_node.h"

namespace doze::payment::testing {

struct Listed {
  List rows;
  std::optional<std::string> next_before;
};
inline Listed listed(FakeNode& node, const command::Command& command, const char* name) {
  auto reply = of<Reply>(node.command(command)).at(0);
  const auto* value = std::get_if<Value>(&reply.result);
  if (value == nullptr) return {};
  Listed out{std::get<List>(value->find(name)->inner()), std::nullopt};
  if (value->find("next_before") != nullptr) out.next_before = text_of(*value, "next_before");
  return out;
}
/// All rows of a list, a page after the other.
template <class Command>
std::vector<Value> paged(FakeNode& node, const char* name, std::uint32_t limit) {
  std::vector<Value> out;
  command::Page page{limit, std::nullopt};
  for (int pages = 0; pages < 1'000; ++pages) {
    auto next = listed(node, Command{page}, name);
    EXPECT_LE(next.rows.size(), limit);
    EXPECT_TRUE(!next.next_before || next.rows.size() == limit);
    out.insert(out.end(), next.rows.begin(), next.rows.end());
    if (!next.next_before) return out;
    page.before = next.next_before;
  }
  ADD_FAILURE() << "there is no end";
  return out;
}

}  // namespace doze::payment::testing
