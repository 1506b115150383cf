// Ids as tables show them, "7f3c1a2b…", given back to commands: the whole one is looked up in the list that showed it.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "rpc/methods.h"

namespace doze::cli {

/// Where a short id is looked up.
struct IdList {
  const char* param;                // of the command
  const char* method;               // that lists them
  const char* list;                 // in its answer
  std::vector<const char*> fields;  // of its rows
};
/// nullptr: the text is a whole id, or is not the beginning of one (kShortId digits at least).
[[nodiscard]] const IdList* list_for(const rpc::Param& param, const std::string& text);
/// The one id that begins so, or what is wrong: none, or several.
[[nodiscard]] Result<std::string, std::string> whole_id(const IdList& where, const std::string& text,
                                                        const boost::json::value& answer);

}  // namespace doze::cli
