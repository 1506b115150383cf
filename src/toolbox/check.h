// `doze check-static-invoice`: the payer's checks of a static invoice, each rule for itself. BOLT 12; bolts #1149.
#pragma once

#include <vector>

#include "toolbox/problem.h"

namespace doze::toolbox {

struct Rule {
  std::string what;  // "node_id is the offer's issuer_id …"
  bool passed = false;
  std::string detail;  // what was found
};
struct Checked {
  std::string profile;  // "ldk", "draft", or "none"
  std::vector<Rule> rules;
  [[nodiscard]] bool passed() const;
};
/// Every rule is judged that can be: one that fails does not hide the others. `offer`: bytes of the offer that was
/// paid, already known to be valid. All pass exactly if StaticInvoice::parse and check_static_invoice accept it (and,
/// in the draft's profile, it has the two message paths that its writer owes).
[[nodiscard]] Checked check_static_invoice_rules(ByteView offer, ByteView invoice, UnixTime now);

}  // namespace doze::toolbox
