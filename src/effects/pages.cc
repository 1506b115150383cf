#include "effects/pages.h"

#include <algorithm>
#include <charconv>

namespace doze {

std::string text_of(const Place& place) {
  return std::to_string(place.time.value()) + "-" + to_hex(Writer().u8(place.kind).bytes(place.key).take());
}

std::optional<Place> read_place(const std::string& text) {
  auto dash = text.find('-');
  if (dash == std::string::npos) return std::nullopt;
  std::uint64_t time = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + dash, time);
  auto key = from_hex(std::string_view(text).substr(dash + 1));
  if (error != std::errc() || end != text.data() + dash || !key || key->empty()) return std::nullopt;
  return Place{UnixTime(time), key->front(), Bytes(key->begin() + 1, key->end())};
}

bool is_page(const command::Page& page) {
  return page.limit != 0 && page.limit <= command::kMaxPageRows && (!page.before || read_place(*page.before));
}

std::variant<Value, CommandError> page_of(const char* name, const command::Page& page, const PageSources& sources,
                                          const std::function<void(Value&)>& more) {
  if (page.limit == 0 || page.limit > command::kMaxPageRows)
    return CommandError{
        CommandErrorCode::BadRequest, "limit: expected 1 to " + std::to_string(command::kMaxPageRows), {}};
  auto before = page.before ? read_place(*page.before) : std::nullopt;
  auto from = page.before && !before ? std::vector<PageSource>{{}} : sources(before);
  if (std::any_of(from.begin(), from.end(), [](const auto& source) { return !source.next; }))
    return CommandError{
        CommandErrorCode::BadRequest, "before: expected the next_before of a page of the same list", {}};
  List list;
  std::optional<Place> last;
  for (;;) {
    const PageSource* newest = nullptr;
    std::optional<Place> place;
    for (const auto& source : from)
      if (auto next = source.next(); next && (!place || *next > *place)) place = next, newest = &source;
    if (newest == nullptr) last.reset();
    if (newest == nullptr || list.size() == page.limit) break;
    list.push_back(newest->take());
    last = place;
  }
  Value out;
  out.set(name, std::move(list));
  if (more) more(out);
  if (last) out.set("next_before", text_of(*last));
  return out;
}

}  // namespace doze
