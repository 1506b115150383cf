// The list of events, and the page that shows it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "effects/io.h"

namespace doze {
namespace {

const char* name(EventFieldKind kind) {
  switch (kind) {
    case EventFieldKind::Text:
      return "text";
    case EventFieldKind::Number:
      return "number";
    case EventFieldKind::Flag:
      return "true or false";
  }
  return "";
}

std::string page() {
  std::ostringstream out;
  out << "# Events\n\n"
         "`dozed` writes one line per event to its log: time, level, name of the event, and a JSON object with the "
         "fields.\n"
         "The list is closed, and numbers and names keep their meaning. `GET /openapi.json` has a schema per event\n"
         "(`Event.NAME`). A field with `?` may be missing. This page is made from `src/effects/events.h`; a test "
         "compares\n"
         "them.\n\n"
         "| number | event | level | fields | meaning |\n| --- | --- | --- | --- | --- |\n";
  for (const auto& row : kEvents) {
    out << "| " << row.number << " | `" << row.name << "` | " << row.level << " | ";
    each_field(row.fields, [&, first = true](std::string_view field, bool optional) mutable {
      out << (first ? "" : ", ") << "`" << field << "`" << (optional ? "?" : "");
      first = false;
    });
    out << " | " << row.meaning << " |\n";
  }
  out << "\n## Fields\n\n| field | kind | meaning |\n| --- | --- | --- |\n";
  for (const auto& field : kEventFields)
    out << "| `" << field.name << "` | " << name(field.kind) << " | " << field.meaning << " |\n";
  return out.str();
}

TEST(Events, the_page_shows_the_list) {
  if (const char* path = std::getenv("DOZE_WRITE_EVENTS")) std::ofstream(path) << page();
  std::ifstream file(DOZE_VECTORS "/../doc/EVENTS.md");
  std::stringstream found;
  found << file.rdbuf();
  EXPECT_EQ(found.str(), page()) << "DOZE_WRITE_EVENTS=doc/EVENTS.md build/release/effects_test writes it";
}

TEST(Events, an_event_with_other_fields_than_its_row_is_a_mistake) {
  Notify good{Severity::Info, "channel_closed", {{"channel_id", "c"}, {"peer", "p"}, {"how", "h"}}};
  EXPECT_EQ(mistakes_in(good), "");
  auto more = good;
  more.facts.emplace_back("unclaimed_sat", std::uint64_t{5});  // one that may be missing
  EXPECT_EQ(mistakes_in(more), "");
  more.facts.emplace_back("htlc_id", std::uint64_t{5});
  EXPECT_EQ(mistakes_in(more), "channel_closed: 'htlc_id' is not in its row;");
  auto less = good;
  less.facts.pop_back();
  EXPECT_EQ(mistakes_in(less), "channel_closed: 'how' is missing;");
  auto other = good;
  other.facts.back().second = true;
  EXPECT_EQ(mistakes_in(other), "channel_closed: 'how' is of another kind;");
}

}  // namespace
}  // namespace doze
