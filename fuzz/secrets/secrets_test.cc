// Secrets cannot be printed, and what was used and dropped leaves nothing on the heap.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <ostream>
#include <string>

#include "bitcoin/keys.h"
#include "crypto/crypto.h"
#include "effects/value.h"
#include "keys/seed_signer.h"
#include "transport/noise.h"
#ifdef DOZE_WITH_DAEMON
#include <unistd.h>

#include <filesystem>

#include "app/datadir.h"
#endif

// ---- a heap that knows its blocks ----
namespace {

/// In front of each block.
struct alignas(16) Block {
  Block *before, *after;
  std::size_t size;
};
Block blocks{&blocks, &blocks, 0};
const std::uint8_t* needle = nullptr;
std::size_t needle_size = 0, freed_with_needle = 0;

bool holds_needle(const Block* block) {
  return needle != nullptr && ::memmem(block + 1, block->size, needle, needle_size) != nullptr;
}
void* take(std::size_t size) {
  auto* block = static_cast<Block*>(std::malloc(sizeof(Block) + size));
  if (block == nullptr) std::abort();
  *block = {&blocks, blocks.after, size};
  blocks.after->before = block;
  blocks.after = block;
  return block + 1;
}
void give_back(void* memory) {
  if (memory == nullptr) return;
  auto* block = static_cast<Block*>(memory) - 1;
  if (holds_needle(block)) ++freed_with_needle;
  block->before->after = block->after;
  block->after->before = block->before;
  std::free(block);
}

/// Looks for bytes that are nowhere on the heap themselves.
class Watch {
 public:
  explicit Watch(doze::ByteView bytes) {
    LN_ASSERT(bytes.size() <= sizeof kept_);
    std::copy(bytes.begin(), bytes.end(), kept_);
    needle = kept_;
    needle_size = bytes.size();
    freed_with_needle = 0;
  }
  ~Watch() { needle = nullptr; }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  [[nodiscard]] std::size_t freed() const { return freed_with_needle; }
  [[nodiscard]] std::size_t live() const {
    std::size_t count = 0;
    for (const auto* block = blocks.after; block != &blocks; block = block->after) count += holds_needle(block) ? 1 : 0;
    return count;
  }

 private:
  std::uint8_t kept_[256];
};

}  // namespace

