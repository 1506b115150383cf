#include "forwarding/pages.h"

#include "effects/pages.h"
#include "forwarding/describe.h"
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
  auto row = [&](const HtlcKey& key) { return describe(work.state.forwards.at(key)); };
  const auto& index = work.state.forwards.index();
  work.say(Reply{request, page_of("forwards", page, [&](const auto& before) {
                   return std::vector{source(index.open, before, row), source(index.settled, before, row),
                                      source(index.failed, before, row)};
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
