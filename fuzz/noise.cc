// BOLT 8. Mode 0: bytes from anywhere to a responder; 1: to an initiator; 2: our own conversation in pieces of any
// size, which arrives whole and in order; 3: the same with one byte changed, of which no changed message arrives.
#include "transport/noise.h"
#include "crypto/crypto.h"
#include "samples.h"

using namespace doze;

static transport::Ecdh with(std::uint8_t key) {
  return [key](const PublicKey& point) { return crypto::ecdh(fuzz::key(key), point); };
}
static transport::Transport initiator() {
  return transport::Transport::initiator(fuzz::point(42), fuzz::point(41), with(41), fuzz::key(43));
}
static transport::Transport responder() {
  return transport::Transport::responder(fuzz::point(42), with(42), fuzz::key(44));
}

static void from_anywhere(transport::Transport transport, ByteView input) {
  Reader in(input);
  bool refused = false;
  while (in.remaining() != 0) {
    std::size_t size = in.u8() % 64 + 1;
    auto status = transport.feed(in.bytes(std::min(size, in.remaining())));
    FUZZ_CHECK(!refused || !status);
    refused = refused || !status;
    if (!status) FUZZ_CHECK(*transport::name(status.error().error) != 0);
  }
  FUZZ_CHECK(!transport.ready() && transport.take_messages().empty());
}

static void conversation(ByteView input, bool change) {
  Reader in(input);
  auto where = in.u16();
  auto a = initiator(), b = responder();
  FUZZ_CHECK(b.feed(a.take_output()) && a.feed(b.take_output()) && b.feed(a.take_output()));
  FUZZ_CHECK(a.ready() && b.ready() && b.remote() == fuzz::point(41));
  std::vector<Bytes> sent;
  while (in.remaining() != 0 && sent.size() < 20) {
    sent.push_back(to_bytes(in.bytes(std::min<std::size_t>(in.u8() * 3, in.remaining()))));
    a.send(sent.back());
  }
  auto bytes = a.take_output();
  if (bytes.empty()) return;
  if (change) bytes[where % bytes.size()] ^= 1;
  std::vector<Bytes> got;
  bool refused = false;
  for (std::size_t at = 0; at < bytes.size();) {
    auto size = std::min<std::size_t>(bytes.size() - at, 1 + (where + at) % 97);
    auto status = b.feed(ByteView(bytes).subspan(at, size));
    refused = refused || !status;
    for (auto& message : b.take_messages()) got.push_back(std::move(message));
    at += size;
  }
  FUZZ_CHECK(refused == change);
  FUZZ_CHECK(got.size() <= sent.size() && (change ? got.size() < sent.size() : got.size() == sent.size()));
  for (std::size_t i = 0; i < got.size(); ++i) FUZZ_CHECK(got[i] == sent[i]);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  ByteView input = ByteView(data, size).subspan(1);
  switch (data[0] % 4) {
    case 0:
      from_anywhere(responder(), input);
      break;
    case 1:
      from_anywhere(initiator(), input);
      break;
    default:
      conversation(input, data[0] % 4 == 3);
  }
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  // Act one of somebody who means another node, in one piece; the published acts.
  auto a = transport::Transport::initiator(fuzz::point(45), fuzz::point(41), with(41), fuzz::key(43));
  out.push_back(fuzz::with_prefix({0, 49}, a.take_output()));
  for (const auto& bytes : fuzz::vector_bytes("bolt08/handshake.json", 50))
    for (std::uint8_t mode : {0, 1}) out.push_back(fuzz::with_prefix({mode, 49}, bytes));
  Bytes talk{0, 7, 2, 'h', 'e', 'l', 'l', 'o', '!', 0, 30};
  for (std::uint8_t i = 0; i < 200; ++i) talk.push_back(i);
  for (std::uint8_t mode : {2, 3}) out.push_back(fuzz::with_prefix({mode}, talk));
  return out;
}
DOZE_FUZZ_TARGET(noise, 2'500);