void* operator new(std::size_t size) {
  return take(size);
}
void* operator new[](std::size_t size) {
  return take(size);
}
void operator delete(void* memory) noexcept {
  give_back(memory);
}
void operator delete[](void* memory) noexcept {
  give_back(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  give_back(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  give_back(memory);
}

namespace doze {
namespace {

// ---- types ----
template <class T>
concept Streams = requires(std::ostream& out, const T& value) { out << value; };
template <class T>
concept HasHex = requires(const T& value) { value.hex(); };
template <class T>
concept Ordered = requires(const T& a, const T& b) { a < b; };

template <class T>
constexpr bool kKeptToItself = !Streams<T> && !HasHex<T> && !Ordered<T> && !std::is_convertible_v<T, ByteView> &&
                               !std::is_convertible_v<T, Bytes> && !std::is_convertible_v<T, std::string> &&
                               !std::is_convertible_v<T, std::string_view> && !std::is_convertible_v<T, bool> &&
                               !std::is_constructible_v<Value, T> && !std::is_trivially_destructible_v<T>;
static_assert(kKeptToItself<PrivateKey> && kKeptToItself<SharedSecret> && kKeptToItself<Preimage>);
static_assert(kKeptToItself<Secret> && kKeptToItself<bitcoin::ExtendedKey>);
static_assert(!kKeptToItself<Hash32> && !kKeptToItself<std::string>);  // the check itself can fail

/// Whether an expression is constant time is what constant_time.cc asks; here: it compares every byte.
TEST(SecretTypes, differ_by_any_byte) {
  const Secret zero;
  for (std::size_t i = 0; i < 32; ++i) {
    Secret other;
    other.raw()[i] = 1;
    EXPECT_FALSE(other == zero) << i;
  }
  EXPECT_TRUE(Secret() == zero);
}

// ---- memory ----
constexpr std::string_view kWords =
    "legal winner thank year wave sausage worth useful legal winner thank yellow";  // BIP 39's second vector
constexpr std::array<std::uint8_t, 16> kEntropy{0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f,
                                                0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f};

std::array<std::uint8_t, 64> seed_of_words() {
  return bitcoin::seed_from_mnemonic(kWords);
}
/// Each key on the way from the seed to the keys of the node.
std::vector<bitcoin::ExtendedKey> keys_on_the_way() {
  std::vector<bitcoin::ExtendedKey> out{*bitcoin::master_key(seed_of_words())};
  const auto root = out[0];
  for (std::vector<std::uint32_t> path : {std::vector<std::uint32_t>{84, 1, 0}, {1017, 1, 0}, {1017, 1, 1}})
    for (std::size_t steps = 1; steps <= path.size(); ++steps) {
      auto hardened = path;
      hardened.resize(steps);
      for (auto& step : hardened) step |= bitcoin::kHardened;
      out.push_back(*bitcoin::derive_path(root, hardened));
    }
  return out;
}

TEST(Memory, the_watch_sees_what_is_left_behind) {
  Watch watch(kEntropy);
  auto* kept = new Bytes(kEntropy.begin(), kEntropy.end());
  EXPECT_EQ(watch.live(), 1U);
  delete kept;
  EXPECT_EQ(watch.live(), 0U);
  EXPECT_EQ(watch.freed(), 1U);
}

TEST(Memory, seed_words_leave_no_entropy_behind) {
  Watch watch(kEntropy);
  {
    auto entropy = bitcoin::entropy_from_mnemonic(kWords);
    ASSERT_TRUE(entropy.has_value());
    crypto::wipe(*entropy);
    ASSERT_FALSE(
        bitcoin::entropy_from_mnemonic("legal winner thank year wave sausage worth useful legal winner thank "
                                       "thank"));  // the same entropy, a wrong checksum
  }
  EXPECT_EQ(watch.freed(), 0U);
  EXPECT_EQ(watch.live(), 0U);
}

TEST(Memory, the_signer_leaves_neither_seed_nor_keys_behind) {
  auto seed = seed_of_words();
  auto ways = keys_on_the_way();
  for (std::size_t i = 0; i <= ways.size(); ++i) {
    SCOPED_TRACE(i);
    auto looked_for = i == ways.size() ? ByteView(seed) : ways[i].key.reveal();
    Watch watch(looked_for);
    auto before = watch.live();
    auto signer = make_seed_signer(seed, wire::Network::Regtest);
    // What is kept is kept once: the node key, and the key of all other secrets.
    bool kept = i == 6 || i == 9;
    EXPECT_EQ(watch.live() - before, kept ? 1U : 0U);
    (void)signer->secret(SecretUse::Payer);
    (void)signer->channel(3)->per_commitment_point(7);
    (void)signer->sign_with_wallet_key(true, 5, Hash32{});
    signer.reset();
    EXPECT_EQ(watch.live(), before);
    EXPECT_EQ(watch.freed(), 0U);
  }
}

TEST(Memory, a_handshake_forgets_its_ephemeral_key) {
  auto filled = [](std::uint8_t byte) {
    std::array<std::uint8_t, 32> bytes{};
    bytes.fill(byte);
    return PrivateKey(bytes);
  };
  auto with = [](const PrivateKey& key) { return [key](const PublicKey& point) { return crypto::ecdh(key, point); }; };
  auto node_a = filled(0x41), node_b = filled(0x42);
  for (std::uint8_t which : {0x43, 0x44}) {
    auto ephemeral = filled(which);
    Watch watch(ephemeral.reveal());
    {
      auto a = std::make_unique<transport::Transport>(transport::Transport::initiator(
          crypto::public_key(node_b), crypto::public_key(node_a), with(node_a), filled(0x43)));
      auto b = std::make_unique<transport::Transport>(
          transport::Transport::responder(crypto::public_key(node_b), with(node_b), filled(0x44)));
      EXPECT_EQ(watch.live(), 1U);
      ASSERT_TRUE(b->feed(a->take_output()) && a->feed(b->take_output()) && b->feed(a->take_output()));
      ASSERT_TRUE(a->ready() && b->ready());
      EXPECT_EQ(watch.live(), 0U);
    }
    EXPECT_EQ(watch.freed(), 0U);
  }
}

#ifdef DOZE_WITH_DAEMON
TEST(Memory, reading_the_seed_file_leaves_no_word_behind) {
  char folder[] = "/tmp/doze-secrets-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  ASSERT_TRUE(app::restore_datadir(folder, {}, std::string(kWords)).has_value());
  auto seed = seed_of_words();
  for (auto looked_for :
       {bytes_of(kWords.substr(0, 31)), bytes_of(kWords.substr(40)), ByteView(kEntropy), ByteView(seed)}) {
    Watch watch(looked_for);
    {
      auto read = app::read_seed(folder);
      ASSERT_TRUE(read.has_value());
      EXPECT_EQ(read->seed, seed);
    }
    EXPECT_EQ(watch.freed(), 0U);
    EXPECT_EQ(watch.live(), 0U);
  }
  std::filesystem::remove_all(folder);
}
#endif

}  // namespace
}  // namespace doze
