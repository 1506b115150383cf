// What people see: narrow lists are tables, wide ones blocks, and nothing that could be copied is cut.
#include "cli/tables.h"

#include <gtest/gtest.h>

namespace doze::cli {
namespace {

std::string shown(const char* text, std::size_t columns = kDefaultColumns) {
  return to_text(boost::json::parse(text), columns);
}

TEST(Tables, narrow_list_is_a_table_without_blanks_at_line_ends) {
  EXPECT_EQ(shown(R"({"holds":[{"htlc_id":1,"state":"held"},{"htlc_id":12,"state":"released"}]})"),
            "htlc_id  state\n1        held\n12       released\n");
}

TEST(Tables, row_wider_than_the_terminal_is_a_block_of_lines) {
  EXPECT_EQ(shown(R"({"a":[{"id":"0123456789","note":"x"},{"id":"9876543210","note":"y"}]})", 12),
            "id    0123456789\nnote  x\n\nid    9876543210\nnote  y\n");
}

TEST(Tables, text_of_strangers_cannot_move_the_cursor) {
  for (const auto* text : {"a\x1b[2Jb", "a\nb",
                           "a\xc2\x9b"
                           "b",
                           "a\xe2\x80\xae"
                           "b"}) {
    boost::json::object row{{"note", text}};
    auto told = to_text(boost::json::object{{"description", text}, {"rows", boost::json::array{row}}});
    EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 4) << told;
    EXPECT_EQ(told.find(text), std::string::npos) << told;
    EXPECT_NE(told.find("a\\x"), std::string::npos) << told;
  }
}

TEST(Tables, ids_are_whole) {
  std::string id(64, 'a');
  EXPECT_NE(shown(("{\"a\":[{\"id\":\"" + id + "\"}]}").c_str()).find(id), std::string::npos);
}

TEST(Tables, object_is_lines_and_its_lists_come_behind_them) {
  EXPECT_EQ(shown(R"({"list":[],"chain":{"connected":true,"synced":false},"peers":["a","b"],"none":null})"),
            "chain  connected yes, synced no\nnone   -\nlist:\n  (none)\npeers:\n  a\n  b\n");
}

TEST(Tables, letters_of_any_language_count_as_one_column) {
  EXPECT_EQ(shown(R"({"a":[{"x":"äöü","y":1},{"x":"abcd","y":2}]})"), "x     y\näöü   1\nabcd  2\n");
}

TEST(Tables, short_shape_is_one_line_an_entry_with_short_ids_and_the_telling_columns_first) {
  std::string a(64, 'a'), b(64, 'b');
  auto list = "{\"payments\":[{\"payment_id\":\"" + a + "\",\"offer\":\"lno1" + std::string(200, 'q') +
              "\",\"state\":\"settled\"},{\"payment_id\":\"" + b + "\",\"offer\":\"-\",\"state\":\"held\"}]}";
  EXPECT_EQ(to_text(boost::json::parse(list), 80, Shape::Short),
            "state    payment_id  offer\nsettled  aaaaaaaa…   lno1qqqqqqqqqqqqqqqqqqq…\nheld     bbbbbbbb…   -\n");
  // What does not fit is left out, the telling ones last.
  EXPECT_EQ(to_text(boost::json::parse(list), 20, Shape::Short),
            "state    payment_id\nsettled  aaaaaaaa…\nheld     bbbbbbbb…\n");
  // Where everything fits, nothing is cut.
  EXPECT_NE(to_text(boost::json::parse(list), 1'000, Shape::Short).find(a), std::string::npos);
}

}  // namespace
}  // namespace doze::cli
