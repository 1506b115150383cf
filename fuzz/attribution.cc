// Attribution data: from anywhere, and of a way of ours: then every node is told, and whoever changes a bit is found.
#include "onion/attribution.h"

#include "onion/failures.h"
#include "samples.h"

using namespace doze;

static std::vector<SharedSecret> secrets(std::size_t nodes) {
  std::vector<SharedSecret> out;
  for (std::size_t i = 0; i < nodes; ++i)
    out.emplace_back(std::array<std::uint8_t, 32>{static_cast<std::uint8_t>(i), 7});
  return out;
}

// First byte: the way's length; second: which node fails (high bit: or fulfils); then a failure, or attribution data.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  auto way = secrets(1 + data[0] % onion::kAttributionHops);
  std::size_t source = (data[1] & 0x7f) % way.size();
  bool fulfilled = (data[1] & 0x80) != 0;
  auto input = ByteView(data, size).subspan(2);
  if (auto foreign = onion::AttributionData::from(input)) {
    FUZZ_CHECK(onion::read_attribution(way, {}, *foreign).size() <= way.size());
    auto moved = onion::attribute(way[0], onion::HoldTime(3), {}, foreign);
    FUZZ_CHECK(onion::read_attribution(way, {}, moved).at(0) == onion::HoldTime(3));
    return 0;
  }
  if (input.size() > 256) return 0;
  Bytes reason;
  std::optional<onion::AttributionData> back;
  for (auto hop = source + 1; hop-- > 0;) {
    if (!fulfilled)
      reason = hop == source ? onion::create_failure(way[hop], input) : onion::wrap_failure(way[hop], reason);
    back = onion::attribute(way[hop], onion::HoldTime(static_cast<std::uint32_t>(hop)), reason, back);
  }
  auto times = onion::read_attribution(way, reason, *back);
  FUZZ_CHECK(times.size() == source + 1);
  for (std::size_t hop = 0; hop <= source; ++hop) FUZZ_CHECK(times[hop].value() == hop);
  if (fulfilled) return 0;
  auto bit = (input[0] << 8 | input[1]) % (reason.size() * 8);
  reason[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
  FUZZ_CHECK(onion::read_attribution(way, reason, *back).empty());
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  for (std::uint8_t source : {0, 4, 0x82, 19})
    out.push_back(fuzz::with_prefix({19, source}, onion::failure_message(onion::kTemporaryNodeFailure)));
  for (const auto& bytes : fuzz::vector_bytes("bolt04/attribution.json", onion::kAttributionBytes))
    if (bytes.size() == onion::kAttributionBytes) out.push_back(fuzz::with_prefix({4, 4}, bytes));
  return out;
}
DOZE_FUZZ_TARGET(attribution, 3'000);
