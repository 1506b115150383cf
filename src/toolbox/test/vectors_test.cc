// The published vectors: enough of them, all of them run, and a wrong one is noticed.
#include "toolbox/vectors.h"

#include <gtest/gtest.h>

#include <set>

#include "samples.h"

namespace doze::toolbox {
namespace {

using namespace testing;

const std::vector<VectorFile>& files() {
  static const auto kFiles = vector_files();
  return kFiles;
}
const List& cases_of(const VectorFile& file) {
  return std::get<List>(file.content.find("cases")->inner());
}
/// A field of a copy, replaced.
Value with(const Value& one, const std::string& field, Value value) {
  Value out = Fields{};
  for (const auto& [name, old] : std::get<Fields>(one.inner())) out.set(name, name == field ? value : old);
  return out;
}

TEST(Vectors, all_pass_and_are_enough) {
  std::size_t all = 0, invalid = 0;
  for (const auto& file : files()) {
    auto results = run_vectors(file.content);
    ASSERT_TRUE(results.has_value()) << results.error();
    for (const auto& result : *results) {
      EXPECT_TRUE(result.passed) << file.name << ": " << result.name << ": " << result.why;
      ++all;
      invalid += result.valid ? 0 : 1;
    }
  }
  EXPECT_GE(all, 160u);
  EXPECT_GE(invalid, 100u);
}

TEST(Vectors, names_are_unique_in_a_file_and_invalid_ones_have_a_reason) {
  for (const auto& file : files()) {
    std::set<std::string> names;
    for (const auto& one : cases_of(file)) {
      EXPECT_TRUE(names.insert(text(one, "name")).second) << file.name << ": " << text(one, "name");
      if (one.find("reason") != nullptr) {
        EXPECT_FALSE(text(one, "reason").empty());
        EXPECT_FALSE(text(one, "error").empty()) << text(one, "name");
      }
    }
  }
}

TEST(Vectors, inputs_of_a_file_are_different_cases) {
  for (const auto& file : files()) {
    std::set<std::string> seen;
    for (const auto& one : cases_of(file)) {
      auto key = text(one, "kind") + text(one, "input") + text(one, "tlv_type") + text(one, "time") +
                 text(one, "associated_data") +
                 std::to_string(one.find("last") != nullptr && std::get<bool>(one.find("last")->inner())) +
                 std::to_string(one.find("through_path_key") != nullptr &&
                                std::get<bool>(one.find("through_path_key")->inner()));
      if (text(one, "name") == "key_of_another_node") continue;  // the same message, another key
      EXPECT_TRUE(seen.insert(key).second) << file.name << ": " << text(one, "name");
    }
  }
}

TEST(Vectors, what_is_called_valid_and_is_not_fails) {
  for (const auto& file : files())
    for (const auto& one : cases_of(file)) {
      bool valid = std::get<bool>(one.find("valid")->inner());
      EXPECT_FALSE(run_case(with(one, "valid", !valid)).passed) << text(one, "name");
    }
}

TEST(Vectors, another_expectation_fails) {
  std::size_t tried = 0;
  for (const auto& file : files())
    for (const auto& one : cases_of(file)) {
      if (one.find("expect") == nullptr) continue;
      auto changed =
          with(one, "expect", Value().set("type", "something else").set("message", "no").set("passed", false));
      EXPECT_FALSE(run_case(changed).passed) << text(one, "name");
      ++tried;
    }
  EXPECT_GE(tried, 50u);
}

TEST(Vectors, another_reason_fails) {
  const auto& one = cases_of(files()[0]);
  for (const auto& each : one)
    if (each.find("error") != nullptr) {
      EXPECT_FALSE(run_case(with(each, "error", "no such rule")).passed);
    }
}

TEST(Vectors, what_is_built_differently_fails) {
  std::size_t tried = 0;
  for (const auto& file : files())
    for (const auto& one : cases_of(file))
      if (const auto* build = one.find("build")) {
        auto kind = text(one, "kind");
        auto field = kind == "onion_message" ? "onion_key" : kind == "payment_onion" ? "session_key" : "created_at";
        EXPECT_FALSE(run_case(with(one, "build", with(*build, field, std::uint64_t{1}))).passed) << text(one, "name");
        ++tried;
      }
  EXPECT_GE(tried, 20u);
}

TEST(Vectors, other_files_are_refused_with_a_reason) {
  EXPECT_FALSE(run_vectors(Value()).has_value());
  EXPECT_FALSE(run_vectors(Value().set("schema", kVectorSchema)).has_value());
  auto result = run_case(Value().set("name", "x").set("kind", "offer").set("valid", true).set("input", "zz"));
  EXPECT_FALSE(result.passed);
  EXPECT_FALSE(result.why.empty());
}

TEST(Vectors, a_case_whose_members_have_other_types_fails) {
  auto good = Value().set("name", "x").set("kind", "offer").set("valid", false).set("input", "00").set("error", "");
  EXPECT_TRUE(run_case(good).passed) << run_case(good).why;
  for (const char* member : {"valid", "input", "error"})
    for (const auto& other : {Value(), Value(std::uint64_t{5}), Value(List{})})
      EXPECT_FALSE(run_case(with(good, member, other)).passed) << member;
  for (const char* member : {"reason", "offer", "associated_data", "path_key"})
    EXPECT_FALSE(run_case(Value(good).set(member, std::uint64_t{5})).passed) << member;
  for (const char* member : {"time", "tlv_type", "layers", "last", "through_path_key"})
    for (const auto& other : {Value(), Value("5"), Value(Fields{})})
      EXPECT_FALSE(run_case(Value(good).set(member, other)).passed) << member;
}

}  // namespace
}  // namespace doze::toolbox
