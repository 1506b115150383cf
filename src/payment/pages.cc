// Lists in pages, newest first. A page ends with the place of its last row, and the next one begins behind it: rows
// that come or go meanwhile move nothing.
#include <algorithm>
#include <charconv>
#include <functional>

#include "payment/inside.h"

namespace doze::payment {

namespace {

/// Where a row stands in its list. `key` tells rows of one second apart.
struct Place {
  UnixTime time;
  Bytes key;
  friend auto operator<=>(const Place&, const Place&) = default;
};

/// The two kinds of rows in the list of payments.
constexpr std::uint8_t kOutgoingRow = 1, kIncomingRow = 2;
Bytes key_in_list(std::uint8_t kind, ByteView key) {
  return Writer().u8(kind).bytes(key).take();
}

std::string text_of(const Place& place) {
  return std::to_string(place.time.value()) + "-" + to_hex(place.key);
}
std::optional<Place> read_place(const std::string& text) {
  auto dash = text.find('-');
  if (dash == std::string::npos) return std::nullopt;
  std::uint64_t time = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + dash, time);
  auto key = from_hex(std::string_view(text).substr(dash + 1));
  if (error != std::errc() || end != text.data() + dash || !key) return std::nullopt;
  return Place{UnixTime(time), *std::move(key)};
}

struct Wanted {
  std::size_t limit = 0;
  std::optional<Place> before;
};
Result<Wanted, std::string> read(const command::Page& page) {
  if (page.limit == 0 || page.limit > command::kMaxPageRows)
    return fail("limit must be between 1 and " + std::to_string(command::kMaxPageRows));
  Wanted out{page.limit, std::nullopt};
  if (!page.before) return out;
  out.before = read_place(*page.before);
  if (!out.before) return fail(std::string("before must be the next_before of another page of the same list"));
  return out;
}

using Rows = std::vector<std::pair<Place, std::function<Value()>>>;
void reply(Work& work, RequestId request, const char* name, const command::Page& page, Rows rows, Value out = Value()) {
  auto wanted = read(page);
  if (!wanted) return refuse(work, request, CommandErrorCode::BadRequest, wanted.error());
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  List list;
  std::string next_before;
  bool more = false;
  for (const auto& [place, describe] : rows) {
    if (wanted->before && place >= *wanted->before) continue;
    if (list.size() == wanted->limit) {
      more = true;
      break;
    }
    list.push_back(describe());
    next_before = text_of(place);
  }
  out.set(name, std::move(list));
  if (more) out.set("next_before", next_before);
  work.say(Reply{request, std::move(out)});
}

}  // namespace

void list_payments(Work& work, RequestId request, const command::Page& page) {
  Rows rows;
  for (const auto& [id, payment] : work.state.outgoing)
    rows.emplace_back(Place{payment.created_at, key_in_list(kOutgoingRow, id.view())},
                      [&] { return describe(payment, work.context); });
  for (const auto& [key, payment] : work.state.incoming)
    rows.emplace_back(Place{payment.received_at, key_in_list(kIncomingRow, key_of(key))},
                      [&] { return describe(payment); });
  reply(work, request, "payments", page, std::move(rows));
}

void list_forwards(Work& work, RequestId request, const command::Page& page) {
  Rows rows;
  for (const auto& [key, forward] : work.state.forwards)
    if (forward.state != ForwardState::Early)
      rows.emplace_back(Place{forward.received_at, key_of(key)}, [&] { return describe(forward); });
  reply(work, request, "forwards", page, std::move(rows));
}

void list_holds(Work& work, RequestId request, const command::Page& page) {
  Rows rows;
  Msat total;
  for (const auto& [key, forward] : work.state.forwards) {
    if (!forward.hold || is_terminal(forward.state) || forward.state == ForwardState::Early) continue;
    rows.emplace_back(Place{forward.received_at, key_of(key)}, [&] { return describe_hold(forward, work.context); });
    total += forward.amount_in;
  }
  reply(work, request, "holds", page, std::move(rows), Value().set("total_msat", total.value()));
}

void list_invoices(Work& work, RequestId request, const command::Page& page) {
  Rows rows;
  for (const auto& [hash, issued] : work.state.invoices)
    rows.emplace_back(Place{issued.expires_at, to_bytes(hash.view())},
                      [&] { return describe(issued, work.context.wall); });
  reply(work, request, "invoices", page, std::move(rows));
}

}  // namespace doze::payment
