// Runs under valgrind's memcheck with secrets marked as undefined: there a branch or an address that depends on one is
// an error, as in ctgrind. What libraries do inside is theirs. Whether a key or a MAC is good is no secret, and what
// crypto makes public or deciphers is none any more: those results are declared to be known (public_results.cc).
//
// constant_time [--canary]: a line a case, exit code 1 if one depends on a secret. The canary does so on purpose.
// constant_time --failure HOP LENGTH: reads one failure of node HOP of a way of LENGTH nodes, for callgrind to count.
#include <valgrind/memcheck.h>

#include <cstdio>
#include <cstring>
#include <functional>
#include <string>

#include "bitcoin/keys.h"
#include "commitment/keys.h"
#include "commitment/shachain.h"
#include "commitment/signer.h"
#include "crypto/crypto.h"
#include "keys/seed_signer.h"
#include "onion/failures.h"
#include "onion/onion_message.h"
#include "onion/own_path.h"
#include "onion/route_blinding.h"
#include "onion/sphinx.h"
#include "paths/own_paths.h"
#include "transport/noise.h"

namespace doze {
namespace {

template <class T>
T secret(T value) {
  VALGRIND_MAKE_MEM_UNDEFINED(&value, sizeof value);
  return value;
}
template <class T>
T known(T value) {
  VALGRIND_MAKE_MEM_DEFINED(&value, sizeof value);
  return value;
}
std::array<std::uint8_t, 32> filled(std::uint8_t byte) {
  std::array<std::uint8_t, 32> out{};
  out.fill(byte);
  return out;
}
template <class T>
T secret_of(std::uint8_t byte) {
  return secret(T(filled(byte)));
}
PublicKey point(std::uint8_t byte) {
  return crypto::public_key(PrivateKey(filled(byte)));
}
onion::Ecdh secret_ecdh(std::uint8_t byte) {
  return [byte](const PublicKey& point) { return secret(crypto::ecdh(PrivateKey(filled(byte)), point)); };
}

void compares() {
  auto a = secret_of<Secret>(1), b = secret_of<Secret>(2);
  (void)known(a == b);
  (void)known(a == a);
  (void)crypto::equal_constant_time(a.reveal(), b.reveal());  // the API's token, MACs, payment_secret
}
void writes_hex() {
  auto key = secret_of<Secret>(0x9c);
  (void)to_hex(key.reveal());
}
void derives_node_keys() {
  auto seed = secret(std::array<std::uint8_t, 64>{7});
  auto signer = make_seed_signer(seed, wire::Network::Regtest);
  (void)signer->node_ecdh(point(3));
  (void)signer->node_ecdh_tweaked(point(3), filled(4));
  (void)signer->node_key_times(secret_of<Secret>(4).reveal());
  (void)signer->sign_with_node_key(Hash32{});
  (void)signer->sign_with_wallet_key(true, 7, Hash32{});
  auto channel = signer->channel(5);
  (void)channel->per_commitment_point(9);
  (void)channel->sign_announcement(Hash32{});
}
void derives_bip32_keys() {
  auto root = bitcoin::master_key(secret(std::array<std::uint8_t, 64>{7}));
  const std::uint32_t path[] = {84 | bitcoin::kHardened, 3};
  (void)bitcoin::derive_path(*root, path);
}
void derives_channel_keys() {
  auto signer = commitment::make_signer(secret_of<Secret>(8));
  (void)signer->per_commitment_point(77);
  (void)commitment::derive_private_key(secret_of<PrivateKey>(5), point(5), point(6));
  (void)commitment::derive_revocation_private_key(secret_of<PrivateKey>(5), secret_of<PrivateKey>(6));
}
void walks_the_shachain() {
  auto seed = secret_of<Secret>(3);
  for (std::uint64_t index : {0ULL, 1ULL, 0xaaaaaaaaaaaULL, 0xffffffffffffULL})
    (void)commitment::secret_from_seed(seed, index);
}
void peels_onions() {
  onion::Hop hop{point(9), onion::with_length(Bytes{1, 1, 5})};
  auto packet = onion::build_packet(PrivateKey(filled(10)), {hop, hop}, {}, onion::kPaymentPayloads);
  LN_ASSERT(packet && onion::peel(*packet, {}, secret_ecdh(9)));
  packet->back() ^= 1;
  LN_ASSERT(!onion::peel(*packet, {}, secret_ecdh(9)));
}
void builds_onions() {
  onion::Hop hop{point(9), onion::with_length(Bytes{1, 1, 5})};
  LN_ASSERT(onion::build_packet(secret_of<PrivateKey>(10), {hop, hop}, {}, onion::kPaymentPayloads));
}
void blinds_and_unblinds() {
  auto path = onion::blind(secret_of<PrivateKey>(11), {{point(12), Bytes{1, 2}}, {point(13), Bytes{3}}});
  auto first = known(path->first_path_key);
  LN_ASSERT(onion::unblind(first, path->path[0].encrypted_recipient_data, secret_ecdh(12)));
  LN_ASSERT(!onion::unblind(first, path->path[1].encrypted_recipient_data, secret_ecdh(12)));
}
void judges_failures() {
  std::vector<SharedSecret> secrets{secret_of<SharedSecret>(1), secret_of<SharedSecret>(2)};
  auto reason = onion::wrap_failure(secrets[0], onion::create_failure(secrets[1], onion::failure_message(0x2002)));
  LN_ASSERT(onion::decode_failure(secrets, reason));
  reason[40] ^= 1;
  LN_ASSERT(!onion::decode_failure(secrets, reason));
}
void opens_contexts() {
  auto key = secret_of<Secret>(14);
  auto sealed = onion::seal_context(key, 3, Bytes{1, 2, 3});
  VALGRIND_MAKE_MEM_DEFINED(sealed.data(), sealed.size());  // they go to others
  LN_ASSERT(onion::open_context(key, 3, sealed));
  sealed[4] ^= 1;
  LN_ASSERT(!onion::open_context(key, 3, sealed));
}
void shakes_hands() {
  auto ecdh = [](std::uint8_t byte) { return transport::Ecdh(secret_ecdh(byte)); };
  auto a = transport::Transport::initiator(point(22), point(21), ecdh(21), secret_of<PrivateKey>(23));
  auto b = transport::Transport::responder(point(22), ecdh(22), secret_of<PrivateKey>(24));
  LN_ASSERT(b.feed(a.take_output()) && a.feed(b.take_output()) && b.feed(a.take_output()));
  a.send(Bytes{1, 2, 3});
  LN_ASSERT(b.feed(a.take_output()) && b.take_messages().size() == 1);
}

// ---- what the check must see ----
void canary_branch() {
  volatile int sink = 0;
  if (secret_of<Secret>(1).reveal()[3] == 1) sink = 1;
  (void)sink;
}
void canary_compare() {
  auto a = secret_of<Secret>(1), b = secret_of<Secret>(2);
  (void)known(equal(a.reveal(), b.reveal()));  // ends at the first difference
}
void canary_table() {
  static const std::uint8_t kTable[256] = {1};
  volatile std::uint8_t sink = kTable[secret_of<Secret>(1).reveal()[0]];
  (void)sink;
}

struct Case {
  const char* name;
  void (*run)();
};
constexpr Case kCases[] = {{"compares", compares},
                           {"writes hex", writes_hex},
                           {"derives node keys", derives_node_keys},
                           {"derives BIP 32 keys", derives_bip32_keys},
                           {"derives channel keys", derives_channel_keys},
                           {"walks the shachain", walks_the_shachain},
                           {"peels onions", peels_onions},
                           {"builds onions", builds_onions},
                           {"blinds and unblinds", blinds_and_unblinds},
                           {"judges failures", judges_failures},
                           {"opens contexts", opens_contexts},
                           {"shakes hands", shakes_hands}};
constexpr Case kCanaries[] = {
    {"canary: a branch", canary_branch}, {"canary: an early end", canary_compare}, {"canary: a table", canary_table}};

/// Which hop it was and how long the way is are no memory that could be marked: the instructions are counted instead.
int read_one_failure(std::size_t hop, std::size_t length) {
  std::vector<SharedSecret> secrets;
  for (std::size_t i = 0; i < length; ++i) secrets.emplace_back(filled(static_cast<std::uint8_t>(i + 1)));
  auto reason = onion::create_failure(secrets.at(hop), onion::failure_message(0x2002));
  for (std::size_t i = hop; i > 0; --i) reason = onion::wrap_failure(secrets[i - 1], reason);
  auto read = onion::decode_failure(secrets, reason);
  return read && read->hop == hop ? 0 : 1;
}

/// Of these, how many depend on secrets.
int run(std::span<const Case> cases) {
  int bad = 0;
  for (const auto& each : cases) {
    auto before = VALGRIND_COUNT_ERRORS;
    each.run();
    auto errors = VALGRIND_COUNT_ERRORS - before;
    std::printf("%s: %s\n", each.name, errors == 0 ? "constant time" : "DEPENDS ON A SECRET");
    bad += errors == 0 ? 0 : 1;
  }
  return bad;
}

}  // namespace
}  // namespace doze

int main(int count, char** values) {
  if (!RUNNING_ON_VALGRIND) {
    std::fputs("constant_time: only valgrind sees anything: scripts/constant-time\n", stderr);
    return 2;
  }
  if (count == 4 && std::strcmp(values[1], "--failure") == 0)
    return doze::read_one_failure(std::stoul(values[2]), std::stoul(values[3]));
  bool canary = count > 1 && std::strcmp(values[1], "--canary") == 0;
  return doze::run(canary ? std::span<const doze::Case>(doze::kCanaries) : doze::kCases) == 0 ? 0 : 1;
}
