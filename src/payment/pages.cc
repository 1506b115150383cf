#include "payment/pages.h"

#include "effects/pages.h"

#include "payment/describe.h"
#include "payment/invoices.h"
#include "payment/state.h"

namespace doze::payment {

namespace {

/// The kinds of rows in the list of payments. Other lists have one.
constexpr std::uint8_t kSent = 1, kReceived = 2;

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

void list_invoices(Work& work, RequestId request, const command::Page& page) {
  auto row = [&](const PaymentHash& hash) {
    return describe(work.state.invoices.at(hash), work.state, work.context.wall);
  };
  const auto& index = work.state.invoices.index();
  reply(work, request, "invoices", page,
        [&](const auto& before) { return std::vector{source<PaymentHash>(index.all, 0, before, row)}; });
}

}  // namespace doze::payment
