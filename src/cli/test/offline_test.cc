// The commands as a user runs them: what they print, and exit codes that scripts can trust.
#include "cli/offline.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/bytes.h"
#include "cli/tree.h"

namespace doze::cli {
namespace {

struct Ran {
  int code = 0;
  std::string out, err;
};
Ran run(const std::vector<std::string>& words, bool as_json = false) {
  std::size_t used = 0;
  const auto* command = find_command(words, &used);
  EXPECT_NE(command, nullptr) << words[0];
  if (command == nullptr) return {};
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  Ran ran;
  ran.code = run_offline(*command, {words.begin() + static_cast<std::ptrdiff_t>(used), words.end()}, as_json);
  std::fflush(stdout);
  ran.out = ::testing::internal::GetCapturedStdout();
  ran.err = ::testing::internal::GetCapturedStderr();
  return ran;
}
std::string field(const Ran& ran, const char* name) {
  auto parsed = boost::json::parse(ran.out);
  return std::string(parsed.at(name).as_string());
}
std::vector<std::string>& leftovers() {
  static std::vector<std::string> all;
  return all;
}
std::string written(const std::string& name, const std::string& contents) {
  auto place = ::testing::TempDir() + std::to_string(::getpid()) + name;
  leftovers().push_back(place);
  std::ofstream(place, std::ios::binary) << contents;
  return place;
}

class Offline : public ::testing::Test {
 protected:
  void TearDown() override {
    for (const auto& place : leftovers()) std::filesystem::remove(place);
    leftovers().clear();
  }
  std::string offer =
      field(run({"create", "offer", "--key", "bob", "--chain", "regtest", "--amount", "5sat", "--description", "tea",
                 "--paths", field(run({"create", "blindedpath", "--nodes", "server"}, true), "hex")},
                true),
            "text");
  std::string invoice(const std::string& profile) {
    return field(run({"create", "staticinvoice", "--offer", offer, "--key", "bob", "--profile", profile, "--created-at",
                      "1750000000"},
                     true),
                 "hex");
  }
};

TEST_F(Offline, decode_prints_fields_and_ends_with_zero_only_if_valid) {
  auto good = run({"decode", offer});
  EXPECT_EQ(good.code, 0);
  EXPECT_NE(good.out.find("offer_amount_msat           5000 msat (5 sat)"), std::string::npos) << good.out;
  auto bad = run({"decode", offer.substr(0, 50)});
  EXPECT_EQ(bad.code, 1);
  EXPECT_TRUE(bad.out.empty());
  EXPECT_NE(bad.err.find("not a valid offer"), std::string::npos);
  auto bad_json = run({"decode", offer.substr(0, 52)}, true);
  EXPECT_EQ(bad_json.code, 1);
  EXPECT_NE(bad_json.out.find("\"byte\":"), std::string::npos) << bad_json.out;
}

TEST_F(Offline, decode_reads_files_of_text_and_of_bytes) {
  auto text = written("doze-offer.txt", offer + "\n");
  EXPECT_EQ(run({"decode", "@" + text}).code, 0);
  auto bytes = *from_hex(invoice("draft"));
  auto binary = written("doze-invoice.bin", std::string(bytes.begin(), bytes.end()));
  auto read = run({"decode", "@" + binary}, true);
  EXPECT_EQ(read.code, 0) << read.err;
  EXPECT_EQ(field(read, "profile"), "draft");
  EXPECT_EQ(run({"decode", "@" + text + ".not"}).code, 1);
  auto forgot = run({"decode", text});
  EXPECT_EQ(forgot.code, 1);
  EXPECT_NE(forgot.err.find("decode @" + text), std::string::npos);
}

TEST_F(Offline, input_of_more_than_16_mebibytes_is_refused) {
  auto fits = run({"decode", "@" + written(".fits", std::string(kMaxInputBytes, '\n'))});
  EXPECT_EQ(fits.err.find("16 MiB"), std::string::npos) << fits.err.substr(0, 200);
  auto more = run({"decode", "@" + written(".more", std::string(kMaxInputBytes + 1, '\n'))});
  EXPECT_NE(more.code, 0);
  EXPECT_NE(more.err.find("at most 16 MiB"), std::string::npos) << more.err.substr(0, 200);
}

TEST_F(Offline, decode_takes_the_words_of_an_unquoted_paste_together) {
  EXPECT_EQ(run({"decode", "please", "pay", offer, "soon"}).code, 0);
  EXPECT_EQ(run({"decode", "--as", "offer", offer}).code, 0);
  EXPECT_EQ(run({"decode", "--as", "invoice", offer}).code, 1);
  EXPECT_EQ(run({"decode", "--nonsense", offer}).code, 2);
  EXPECT_EQ(run({"decode"}).code, 2);
}

TEST_F(Offline, check_has_a_line_for_each_rule_and_an_exit_code) {
  for (std::string profile : {"ldk", "draft"}) {
    auto good = run({"check-static-invoice", "--offer", offer, "--invoice", invoice(profile), "--at", "1750000001"});
    EXPECT_EQ(good.code, 0) << good.out;
    EXPECT_EQ(good.out.find("FAILED"), std::string::npos);
    EXPECT_NE(good.out.find("(profile " + profile + ")"), std::string::npos);
    auto late = run({"check-static-invoice", "--offer", offer, "--invoice", invoice(profile), "--at", "1850000001"});
    EXPECT_EQ(late.code, 1);
    EXPECT_NE(late.out.find("FAILED  the invoice has not expired"), std::string::npos);
  }
  EXPECT_EQ(run({"check-static-invoice", "--offer", offer}).code, 2);
}

TEST_F(Offline, what_is_needed_is_named) {
  auto ran = run({"create", "staticinvoice", "--offer", offer, "--key", "bob"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(ran.err.find("--created-at is missing"), std::string::npos);
  EXPECT_EQ(run({"create", "offer", "--amount", "many"}).code, 2);
}

TEST_F(Offline, vectors_of_ours_and_of_the_bolts_run) {
  auto ours = run({"vectors", "run", DOZE_VECTORS "/async/written-by-ldk.json"});
  EXPECT_EQ(ours.code, 0) << ours.out;
  auto bolts =
      run({"vectors", "run", DOZE_VECTORS "/bolt12/offers-test.json", DOZE_VECTORS "/bolt12/format-string-test.json"});
  EXPECT_EQ(bolts.code, 0) << bolts.out;
  auto broken =
      written("doze-broken.json",
              R"({"schema":"doze-vectors-1","cases":[{"name":"x","kind":"offer","valid":true,"input":"00"}]})");
  auto bad = run({"vectors", "run", broken});
  EXPECT_EQ(bad.code, 1);
  EXPECT_NE(bad.out.find("FAILED"), std::string::npos);
  EXPECT_EQ(run({"vectors", "run", written("doze-none.json", "{}")}).code, 1);
  EXPECT_EQ(run({"vectors", "run", written("doze-no-json.json", "{")}).code, 1);
}

TEST_F(Offline, vectors_are_written_into_a_folder) {
  auto folder = ::testing::TempDir() + std::to_string(::getpid()) + "doze-vectors";
  EXPECT_EQ(run({"vectors", "write", folder}).code, 0);
  EXPECT_TRUE(std::filesystem::exists(folder + "/static-invoice-ldk.json"));
  std::filesystem::remove_all(folder);
}

TEST_F(Offline, man_pages_and_completions_are_printed) {
  EXPECT_NE(run({"man", "create-offer"}).out.find("doze\\-create\\-offer"), std::string::npos);
  EXPECT_NE(run({"man"}).out.find("check\\-static\\-invoice"), std::string::npos);
  EXPECT_EQ(run({"man", "create", "offer"}).out, run({"man", "create-offer"}).out);
  for (const char* page : {"nothing", "pay-nothing"}) EXPECT_EQ(run({"man", page}).code, 2);
  EXPECT_EQ(run({"man", "pay", "nothing"}).code, 2);
  EXPECT_EQ(run({"man", "pay"}).code, 0);
  EXPECT_EQ(run({"completion", "fish"}).code, 0);
  EXPECT_EQ(run({"completion", "tcsh"}).code, 2);
}

}  // namespace
}  // namespace doze::cli
