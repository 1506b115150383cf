// Where nodes are dialled, as text and as descriptors: what is read is written so that it reads the same.
#include "wire/address.h"

#include "samples.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView input(data, size);
  if (auto address = wire::parse_address(fuzz::as_text(input))) {
    FUZZ_CHECK(address->port != 0);
    auto text = wire::to_text(*address);
    FUZZ_CHECK(text.size() <= size + 40);
    FUZZ_CHECK(wire::parse_address(text) == address);
    for (char c : text) FUZZ_CHECK(c > ' ' && c < 127);
    auto read = wire::read_addresses(wire::to_bytes({*address}));
    FUZZ_CHECK(read && read->size() == 1 && read->front() == *address);
  }
  if (auto addresses = wire::read_addresses(input)) {
    auto bytes = wire::to_bytes(*addresses);
    FUZZ_CHECK(bytes.size() <= size);
    auto again = wire::read_addresses(bytes);
    FUZZ_CHECK(again && *again == *addresses);
    for (const auto& address : *addresses)
      for (char c : wire::to_text(address)) FUZZ_CHECK(c > ' ' && c < 127);
  }
  return 0;
}

static fuzz::Seeds seeds() {
  auto out = fuzz::texts({"127.0.0.1:9735", "[2001:db8::1]:9735", "node.example:1", "localhost:65535",
                          "vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd.onion:9735"});
  for (auto text : fuzz::Seeds(out))
    if (auto address = wire::parse_address(fuzz::as_text(text))) out.push_back(wire::to_bytes({*address, *address}));
  out.push_back(hex("0100000000000103000102030405060708090a0b0c"));
  return out;
}
DOZE_FUZZ_TARGET(address, 150'000);
