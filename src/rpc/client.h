// The command line's side of the API: one request, one answer.
#pragma once

#include <string>

#include "base/result.h"

namespace doze::rpc {

struct Answer {
  int status = 0;    // HTTP
  std::string body;  // JSON
};
/// POST http://host:port/v1/METHOD. Fails with a reason in words if there is no answer. Waits without limit:
/// `waitpayment` may take days.
[[nodiscard]] Result<Answer, std::string> call(const std::string& host, std::uint16_t port, const std::string& token,
                                               const std::string& method, const std::string& body);

}  // namespace doze::rpc
