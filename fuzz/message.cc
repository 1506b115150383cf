// Wire messages, those that machines speak and those that none does: what decodes encodes, and that decodes to the
// same.
#include "samples.h"
#include "wire/messages_other.h"
#include "wire/test/shape_bytes.h"

using namespace doze;

/// nullopt: refused, with a reason.
template <class Decode, class Encode>
static auto round_trip(ByteView input, Decode decode, Encode encode) {
  auto message = decode(input);
  if (!message) {
    FUZZ_CHECK(!describe(message.error()).empty());
    return message;
  }
  auto bytes = encode(*message);
  auto again = decode(bytes);
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(again->index() == message->index());
  FUZZ_CHECK(encode(*again) == bytes);
  return message;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView input{data, size};
  auto message = round_trip(input, wire::decode, [](const wire::Message& each) { return wire::encode(each); });
  auto other = round_trip(input, wire::decode_other, wire::encode_other);
  if (message) {
    FUZZ_CHECK(wire::type_of(*message) == (data[0] << 8 | data[1]));
    FUZZ_CHECK(*wire::name(*message) != 0);
  }
  // No type is both.
  if (other) FUZZ_CHECK(!message || std::holds_alternative<wire::UnknownMessage>(*message));
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  for (const auto& message : fuzz::messages()) out.push_back(wire::encode(message));
  for (const auto& shape : wire::message_shapes()) out.push_back(wire::message_of(shape, fuzz::point(5)));
  fuzz::add(out, fuzz::vector_bytes("bolt07/extended-queries.json", 40));
  return out;
}
DOZE_FUZZ_TARGET(message, 150'000);
