#include "payment/pages.h"

#include "effects/pages.h"

#include "payment/describe.h"
#include "payment/ended.h"
#include "payment/invoices.h"
#include "payment/state.h"

namespace doze::payment {

namespace {

Bytes bytes_of_key(const HtlcKey& key) {
  return key_of(key);
}
template <class Tag>
Bytes bytes_of_key(const Opaque<Tag, 32>& key) {
  return to_bytes(key.view());
}
bool read_key(ByteView bytes, HtlcKey& key) {
  auto read = read_htlc_key(bytes);
  if (read) key = *read;
  return read.has_value();
}
template <class Tag>
bool read_key(ByteView bytes, Opaque<Tag, 32>& key) {
  auto read = Opaque<Tag, 32>::from(bytes);
  if (read) key = *read;
  return read.has_value();
}

template <class Key>
PageSource source(const ByTime<Key>& rows, std::uint8_t kind, const std::optional<Place>& before,
                  std::function<Value(const Key&)> describe) {
  auto read = [](ByteView bytes) {
    Key key;
    return read_key(bytes, key) ? std::optional(key) : std::nullopt;
  };
  return page_source<Key>(
      rows, kind, before, [](const Key& key) { return bytes_of_key(key); }, read, std::move(describe));
}

void reply(Work& work, RequestId request, const char* name, const command::Page& page, const PageSources& sources,
           const std::function<void(Value&)>& more = nullptr) {
  work.say(Reply{request, page_of(name, page, sources, more)});
}

}  // namespace

void list_payments(Work& work, RequestId request, const command::Page& page) {
  if (!is_page(page)) return list_payments(work, PageAsked{request, page}, {{}, {}, {}});
  const auto& state = work.state;
  work.ask({state.sent.page(page, kSent), state.received.page(page, kReceived), state.small.page(page, kReceived)},
           PageAsked{request, page});
}

void list_payments(Work& work, const PageAsked& asked, std::vector<std::vector<Row>> rows) {
  const auto& state = work.state;
  auto sent = [&](const PaymentId& id) { return describe(state.outgoing.at(id), work.context, InList::Yes); };
  auto over = [&](const Row& row) -> std::optional<Value> {
    auto payment = payment_in(work, {row});
    return payment ? std::optional(describe(*payment, work.context, InList::Yes)) : std::nullopt;
  };
  auto received_and_over = [&](const Row& row) -> std::optional<Value> {
    auto payment = receipt_in(work, {row});
    return payment ? std::optional(describe(*payment, state, work.context)) : std::nullopt;
  };
  auto received = [&](const HtlcKey& key) { return describe(state.incoming.at(key), state, work.context); };
  const auto& index = work.state.outgoing.index();
  const auto& receipts = work.state.incoming.index();
  std::set<Bytes> here;  // of the rows: those that are still in memory
  for (const auto& row : rows.at(0))
    if (auto place = state.sent.place(row.key, kSent))
      if (auto id = PaymentId::from(place->key); id && state.outgoing.contains(*id)) here.insert(place->key);
  for (const auto& [list, at] : {std::pair(&state.received, 1), std::pair(&state.small, 2)})
    for (const auto& row : rows.at(static_cast<std::size_t>(at)))
      if (auto place = list->place(row.key, kReceived))
        if (auto key = read_htlc_key(place->key); key && state.incoming.contains(*key)) here.insert(place->key);
  reply(work, asked.request, "payments", asked.page, [&](const auto& before) {
    return std::vector{source<PaymentId>(index.open, kSent, before, sent),
                       source<PaymentId>(index.ended, kSent, before, sent),
                       page_source(state.sent, kSent, std::move(rows.at(0)), here, over),
                       source<HtlcKey>(receipts.open, kReceived, before, received),
                       source<HtlcKey>(receipts.ended, kReceived, before, received),
                       page_source(state.received, kReceived, std::move(rows.at(1)), here, received_and_over),
                       page_source(state.small, kReceived, std::move(rows.at(2)), here, received_and_over)};
  });
}

void list_invoices(Work& work, RequestId request, const command::Page& page) {
  auto row = [&](const PaymentHash& hash) {
    auto issued = work.state.invoices.at(hash);
    return describe(issued, state_of_payment(work, issued), work.context.wall);
  };
  const auto& index = work.state.invoices.index();
  reply(work, request, "invoices", page,
        [&](const auto& before) { return std::vector{source<PaymentHash>(index.all, 0, before, row)}; });
}

}  // namespace doze::payment
