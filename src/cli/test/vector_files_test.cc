// The files in vectors/async are what `doze vectors write` writes, and run as they stand there.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "api/json.h"
#include "cli/tree.h"
#include "toolbox/vectors.h"

namespace doze::cli {
namespace {

const std::filesystem::path kFolder = DOZE_VECTORS "/async";

std::string contents(const std::filesystem::path& place) {
  std::ifstream in(place, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(VectorFiles, are_what_the_generator_writes) {
  std::set<std::string> written;
  for (const auto& file : toolbox::vector_files()) {
    EXPECT_TRUE(contents(kFolder / file.name) == pretty(api::to_json(file.content)))
        << file.name << " differs: doze vectors write vectors/async, and see what changed";
    written.insert(file.name);
  }
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    auto name = entry.path().filename().string();
    if (!name.ends_with(".json")) continue;
    if (name.starts_with("conversation") || name.starts_with("written-by-ldk-")) continue;  // recorded; LDK's
    EXPECT_TRUE(written.contains(name)) << name << ": a file that nobody writes";
  }
}

TEST(VectorFiles, run_as_they_stand) {
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".json") continue;
    auto results = toolbox::run_vectors(value_of(boost::json::parse(contents(entry.path()))));
    ASSERT_TRUE(results.has_value()) << entry.path() << ": " << results.error();
    for (const auto& result : *results) EXPECT_TRUE(result.passed) << entry.path() << result.name << result.why;
  }
}

TEST(VectorFiles, the_root_of_the_foreign_static_invoice_is_the_one_that_ldk_computed) {
  auto ours = boost::json::parse(contents(kFolder / "written-by-ldk.json"));
  auto theirs = boost::json::parse(contents(DOZE_VECTORS "/bolt12/ldk-objects.json"));
  std::size_t found = 0;
  for (const auto& one : ours.at("cases").as_array()) {
    if (one.at("name") != "static_invoice") continue;
    EXPECT_EQ(one.at("input"), theirs.at("static_invoice").at("hex"));
    EXPECT_EQ(one.at("expect").at("merkle_root"), theirs.at("static_invoice").at("merkle_root"));
    ++found;
  }
  EXPECT_EQ(found, 1u);
}

}  // namespace
}  // namespace doze::cli
