// Test vectors of async payments: written by `doze vectors write`, run by `doze vectors run`. The schema is explained
// in vectors/async/README.md.
#pragma once

#include <string>
#include <vector>

#include "effects/value.h"
#include "toolbox/problem.h"

namespace doze::toolbox {

inline constexpr const char* kVectorSchema = "doze-vectors-1";

struct VectorFile {
  std::string name;  // "static-invoice.json"
  Value content;
};
/// The same bytes every time.
[[nodiscard]] std::vector<VectorFile> vector_files();

struct CaseResult {
  std::string name;
  bool valid = false;  // what the case expects of its input
  bool passed = false;
  std::string why;  // if it did not pass
};
/// Every case of one file of the schema, or of BOLT 12's own lists of offers; a failure has the reason.
[[nodiscard]] Result<std::vector<CaseResult>, std::string> run_vectors(const Value& file);
[[nodiscard]] CaseResult run_case(const Value& one);

}  // namespace doze::toolbox
