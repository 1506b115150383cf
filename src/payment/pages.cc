// Lists in pages, newest first. A page ends with the place of its last row, and the next one begins behind it: rows
// that come or go meanwhile move nothing, and a page costs its own rows only.
#include <algorithm>
#include <charconv>
#include <functional>

#include "payment/inside.h"

namespace doze::payment {

namespace {

/// Where a row stands in its list. `kind` and `key` tell rows of one second apart.
struct Place {
  UnixTime time;
  std::uint8_t kind = 0;
  Bytes key;
  friend auto operator<=>(const Place&, const Place&) = default;
};
/// The kinds of rows in the list of payments. Other lists have one.
constexpr std::uint8_t kSent = 1, kReceived = 2;

std::string text_of(const Place& place) {
  return std::to_string(place.time.value()) + "-" + to_hex(Writer().u8(place.kind).bytes(place.key).take());
}
std::optional<Place> read_place(const std::string& text) {
  auto dash = text.find('-');
  if (dash == std::string::npos) return std::nullopt;
  std::uint64_t time = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + dash, time);
  auto key = from_hex(std::string_view(text).substr(dash + 1));
  if (error != std::errc() || end != text.data() + dash || !key || key->empty()) return std::nullopt;
  return Place{UnixTime(time), key->front(), Bytes(key->begin() + 1, key->end())};
}

Bytes bytes_of_key(const HtlcKey& key) {
  return key_of(key);
}
template <class Tag>
Bytes bytes_of_key(const Opaque<Tag, 32>& key) {
  return to_bytes(key.view());
}
bool read_key(ByteView bytes, HtlcKey& key) {
  Reader in(bytes);
  key.channel_id.bytes = in.array<32>();
  key.htlc_id = in.u64();
  return in.done();
}
template <class Tag>
bool read_key(ByteView bytes, Opaque<Tag, 32>& key) {
  auto read = Opaque<Tag, 32>::from(bytes);
  if (read) key = *read;
  return read.has_value();
}

/// One index by time, read backwards.
struct Source {
  std::function<std::optional<Place>()> next;
  std::function<Value()> take;
};
template <class Key>
Source source(const ByTime<Key>& rows, std::uint8_t kind, const std::optional<Place>& before,
              std::function<Value(const Key&)> describe) {
  auto at = rows.end();
  if (before) {
    std::pair<UnixTime, Key> place{before->time, {}};
    if (kind == before->kind) {
      if (!read_key(before->key, place.second)) return {};
    } else if (kind < before->kind) {
      place.first = after_s(before->time, 1);
    }
    at = rows.lower_bound(place);
  }
  auto place = std::make_shared<typename ByTime<Key>::const_iterator>(at);
  return {[place, kind, &rows]() -> std::optional<Place> {
            if (*place == rows.begin()) return std::nullopt;
            const auto& [time, key] = *std::prev(*place);
            return Place{time, kind, bytes_of_key(key)};
          },
          [place, describe = std::move(describe)] { return describe((--*place)->second); }};
}

/// The sources of a list for what is asked: `before` is already read.
using Sources = std::function<std::vector<Source>(const std::optional<Place>& before)>;
void reply(Work& work, RequestId request, const char* name, const command::Page& page, const Sources& sources,
           const std::function<void(Value&)>& more = nullptr) {
  if (page.limit == 0 || page.limit > command::kMaxPageRows)
    return refuse(work, request, CommandErrorCode::BadRequest,
                  "limit must be between 1 and " + std::to_string(command::kMaxPageRows));
  auto before = page.before ? read_place(*page.before) : std::nullopt;
  auto from = page.before && !before ? std::vector<Source>{{}} : sources(before);
  if (std::any_of(from.begin(), from.end(), [](const auto& source) { return !source.next; }))
    return refuse(work, request, CommandErrorCode::BadRequest,
                  "before must be the next_before of another page of the same list");
  List list;
  std::optional<Place> last;
  for (;;) {
    const Source* newest = nullptr;
    std::optional<Place> place;
    for (const auto& source : from)
      if (auto next = source.next(); next && (!place || *next > *place)) place = next, newest = &source;
    if (newest == nullptr) last.reset();
    if (newest == nullptr || list.size() == page.limit) break;
    list.push_back(newest->take());
    last = place;
  }
  Value out;
  out.set(name, std::move(list));
  if (more) more(out);
  if (last) out.set("next_before", text_of(*last));
  work.say(Reply{request, std::move(out)});
}

}  // namespace

void list_payments(Work& work, RequestId request, const command::Page& page) {
  const auto& state = work.state;
  auto sent = [&](const PaymentId& id) { return describe(state.outgoing.at(id), work.context, InList::Yes); };
  auto received = [&](const HtlcKey& key) { return describe(state.incoming.at(key), state, work.context); };
  const auto& index = work.state.outgoing.index();
  const auto& receipts = work.state.incoming.index();
  reply(work, request, "payments", page, [&](const auto& before) {
    return std::vector{source<PaymentId>(index.open, kSent, before, sent),
                       source<PaymentId>(index.ended, kSent, before, sent),
                       source<HtlcKey>(receipts.open, kReceived, before, received),
                       source<HtlcKey>(receipts.ended, kReceived, before, received),
                       source<HtlcKey>(receipts.small, kReceived, before, received)};
  });
}

void list_forwards(Work& work, RequestId request, const command::Page& page) {
  auto row = [&](const HtlcKey& key) { return describe(work.state.forwards.at(key)); };
  const auto& index = work.state.forwards.index();
  reply(work, request, "forwards", page, [&](const auto& before) {
    return std::vector{source<HtlcKey>(index.open, 0, before, row), source<HtlcKey>(index.settled, 0, before, row),
                       source<HtlcKey>(index.failed, 0, before, row)};
  });
}

void list_holds(Work& work, RequestId request, const command::Page& page) {
  auto row = [&](const HtlcKey& key) { return describe_hold(work.state.forwards.at(key), work.context); };
  const auto& index = work.state.forwards.index();
  reply(
      work, request, "holds", page,
      [&](const auto& before) { return std::vector{source<HtlcKey>(index.holds, 0, before, row)}; },
      [&](Value& out) {
        out.set("total_holds", std::uint64_t{index.holds.size()}).set("total_msat", index.total_held.value());
      });
}

void list_invoices(Work& work, RequestId request, const command::Page& page) {
  auto row = [&](const PaymentHash& hash) {
    return describe(work.state.invoices.at(hash), work.state, work.context.wall);
  };
  const auto& index = work.state.invoices.index();
  reply(work, request, "invoices", page,
        [&](const auto& before) { return std::vector{source<PaymentHash>(index.all, 0, before, row)}; });
}

}  // namespace doze::payment
