#include "cli/exit_codes.h"

namespace doze::cli {

Exit exit_of(std::string_view error_code) {
  if (error_code == "bad_request") return Exit::Usage;
  if (error_code == "not_found" || error_code == "not_ready" || error_code == "refused" || error_code == "limit")
    return Exit::Refused;
  if (error_code == "no_route" || error_code == "insufficient_funds" || error_code == "payment_failed" ||
      error_code == "expired")
    return Exit::PaymentFailed;
  if (error_code == "timed_out") return Exit::TimedOut;
  return Exit::Failed;
}

}  // namespace doze::cli
