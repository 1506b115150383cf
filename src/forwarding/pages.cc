#include "forwarding/pages.h"

#include "effects/pages.h"
#include "forwarding/describe.h"
#include "forwarding/records.h"
#include "forwarding/state.h"

namespace doze::forwarding {

namespace {
PageSource source(const ByTime<HtlcKey>& rows, const std::optional<Place>& before,
                  std::function<Value(const HtlcKey&)> describe) {
  return page_source<HtlcKey>(
      rows, 0, before, [](const HtlcKey& key) { return key_of(key); }, read_htlc_key, std::move(describe));
}
}  // namespace

void list_forwards(Work& work, RequestId request, const command::Page& page) {
  if (!is_page(page)) return list_forwards(work, PageAsked{request, page}, {{}, {}});
  work.ask({work.state.settled.page(page, 0), work.state.failed.page(page, 0)}, PageAsked{request, page});
}

void list_forwards(Work& work, const PageAsked& asked, std::vector<std::vector<Row>> rows) {
  const auto& forwards = work.state.forwards;
  auto row = [&](const HtlcKey& key) { return describe(forwards.at(key)); };
  auto ended = [&](const Row& row) -> std::optional<Value> {
    auto forward = read_forward(row.value);
    if (forward) return describe(*forward);
    work.notify(Severity::Error, "row_unreadable",
                {{"table", std::uint64_t{static_cast<std::uint8_t>(row.table)}}, {"key", to_hex(row.key)}});
    return std::nullopt;
  };
  const auto& index = work.state.forwards.index();
  std::set<Bytes> here;  // keys of the rows that are still in memory
  for (const auto& [list, at] : {std::pair(&work.state.settled, 0), std::pair(&work.state.failed, 1)})
    for (const auto& row : rows.at(static_cast<std::size_t>(at)))
      if (auto place = list->place(row.key, 0))
        if (auto key = read_htlc_key(place->key); key && forwards.contains(*key)) here.insert(place->key);
  work.say(Reply{asked.request, page_of("forwards", asked.page, [&](const auto& before) {
                   return std::vector{source(index.open, before, row), source(index.settled, before, row),
                                      source(index.failed, before, row),
                                      page_source(work.state.settled, 0, std::move(rows.at(0)), here, ended),
                                      page_source(work.state.failed, 0, std::move(rows.at(1)), here, ended)};
                 })});
}

void list_holds(Work& work, RequestId request, const command::Page& page) {
  auto row = [&](const HtlcKey& key) { return describe_hold(work.state.forwards.at(key), work.context); };
  const auto& index = work.state.forwards.index();
  auto sources = [&](const auto& before) { return std::vector{source(index.holds, before, row)}; };
  auto totals = [&](Value& out) {
    out.set("total_holds", std::uint64_t{index.holds.size()}).set("total_msat", index.total_held.value());
  };
  work.say(Reply{request, page_of("holds", page, sources, totals)});
}

}  // namespace doze::forwarding
