#include "cli/short_ids.h"

#include <boost/json.hpp>
#include <set>

#include "cli/tables.h"

namespace doze::cli {
namespace {

constexpr std::string_view kDots = "…";
constexpr std::size_t kIdDigits = 64, kNodeIdDigits = 66;

std::string_view without_dots(std::string_view text) {
  if (text.ends_with(kDots)) text.remove_suffix(kDots.size());
  return text;
}

}  // namespace

const IdList* list_for(const rpc::Param& param, const std::string& text) {
  static const std::vector<IdList> kLists = {
      {"channel_id", "listchannels", "channels", {"channel_id"}},
      {"payment_id", "listpayments", "payments", {"payment_id", "payment_hash"}},
      {"offer_id", "listoffers", "offers", {"offer_id"}},
      {"node_id", "listpeers", "peers", {"node_id"}},
  };
  if (param.kind != rpc::Kind::Id && param.kind != rpc::Kind::NodeId) return nullptr;
  auto whole = param.kind == rpc::Kind::Id ? kIdDigits : kNodeIdDigits;
  auto digits = without_dots(text);
  if (digits.size() < kShortId || digits.size() >= whole ||
      digits.find_first_not_of("0123456789abcdef") != std::string_view::npos)
    return nullptr;
  for (const auto& list : kLists)
    if (param.name == list.param) return &list;
  return nullptr;
}

Result<std::string, std::string> whole_id(const IdList& where, const std::string& text,
                                          const boost::json::value& answer) {
  auto digits = without_dots(text);
  std::set<std::string> found;
  const auto* object = answer.if_object();
  const auto* list = object == nullptr ? nullptr : object->if_contains(where.list);
  if (list != nullptr && list->is_array())
    for (const auto& row : list->as_array())
      for (const auto* field : where.fields) {
        const auto* id = row.is_object() ? row.as_object().if_contains(field) : nullptr;
        if (id != nullptr && id->is_string() && std::string_view(id->as_string()).starts_with(digits)) {
          found.insert(std::string(id->as_string()));
          break;  // a row counts once, by the id that commands take first
        }
      }
  if (found.size() == 1) return *found.begin();
  auto shown = std::string(where.param) + ": " + (found.empty() ? "none" : "several") + " of " + where.method;
  return fail(shown + (found.empty() ? " begins with " : " begin with ") + std::string(digits) +
              ": give the whole id, as doze --long " + where.method + " shows it");
}

}  // namespace doze::cli
