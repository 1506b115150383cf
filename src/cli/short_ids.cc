#include "cli/short_ids.h"

#include <boost/json.hpp>

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

const IdList* list_for(const api::Param& param, const std::string& text) {
  static const std::vector<IdList> kLists = {
      {"channel_id", "listchannels", "channels", {"channel_id"}},
      {"payment_id", "listpayments", "payments", {"payment_id", "payment_hash"}},
      {"offer_id", "listoffers", "offers", {"offer_id"}},
      {"node_id", "listpeers", "peers", {"node_id"}},
  };
  if (param.kind != api::Kind::Id && param.kind != api::Kind::NodeId) return nullptr;
  auto whole = param.kind == api::Kind::Id ? kIdDigits : kNodeIdDigits;
  auto digits = without_dots(text);
  if (digits.size() < kShortId || digits.size() >= whole ||
      digits.find_first_not_of("0123456789abcdef") != std::string_view::npos)
    return nullptr;
  for (const auto& list : kLists)
    if (param.name == list.param) return &list;
  return nullptr;
}

IdSearch::IdSearch(const IdList& where, const std::string& text) : where_(where), digits_(without_dots(text)) {}

std::optional<std::string> IdSearch::look_at(const boost::json::value& answer) {
  ++pages_;
  const auto* object = answer.if_object();
  const auto* list = object == nullptr ? nullptr : object->if_contains(where_.list);
  if (list == nullptr || !list->is_array()) return std::nullopt;
  for (const auto& row : list->as_array()) {
    ++rows_;
    for (const auto* field : where_.fields) {
      const auto* id = row.is_object() ? row.as_object().if_contains(field) : nullptr;
      if (id != nullptr && id->is_string() && std::string_view(id->as_string()).starts_with(digits_)) {
        found_.insert(std::string(id->as_string()));
        break;  // a row counts once, by the id that commands take first
      }
    }
  }
  const auto* next = object->if_contains("next_before");
  more_ = next != nullptr && next->is_string();
  if (!more_ || !found_.empty() || pages_ >= kPagesForShortId) return std::nullopt;
  return std::string(next->as_string());
}

Result<std::string, std::string> IdSearch::outcome() const {
  if (found_.size() == 1) return *found_.begin();
  auto of = more_ && found_.empty() ? "the newest " + std::to_string(rows_) + " of " : std::string();
  return fail(std::string(where_.param) + ": " + (found_.empty() ? "none of " : "several of ") + of + where_.method +
              (found_.empty() ? " begins with " : " begin with ") + digits_ + ": expected a whole id, as doze --long " +
              where_.method + (of.empty() ? "" : " --before …") + " shows it");
}

}  // namespace doze::cli
