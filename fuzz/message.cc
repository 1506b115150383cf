// Wire messages: what decodes encodes, and that decodes to the same.
#include "samples.h"
#include "wire/messages.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto message = wire::decode({data, size});
  if (!message) {
    FUZZ_CHECK(!describe(message.error()).empty());
    return 0;
  }
  FUZZ_CHECK(wire::type_of(*message) == (data[0] << 8 | data[1]));
  FUZZ_CHECK(*wire::name(*message) != 0);
  auto bytes = wire::encode(*message);
  auto again = wire::decode(bytes);
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(again->index() == message->index());
  FUZZ_CHECK(wire::encode(*again) == bytes);
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  for (const auto& message : fuzz::messages()) out.push_back(wire::encode(message));
  fuzz::add(out, fuzz::vector_bytes("bolt07/extended-queries.json", 40));
  return out;
}
DOZE_FUZZ_TARGET(message, 150'000);
