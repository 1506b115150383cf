// Ids as tables show them, "7f3c1a2b…", given back to commands: the whole one is looked up in the list that showed it.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/methods.h"
#include "base/result.h"

namespace doze::cli {

/// Where a short id is looked up.
struct IdList {
  const char* param;                // of the command
  const char* method;               // that lists them
  const char* list;                 // in its answer
  std::vector<const char*> fields;  // of its rows
};
/// nullptr: the text is a whole id, or is not the beginning of one (kShortId digits at least).
[[nodiscard]] const IdList* list_for(const api::Param& param, const std::string& text);
/// Pages of a list that are read for one short id, the newest first: tables show the newest, and all of a million
/// payments would be a gigabyte.
inline constexpr std::size_t kPagesForShortId = 10;

/// The search for an id by its beginning, one answer of the list after the other.
class IdSearch {
 public:
  IdSearch(const IdList& where, const std::string& text);
  /// nullopt: the search is over. Else `before` for the next page.
  [[nodiscard]] std::optional<std::string> look_at(const boost::json::value& answer);
  /// The one id that begins so, or what is wrong: none (of how many, if there are more), or several.
  [[nodiscard]] Result<std::string, std::string> outcome() const;

 private:
  const IdList& where_;
  std::string digits_;
  std::set<std::string> found_;
  std::size_t pages_ = 0, rows_ = 0;
  bool more_ = false;  // rows that were not looked at
};

}  // namespace doze::cli
