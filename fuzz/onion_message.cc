// Onion messages: a packet from anywhere; what one of our TLVs says; and any payload inside a packet that is for us.
#include "onion/onion_message.h"

#include "crypto/crypto.h"
#include "onion/own_path.h"
#include "onion/release_path.h"
#include "samples.h"
#include "wire/tlv.h"

using namespace doze;

static SharedSecret tweaked_ecdh(const PublicKey& point, const Hash32* tweak) {
  auto ours = fuzz::key(21);
  if (tweak != nullptr) {
    auto product = crypto::tweak_mul(ours, tweak->view());
    FUZZ_CHECK(product.has_value());
    ours = *product;
  }
  return crypto::ecdh(ours, point);
}
static bool is_us(const onion::NextNode& next) {
  if (const auto* node = std::get_if<NodeId>(&next)) return *node == fuzz::point(21);
  return std::get<ShortChannelId>(next) == ShortChannelId(21);
}
static auto peel(const wire::OnionMessage& message) {
  return onion::peel_message(message, tweaked_ecdh, is_us);
}

static void packet(ByteView input) {
  Reader in(input);
  wire::OnionMessage message;
  message.path_key.bytes = in.array<33>();
  message.onion_message_packet = to_bytes(in.rest());
  if (!in.ok()) return;
  auto peeled = peel(message);
  if (!peeled) FUZZ_CHECK(*onion::name(peeled.error()) != 0);
  if (peeled)
    if (const auto* relay = std::get_if<onion::RelayMessage>(&*peeled))
      FUZZ_CHECK(relay->message.onion_message_packet.size() == message.onion_message_packet.size());
}

static void contents(ByteView input) {
  static constexpr std::uint64_t kTypes[] = {64,    66,    68,    70,    72,    74,    75540, 75542,
                                             75544, 75546, 65540, 65542, 65544, 65546, 76};
  if (input.empty()) return;
  auto type = kTypes[input[0] % std::size(kTypes)];
  auto read = onion::decode_contents(type, input.subspan(1));
  if (!read) return;
  auto written = onion::encode(*read);
  FUZZ_CHECK(written.type == type);
  auto again = onion::decode_contents(written.type, written.value);
  FUZZ_CHECK(again && again->index() == read->index());
  FUZZ_CHECK(onion::encode(*again).value == written.value);
  // To ourselves and back.
  auto to_us = onion::path_to_node(fuzz::key(22), fuzz::point(21));
  FUZZ_CHECK(to_us.has_value());
  auto built = onion::build_message(fuzz::key(23), fuzz::key(24), {}, fuzz::point(21), *to_us, {*read, fuzz::path(25)});
  if (!built) return;  // fits into no packet
  auto peeled = peel(*built);
  FUZZ_CHECK(peeled.has_value());
  const auto& received = std::get<onion::ReceivedMessage>(*peeled);
  FUZZ_CHECK(onion::encode(received.contents).value == written.value);
  FUZZ_CHECK(received.reply_path == fuzz::path(25));
}

static void payload(ByteView input) {
  auto records = wire::parse_tlv_stream(input);
  if (!records) return;
  auto blinded =
      onion::blind(fuzz::key(26), {{fuzz::point(21), onion::encode(onion::RecipientData{.path_id = Bytes{1, 2, 3}})}});
  FUZZ_CHECK(blinded.has_value());
  wire::TlvWriter stream;
  bool written = false;
  for (const auto& record : *records) {
    if (!written && record.type >= 4) {
      stream.add(4, blinded->path[0].encrypted_recipient_data);
      written = true;
    }
    if (record.type != 4) stream.add(record.type, record.value);
  }
  if (!written) stream.add(4, blinded->path[0].encrypted_recipient_data);
  auto made =
      onion::build_packet(fuzz::key(27), {{blinded->path[0].blinded_node_id, onion::with_length(stream.take())}}, {},
                          onion::kPaymentPayloads);
  if (!made) return;
  auto peeled = peel({blinded->first_path_key, *made});
  if (!peeled) {
    FUZZ_CHECK(peeled.error() != onion::MessageRefusal::NotForUs);
    return;
  }
  FUZZ_CHECK(std::get<onion::ReceivedMessage>(*peeled).path_id == Bytes({1, 2, 3}));
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  ByteView input = ByteView(data, size).subspan(1);
  if (data[0] % 4 == 0) packet(input);
  if (data[0] % 4 == 1) contents(input);
  if (data[0] % 4 == 2) payload(input);
  // What somebody else made is no context of ours.
  if (data[0] % 4 == 3) {
    Secret secret(std::array<std::uint8_t, 32>{5});
    FUZZ_CHECK(!onion::read_release_context(secret, input));
    FUZZ_CHECK(!onion::open_context(secret, 1, input));
    auto sealed = onion::seal_context(secret, 1, input);
    FUZZ_CHECK(onion::open_context(secret, 1, sealed) == to_bytes(input) && !onion::open_context(secret, 2, sealed));
  }
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  std::vector<std::pair<std::uint8_t, onion::MessageContents>> samples{
      {0, onion::InvoiceRequest{fuzz::invoice_request().bytes()}},
      {1, onion::Invoice{fuzz::invoice().bytes()}},
      {2, onion::InvoiceError{hex("05026e6f"), Profile::Ldk}},
      {2, onion::InvoiceError{hex("05026e6f"), Profile::Draft}},
      {3, onion::StaticInvoice{fuzz::static_invoice(Profile::Ldk).bytes()}},
      {4, onion::HeldHtlcAvailable{}},
      {5, onion::ReleaseHeldHtlc{}},
      {4, onion::HeldHtlcAvailable{Profile::Draft}}};
  for (auto profile : {Profile::Ldk, Profile::Draft}) {
    std::uint8_t first = profile == Profile::Ldk ? 6 : 10;
    samples.emplace_back(first, onion::OfferPathsRequest{3, profile});
    samples.emplace_back(first + 1, onion::OfferPaths{{fuzz::path(1), fuzz::path(2)}, fuzz::kNow, profile});
    samples.emplace_back(first + 2,
                         onion::ServeStaticInvoice{fuzz::static_invoice(profile).bytes(), fuzz::path(3), profile});
    samples.emplace_back(first + 3, onion::StaticInvoicePersisted{profile});
  }
  auto to_us = onion::path_to_node(fuzz::key(22), fuzz::point(21));
  for (const auto& [type, one] : samples) {
    auto tlv = onion::encode(one);
    out.push_back(fuzz::with_prefix({1, type}, tlv.value));
    out.push_back(fuzz::with_prefix(
        {2}, wire::TlvWriter().add(2, wire::to_bytes(fuzz::path(4))).add(tlv.type, tlv.value).take()));
  }
  auto message = onion::build_message(fuzz::key(23), fuzz::key(24), {}, fuzz::point(21), *to_us,
                                      {onion::HeldHtlcAvailable{}, std::nullopt});
  auto bytes = to_bytes(message->path_key.view());
  append(bytes, message->onion_message_packet);
  out.push_back(fuzz::with_prefix({0}, bytes));
  out.push_back(fuzz::with_prefix({3}, Bytes(56, 1)));
  return out;
}
DOZE_FUZZ_TARGET(onion_message, 2'500);
