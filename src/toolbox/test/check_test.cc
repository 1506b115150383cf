// One line a rule, and together exactly what the payer does.
#include "toolbox/check.h"

#include <gtest/gtest.h>

#include "samples.h"
#include "toolbox/vectors.h"

namespace doze::toolbox {
namespace {

using namespace testing;

std::vector<std::string> failed(const Checked& checked) {
  std::vector<std::string> out;
  for (const auto& rule : checked.rules)
    if (!rule.passed) out.push_back(rule.what);
  return out;
}

TEST(CheckStaticInvoice, a_good_one_passes_every_rule_in_both_profiles) {
  for (auto profile : {Profile::Ldk, Profile::Draft}) {
    auto checked = check_static_invoice_rules(offer().bytes(), static_invoice(profile).bytes(), kNow);
    EXPECT_TRUE(checked.passed());
    EXPECT_EQ(checked.profile, name(profile));
    EXPECT_GE(checked.rules.size(), 20u);
  }
}

TEST(CheckStaticInvoice, several_broken_rules_are_all_told) {
  auto bytes = static_invoice(Profile::Ldk).bytes();
  bytes.back() ^= 1;
  auto checked = check_static_invoice_rules(offer().bytes(), bytes, after_s(kNow, 86'401));
  EXPECT_EQ(
      failed(checked),
      (std::vector<std::string>{"the signature of invoice_node_id over the merkle root, with the tag of static_invoice",
                                "the offer has not expired"}));
}

TEST(CheckStaticInvoice, agrees_with_the_payer_on_every_vector) {
  std::size_t judged = 0, refused = 0;
  for (const auto& file : vector_files())
    for (const auto& one : std::get<List>(file.content.find("cases")->inner())) {
      auto kind = text(one, "kind");
      if (kind != "static_invoice" && kind != "static_invoice_check") continue;
      auto bytes = hex(text(one, "input"));
      auto parsed = offers::StaticInvoice::parse(bytes);
      auto given = from_hex(text(one, "offer"));
      auto own = given && !given->empty() ? offers::Offer::from_bytes(*given)
                 : parsed                 ? offers::Offer::from_bytes(parsed->offer().bytes())
                                          : offers::Offer::from_bytes(offer().bytes());
      ASSERT_TRUE(own.has_value());
      auto now = given && !given->empty() ? UnixTime(std::stoull(text(one, "time"))) : kNow;
      bool payer_takes = parsed && !offers::check_static_invoice(*parsed, *own, now);
      if (payer_takes && parsed->profile() == Profile::Draft)
        payer_takes = parsed->message_paths().size() >= offers::kMinMessagePathsDraft;
      auto checked = check_static_invoice_rules(own->bytes(), bytes, now);
      EXPECT_EQ(checked.passed(), payer_takes) << text(one, "name");
      ++judged;
      refused += payer_takes ? 0 : 1;
    }
  EXPECT_GE(judged, 200u);
  EXPECT_GE(refused, 100u);
}

}  // namespace
}  // namespace doze::toolbox
