// A recorded payment has every message of the flow, and reads as the vectors' schema says.
#include "sim/conversation.h"

#include <gtest/gtest.h>

#include <set>

#include "toolbox/vectors.h"

namespace doze::sim {
namespace {

class Conversation : public ::testing::TestWithParam<Profile> {};

TEST_P(Conversation, is_complete_and_every_message_of_it_is_read) {
  auto file = record_conversation(GetParam());
  const auto* cases = file.find("cases");
  ASSERT_NE(cases, nullptr) << "the payment did not settle";
  auto results = toolbox::run_vectors(file);
  ASSERT_TRUE(results.has_value()) << results.error();
  for (const auto& result : *results) EXPECT_TRUE(result.passed) << result.name << ": " << result.why;

  std::set<std::string> said;
  for (const auto& one : std::get<List>(cases->inner())) {
    if (const auto* expected = one.find("expect")) {
      said.insert(std::get<std::string>(expected->find("message")->inner()));
      if (expected->find("hold_htlc") != nullptr) said.insert("hold flag");
      if (expected->find("release_paths") != nullptr) said.insert("release paths");
      continue;
    }
    const auto& layer = std::get<List>(one.find("layers")->inner()).front();
    if (const auto* contents = layer.find("expect")->find("contents"))
      said.insert(std::get<std::string>(contents->find("message")->inner()));
  }
  for (const char* wanted :
       {"offer_paths_request", "offer_paths", "serve_static_invoice", "static_invoice_persisted", "invoice_request",
        "static_invoice", "update_add_htlc", "hold flag", "revoke_and_ack", "release paths", "held_htlc_available",
        "release_held_htlc", "update_fulfill_htlc", "channel_reestablish"})
    EXPECT_TRUE(said.contains(wanted)) << wanted;
}

INSTANTIATE_TEST_SUITE_P(Profiles, Conversation, ::testing::Values(Profile::Ldk, Profile::Draft),
                         [](const auto& info) { return std::string(name(info.param)); });

}  // namespace
}  // namespace doze::sim
