#include "peer/records.h"

#include "effects/record_io.h"

namespace doze::peer {

namespace {
constexpr std::uint8_t kVersion = 1;
}

Bytes encode(const Known& known) {
  return RecordWriter(kVersion).all(known.keep, wire::to_bytes(known.addresses)).take();
}

Result<Known, ParseError> decode(ByteView value) {
  RecordReader in(value);
  if (in.version() != kVersion) return fail(ParseError{ParseCode::UnknownVersion, in.version(), "peer address"});
  Known known;
  Bytes addresses;
  in.all(known.keep, addresses);
  LN_CHECK(in.finish("peer address"));
  LN_TRY(read, wire::read_addresses(addresses));
  known.addresses = std::move(read);
  known.stored = true;
  return known;
}

Result<Peers, LoadError> load(std::span<const Row> rows) {
  Peers peers;
  for (const auto& row : rows) {
    if (row.table != Table::PeerAddress) continue;
    auto node = NodeId::from(row.key);
    if (!node) return fail(LoadError{row.table, row.key, {ParseCode::BadLength, row.key.size(), "node id"}});
    auto known = decode(row.value);
    if (!known) return fail(LoadError{row.table, row.key, known.error()});
    peers.inside->known.emplace(*node, *std::move(known));
  }
  return peers;
}

}  // namespace doze::peer
