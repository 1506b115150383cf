// Gossip: announcements are kept as they came; the fields alone encode to something that decodes to the same fields;
// digests do not depend on who computes them; the graph takes or refuses, it does not break.
#include "graph/graph.h"
#include "graph/verify.h"
#include "samples.h"
#include "wire/messages.h"

using namespace doze;

template <class M>
static Bytes from_fields(M message) {
  message.raw.clear();
  return wire::encode(message);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static constexpr std::uint8_t kTypes[] = {0, 1, 2, 3, 5, 6, 7, 8, 9};
  auto bytes = fuzz::with_prefix({1, kTypes[data[0] % std::size(kTypes)]}, ByteView(data, size).subspan(1));
  auto message = wire::decode(bytes);
  if (!message) return 0;
  graph::Graph graph;
  wire::ChannelAnnouncement known;
  known.node_id_1 = fuzz::point(1);
  known.node_id_2 = fuzz::point(2);
  if (known.node_id_2 < known.node_id_1) std::swap(known.node_id_1, known.node_id_2);
  auto kept = [&]<class M>(const M& m) {
    FUZZ_CHECK(wire::encode(m) == bytes);
    auto plain = from_fields(m);
    auto again = wire::decode(plain);
    FUZZ_CHECK(again.has_value());
    FUZZ_CHECK(from_fields(std::get<M>(*again)) == plain);
    FUZZ_CHECK(wire::signature_hash(m) == wire::signature_hash(std::get<M>(*wire::decode(bytes))));
  };
  if (const auto* announcement = std::get_if<wire::ChannelAnnouncement>(&*message)) {
    kept(*announcement);
    FUZZ_CHECK(graph::channel_announcement_digest(bytes) == wire::signature_hash(*announcement));
    (void)graph::verify_channel_announcement(*announcement, bytes).has_value();
    if (graph.add_channel(*announcement, bytes, std::nullopt, UnixTime(5)))
      FUZZ_CHECK(!graph.add_channel(*announcement, bytes, std::nullopt, UnixTime(6)));
  } else if (const auto* update = std::get_if<wire::ChannelUpdate>(&*message)) {
    kept(*update);
    FUZZ_CHECK(graph::channel_update_digest(bytes) == wire::signature_hash(*update));
    (void)graph::verify_channel_update(*update, bytes, fuzz::point(1)).has_value();
    FUZZ_CHECK(!graph.apply(*update, bytes));  // nobody knows the channel
    known.short_channel_id = update->short_channel_id;
    if (graph.add_channel(known, wire::encode(known), Sat(1'000'000), UnixTime(5)) && graph.apply(*update, bytes))
      FUZZ_CHECK(!graph.apply(*update, bytes));  // nothing new the second time
  } else if (const auto* node = std::get_if<wire::NodeAnnouncement>(&*message)) {
    kept(*node);
    FUZZ_CHECK(graph::node_announcement_digest(bytes) == wire::signature_hash(*node));
    (void)graph::verify_node_announcement(*node, bytes).has_value();
    FUZZ_CHECK(!graph.apply(*node, bytes));
  } else {
    auto ids = [](const Bytes& encoded) {
      auto read = wire::read_short_ids(encoded);
      if (read && !encoded.empty()) FUZZ_CHECK(wire::write_short_ids(*read) == encoded);
    };
    if (const auto* query = std::get_if<wire::QueryShortChannelIds>(&*message)) ids(query->encoded_short_ids);
    if (const auto* reply = std::get_if<wire::ReplyChannelRange>(&*message)) ids(reply->encoded_short_ids);
  }
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  static constexpr std::uint8_t kTypes[] = {0, 1, 2, 3, 5, 6, 7, 8, 9};
  auto take = [&](const Bytes& bytes) {
    if (bytes.size() < 2 || bytes[0] != 1) return;
    for (std::uint8_t at = 0; at < std::size(kTypes); ++at)
      if (kTypes[at] == bytes[1]) out.push_back(fuzz::with_prefix({at}, ByteView(bytes).subspan(2)));
  };
  for (const auto& message : fuzz::messages()) take(wire::encode(message));
  for (const auto& bytes : fuzz::vector_bytes("bolt07/extended-queries.json", 34)) take(bytes);
  for (const auto& row : fuzz::record_seeds({7, 8, 9})) {
    // The raw message is the last field: it ends the row.
    fuzz::RowInput read(row);
    for (std::size_t at = 0; at + 2 < read.value.size(); ++at)
      if (read.value[at] == 1 && read.value[at + 1] <= 2) {
        Bytes tail(read.value.begin() + static_cast<std::ptrdiff_t>(at), read.value.end());
        if (auto decoded = wire::decode(tail); decoded && wire::encode(*decoded) == tail) {
          take(tail);
          break;
        }
      }
  }
  return out;
}
DOZE_FUZZ_TARGET(gossip, 15'000);
