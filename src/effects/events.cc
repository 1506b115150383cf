#include "effects/events.h"

#include <set>
#include <string>

#include "effects/io.h"

namespace doze {

namespace {
bool fits(EventFieldKind kind, const Value& value) {
  switch (kind) {
    case EventFieldKind::Text:
      return std::holds_alternative<std::string>(value.inner());
    case EventFieldKind::Number:
      return std::holds_alternative<std::uint64_t>(value.inner());
    case EventFieldKind::Flag:
      return std::holds_alternative<bool>(value.inner());
  }
  return false;
}
}  // namespace

std::string mistakes_in(const Notify& notify) {
  std::set<std::string> allowed, missing;
  each_field(notify.event.row().fields, [&](std::string_view name, bool optional) {
    allowed.emplace(name);
    if (!optional) missing.emplace(name);
  });
  std::string out;
  for (const auto& [name, value] : notify.facts) {
    if (!allowed.contains(name))
      out += " '" + name + "' is not in its row;";
    else if (!fits(kEventFields[event_field_at(name)].kind, value))
      out += " '" + name + "' is of another kind;";
    missing.erase(name);
  }
  for (const auto& name : missing) out += " '" + name + "' is missing;";
  return out.empty() ? "" : std::string(notify.event.name()) + ":" + out;
}

}  // namespace doze
