// Blinded paths and the data inside: read and written the same; the arithmetic of fees stays within what was paid.
#include "crypto/crypto.h"
#include "onion/dummy_hops.h"
#include "samples.h"

using namespace doze;

static void arithmetic(Reader in) {
  std::vector<onion::PaymentRelay> relays(1 + in.u8() % 4);
  for (auto& relay : relays) {
    relay.cltv_expiry_delta = CltvDelta(in.u16());
    relay.fee_proportional_millionths = in.u32();
    relay.fee_base_msat = Msat(in.u32());
  }
  Msat amount(in.u64() % (Msat::max_money().value() + 1));
  CltvExpiry expiry(in.u32());
  auto final_delta = CltvDelta(in.u16());
  auto relayed = onion::relay(relays[0], amount, expiry);
  if (relayed) {
    FUZZ_CHECK(relayed->amount <= amount && relayed->expiry <= expiry);
    // BOLT 4 rounds up for the payer: what we forward and our fee on it come to what came, but for that.
    auto out = static_cast<__uint128_t>(relayed->amount.value());
    auto fee = relays[0].fee_base_msat.value() + out * relays[0].fee_proportional_millionths / 1'000'000;
    FUZZ_CHECK(out + fee <=
               static_cast<__uint128_t>(amount.value()) + 1 + relays[0].fee_proportional_millionths / 1'000'000);
  }
  // What the aggregate asks for is enough for every relay on the way.
  auto whole = onion::aggregate(relays, final_delta);
  if (!whole) return;
  Msat wanted(amount.value() / 1'000'000);
  auto total = static_cast<__uint128_t>(wanted.value()) * whole->fee_proportional_millionths;
  total = (total + 999'999) / 1'000'000 + whole->fee_base_msat + wanted.value();
  if (total > Msat::max_money().value()) return;
  Msat left(static_cast<std::uint64_t>(total));
  CltvExpiry time(whole->cltv_expiry_delta);
  for (const auto& relay : relays) {
    auto next = onion::relay(relay, left, time);
    FUZZ_CHECK(next.has_value());
    left = next->amount;
    time = next->expiry;
  }
  FUZZ_CHECK(left >= wanted && time.value() == final_delta.value());
}

/// In a path with dummy hops all data has one size, and says what it said.
static void hidden(onion::RecipientData data) {
  data.padding = 0;
  auto hops = onion::with_dummy_hops({{fuzz::point(31), {}}, {fuzz::point(32), data}}, 2, onion::PathUse::Payments);
  auto made = onion::padded(hops);
  FUZZ_CHECK(made.size() == 4);
  for (const auto& hop : made) FUZZ_CHECK(hop.data.size() == made[0].data.size());
  auto last = onion::decode_recipient_data(made[3].data);
  FUZZ_CHECK(last.has_value());
  last->padding = 0;
  FUZZ_CHECK(onion::encode(*last) == onion::encode(data));
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  ByteView input = ByteView(data, size).subspan(1);
  switch (data[0] % 5) {
    case 0:
      if (auto read = onion::decode_recipient_data(input)) {
        auto bytes = onion::encode(*read);
        auto again = onion::decode_recipient_data(bytes);
        FUZZ_CHECK(again && onion::encode(*again) == bytes);
        hidden(*read);
        FUZZ_CHECK(again->path_id == read->path_id && again->payment_relay == read->payment_relay &&
                   again->payment_constraints == read->payment_constraints && again->padding == read->padding);
      }
      break;
    case 1: {
      auto ecdh = [](const PublicKey& point) { return crypto::ecdh(fuzz::key(31), point); };
      FUZZ_CHECK(!onion::unblind(fuzz::point(32), input, ecdh));
      auto blinded = onion::blind(fuzz::key(33), {{fuzz::point(31), to_bytes(input)}});
      FUZZ_CHECK(blinded.has_value());
      auto opened = onion::unblind(blinded->first_path_key, blinded->path[0].encrypted_recipient_data, ecdh);
      FUZZ_CHECK(opened && equal(opened->data, input));
      break;
    }
    case 2: {
      auto paths = wire::read_blinded_paths(input);
      if (paths) FUZZ_CHECK(equal(wire::to_bytes(*paths), input));
      Reader in(input);
      if (auto one = wire::read_blinded_path(in)) FUZZ_CHECK(equal(wire::to_bytes(*one), input.first(in.at())));
      break;
    }
    case 3: {
      Reader in(input);
      if (auto info = wire::read_blinded_payinfo(in)) {
        Writer out;
        wire::write(out, *info);
        Reader back(out.view());
        auto again = wire::read_blinded_payinfo(back);
        FUZZ_CHECK(again && *again == *info && back.done() && out.size() == in.at());
      }
      break;
    }
    default:
      arithmetic(Reader(input));
  }
  return 0;
}

static fuzz::Seeds seeds() {
  onion::RecipientData all;
  all.padding = 3;
  all.short_channel_id = ShortChannelId(5);
  all.path_id = Bytes(40, 1);
  all.next_path_key_override = fuzz::point(34);
  all.payment_relay = onion::PaymentRelay{CltvDelta(72), 100, Msat(1'000)};
  all.payment_constraints = onion::PaymentConstraints{CltvExpiry(900), Msat(1)};
  all.allowed_features = Bytes{};
  fuzz::Seeds out{
      fuzz::with_prefix({0}, onion::encode(all)), fuzz::with_prefix({1}, onion::encode(all)),
      fuzz::with_prefix({2}, wire::to_bytes({fuzz::path(1), fuzz::path(2)})),
      fuzz::with_prefix({2}, wire::to_bytes(wire::BlindedPath{
                                 wire::ScidDir{1, ShortChannelId(7)}, fuzz::point(2), {{fuzz::point(3), {}}}}))};
  for (const auto& bytes : fuzz::vector_bytes("bolt04/route-blinding-test.json", 20)) {
    if (onion::decode_recipient_data(bytes)) out.push_back(fuzz::with_prefix({0}, bytes));
  }
  Writer info;
  wire::write(info, wire::BlindedPayInfo{1, 2, 3, Msat(4), Msat(5), Bytes{6}});
  out.push_back(fuzz::with_prefix({3}, info.view()));
  Writer numbers;
  numbers.u8(4).u8(3);
  for (int i = 0; i < 4; ++i) numbers.u16(40).u32(5'000).u32(1'000);
  numbers.u64(1'000'000'000'000).u32(500'000).u16(42);
  out.push_back(numbers.take());
  return out;
}
DOZE_FUZZ_TARGET(blinded, 20'000);
