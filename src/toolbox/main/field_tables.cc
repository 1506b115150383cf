// Prints our field tables for scripts/check-fields.
#include "toolbox/field_tables.h"

#include <cstdio>

int main() {
  for (const auto& line : doze::toolbox::field_tables()) std::puts(line.c_str());
}
