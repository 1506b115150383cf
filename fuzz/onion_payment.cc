// Payment onions: bytes as a packet, or as the payload of a packet that is for us: then it comes out as it went in, and
// a payload that is understood is written so that it is understood the same.
#include "crypto/crypto.h"
#include "onion/failures.h"
#include "onion/payment_onion.h"
#include "samples.h"

using namespace doze;

static SharedSecret ecdh(const PublicKey& point) {
  return crypto::ecdh(fuzz::key(11), point);
}

static void payload(ByteView stream, bool last, bool through_path_key) {
  auto read = onion::decode_payload(stream, last, through_path_key);
  if (!read) return;
  FUZZ_CHECK(std::holds_alternative<onion::FinalPayload>(*read) == last);
  auto bytes = onion::encode(*read);
  auto again = onion::decode_payload(bytes, last, through_path_key);
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(onion::encode(*again) == bytes);
}

// First byte: bit 0 a packet or a payload, bit 1 the last hop, bit 2 behind a path key, bit 3 a payload with whatever
// length it says itself.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  ByteView input = ByteView(data, size).subspan(1);
  bool last = (data[0] & 2) != 0, through = (data[0] & 4) != 0;
  static const Bytes kAssociated(32, 0x42);
  if ((data[0] & 1) == 0) {
    auto peeled = onion::peel(input, kAssociated, ecdh);
    if (!peeled) {
      auto [error, secret] = peeled.error();
      FUZZ_CHECK(*onion::name(error) != 0);
      FUZZ_CHECK(secret.has_value() != ((onion::failure_code(error) & onion::kBadOnion) != 0));
      return 0;
    }
    FUZZ_CHECK(!peeled->next_packet || peeled->next_packet->size() == input.size());
    payload(peeled->payload, !peeled->next_packet, through);
    return 0;
  }
  if ((data[0] & 8) != 0) {
    auto packet = onion::build_packet(fuzz::key(13), {{fuzz::point(11), to_bytes(input)}}, kAssociated, 200);
    if (!packet) return 0;
    auto peeled = onion::peel(*packet, kAssociated, ecdh);
    if (peeled) FUZZ_CHECK(peeled->payload.size() >= 2 && peeled->payload.size() <= 200 - 32 - 1);
    return 0;
  }
  payload(input, last, through);
  std::vector<onion::Hop> hops{{fuzz::point(11), onion::with_length(input)}};
  if (!last) hops.push_back({fuzz::point(12), onion::with_length(Bytes(20, 1))});
  auto packet = onion::build_packet(fuzz::key(13), hops, kAssociated, onion::kPaymentPayloads);
  std::size_t room = 0;
  for (const auto& hop : hops) room += onion::room_of(hop.payload);
  FUZZ_CHECK(packet.has_value() == (room <= onion::kPaymentPayloads));
  if (!packet) return 0;
  FUZZ_CHECK(packet->size() == onion::kPaymentPayloads + onion::kPacketOverhead);
  auto peeled = onion::peel(*packet, kAssociated, ecdh);
  if (input.size() < 2) return 0;  // lengths 0 and 1 were other things once
  FUZZ_CHECK(peeled.has_value());
  FUZZ_CHECK(equal(peeled->payload, input));
  FUZZ_CHECK(peeled->next_packet.has_value() == !last);
  FUZZ_CHECK(!onion::peel(*packet, Bytes(32, 0x43), ecdh));
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  onion::FinalPayload final_payload{Msat(1'000), CltvExpiry(700), Msat(1'000)};
  final_payload.encrypted_recipient_data = Bytes(50, 3);
  final_payload.current_path_key = fuzz::point(14);
  final_payload.invoice_request = Bytes(60, 4);
  final_payload.payment_preimage = Preimage();
  onion::FinalPayload plain{Msat(1'000), CltvExpiry(700), Msat(1'000)};
  plain.payment_secret = Hash32{};
  plain.payment_metadata = Bytes{1, 2};
  std::vector<std::pair<std::uint8_t, onion::Payload>> payloads{
      {1, onion::ForwardPayload{Msat(1'000), CltvExpiry(700), ShortChannelId(5)}},
      {5, onion::BlindedForwardPayload{Bytes(50, 3), std::nullopt}},
      {1, onion::BlindedForwardPayload{Bytes(50, 3), fuzz::point(14)}},
      {3, final_payload},
      {3, plain}};
  final_payload.invoice_request_profile = Profile::Draft;
  payloads.emplace_back(3, final_payload);
  for (const auto& [mode, one] : payloads) out.push_back(fuzz::with_prefix({mode}, onion::encode(one)));
  std::vector<onion::Hop> hops{{fuzz::point(11), onion::with_length(onion::encode(payloads[0].second))},
                               {fuzz::point(12), onion::with_length(onion::encode(payloads[4].second))}};
  out.push_back(fuzz::with_prefix({9}, Bytes(9, 0xff)));  // a length that, with what is in front of it, is a small one
  out.push_back(fuzz::with_prefix({0}, *onion::build_packet(fuzz::key(13), hops, Bytes(32, 0x42), 200)));
  return out;
}
DOZE_FUZZ_TARGET(onion_payment, 3'000);
