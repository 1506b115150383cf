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

}  // namespace
}  // namespace doze::cli
