#include "effects/io.h"

namespace doze {

namespace command {
DOZE_COMPILED_HERE(Command)
}
DOZE_COMPILED_HERE(Input)

const char* name(CommandErrorCode code) {
  switch (code) {
    case CommandErrorCode::BadRequest:
      return "bad_request";
    case CommandErrorCode::NotFound:
      return "not_found";
    case CommandErrorCode::NotReady:
      return "not_ready";
    case CommandErrorCode::Refused:
      return "refused";
    case CommandErrorCode::NoRoute:
      return "no_route";
    case CommandErrorCode::InsufficientFunds:
      return "insufficient_funds";
    case CommandErrorCode::PaymentFailed:
      return "payment_failed";
    case CommandErrorCode::Expired:
      return "expired";
    case CommandErrorCode::Limit:
      return "limit";
    case CommandErrorCode::Internal:
      return "internal";
    case CommandErrorCode::TimedOut:
      return "timed_out";
  }
  return "internal";
}

}  // namespace doze
