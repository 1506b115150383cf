// Answers for people: lists become tables, objects become "name  value" lines.
#pragma once

#include <boost/json.hpp>
#include <string>

namespace doze::cli {

/// Text for a terminal, with a newline at the end. Foreign text in the answer was escaped by the daemon.
[[nodiscard]] std::string to_text(const boost::json::value& answer);

}  // namespace doze::cli
