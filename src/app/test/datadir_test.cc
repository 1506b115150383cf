// The node's folder: what is in it, and that nobody else reads it.
#include "app/datadir.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "bitcoin/keys.h"
#include "keys/seed_signer.h"

namespace doze::app {
namespace {

class Datadir : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "doze-datadir-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    parent = name;
    folder = parent + "/node";
    before = ::umask(0);  // the worst that a user can have
  }
  void TearDown() override {
    ::umask(before);
    std::filesystem::remove_all(parent);
  }
  [[nodiscard]] unsigned mode(const std::string& name) const {
    struct stat info {};
    EXPECT_EQ(::stat((folder + name).c_str(), &info), 0) << name;
    return info.st_mode & 0777;
  }
  std::string parent, folder;
  mode_t before = 0;
};

TEST_F(Datadir, IsMadeForItsOwnerOnly) {
  auto words = init_datadir(folder, {});
  ASSERT_TRUE(words) << words.error();
  EXPECT_EQ(mode(""), 0700U);
  EXPECT_EQ(mode("/seed"), 0600U);
  EXPECT_EQ(mode("/doze.toml"), 0600U);
  auto token = read_token(folder, true);
  ASSERT_TRUE(token) << token.error();
  EXPECT_EQ(mode("/api-token"), 0600U);
  EXPECT_EQ(token->size(), 64U);
  EXPECT_EQ(*read_token(folder, false), *token);
  EXPECT_TRUE(read_settings(folder));
}

/// How often three words in a row of the folder's seed stand in this process's writable memory. The words are compared
/// in a disguise, so that the search does not find itself.
std::size_t copies_in_memory(const std::string& folder) {
  constexpr char kDisguise = 0x5a;
  std::array<char, 512> hidden{};
  int file = ::open((folder + "/seed").c_str(), O_RDONLY);
  auto size = ::read(file, hidden.data(), hidden.size());
  ::close(file);
  for (auto& c : hidden) c = static_cast<char>(c ^ kDisguise);
  std::size_t length = 0;
  for (int spaces = 0; length < static_cast<std::size_t>(size); ++length)
    if ((hidden[length] ^ kDisguise) == ' ' && ++spaces == 3) break;
  std::size_t found = 0;
  std::ifstream maps("/proc/self/maps");
  int memory = ::open("/proc/self/mem", O_RDONLY);
  static std::array<char, 1 << 16> part;
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0, end = 0;
    char mode[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, mode) != 3 || mode[0] != 'r' || mode[1] != 'w') continue;
    for (auto at = begin; at < end; at += part.size() - length) {
      auto got = ::pread(memory, part.data(), std::min<std::size_t>(part.size(), end - at), static_cast<off_t>(at));
      for (std::size_t i = 0; got > 0 && i + length <= static_cast<std::size_t>(got); ++i) {
        std::size_t same = 0;
        while (same < length && (part[i + same] ^ kDisguise) == hidden[same]) ++same;
        found += same == length ? 1 : 0;
      }
      explicit_bzero(part.data(), part.size());
    }
  }
  ::close(memory);
  return found;
}

TEST_F(Datadir, TheWordsAreGoneFromMemoryWhenTheyHaveBeenShown) {
  {
    auto words = init_datadir(folder, {});
    ASSERT_TRUE(words) << words.error();
    EXPECT_GE(copies_in_memory(folder), 1U) << "the search does not find what is there";
  }
  EXPECT_EQ(copies_in_memory(folder), 0U);
}

TEST_F(Datadir, TheWordsOfARestoreAreGoneFromMemory) {
  std::string again = parent + "/again";
  {
    auto words = init_datadir(folder, {});
    ASSERT_TRUE(words);
    ASSERT_TRUE(restore_datadir(again, {}, words->view()));
  }
  EXPECT_EQ(copies_in_memory(again), 0U);
}

TEST_F(Datadir, SeedIsTheOneOfTheWords) {
  auto words = init_datadir(folder, {});
  ASSERT_TRUE(words);
  auto seed = read_seed(folder);
  ASSERT_TRUE(seed) << seed.error();
  EXPECT_EQ(seed->seed, bitcoin::seed_from_mnemonic(words->view()));
  EXPECT_EQ(bitcoin::entropy_from_mnemonic(words->view())->size(), 16U);
}

TEST_F(Datadir, ExistingSeedIsNeverReplaced) {
  auto words = init_datadir(folder, {});
  ASSERT_TRUE(words);
  auto again = init_datadir(folder, {});
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().find("seed exists already"), std::string::npos);
  EXPECT_EQ(read_seed(folder)->seed, bitcoin::seed_from_mnemonic(words->view()));
}

TEST_F(Datadir, FilesThatOthersCanReadAreRefused) {
  ASSERT_TRUE(init_datadir(folder, {}));
  ASSERT_TRUE(read_token(folder, true));
  for (mode_t wrong : {0640, 0604, 0620}) {
    ASSERT_EQ(::chmod((folder + "/seed").c_str(), wrong), 0);
    ASSERT_EQ(::chmod((folder + "/api-token").c_str(), wrong), 0);
    auto seed = read_seed(folder);
    ASSERT_FALSE(seed);
    EXPECT_NE(seed.error().find("chmod 600"), std::string::npos);
    EXPECT_FALSE(read_token(folder, true));
  }
}

TEST_F(Datadir, SettingsThatOthersCanReadAreRefused) {
  ASSERT_TRUE(init_datadir(folder, {}));
  for (mode_t wrong : {0644, 0640, 0620}) {
    ASSERT_EQ(::chmod((folder + "/doze.toml").c_str(), wrong), 0);
    auto settings = read_settings(folder);
    ASSERT_FALSE(settings);
    EXPECT_NE(settings.error().find("chmod 600"), std::string::npos);
    EXPECT_EQ(settings.error().find('\n'), std::string::npos);
  }
}

TEST_F(Datadir, AFolderThatWasThereBecomesItsOwnersOnly) {
  ASSERT_EQ(::mkdir(folder.c_str(), 0755), 0);
  ASSERT_TRUE(init_datadir(folder, {}));
  EXPECT_EQ(mode(""), 0700U);
  ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
  ASSERT_TRUE(tighten_datadir(folder));
  EXPECT_EQ(mode(""), 0700U);
  EXPECT_FALSE(tighten_datadir(folder + "/nowhere"));
}

TEST_F(Datadir, DamagedSeedIsRefused) {
  ASSERT_TRUE(init_datadir(folder, {}));
  std::ofstream(folder + "/seed") << "abandon abandon abandon\n";
  auto seed = read_seed(folder);
  ASSERT_FALSE(seed);
  EXPECT_NE(seed.error().find("expected valid seed words"), std::string::npos);
}

const std::string kWords =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

TEST_F(Datadir, WordsOfAnEarlierNodeBringItsKeysBackButNewOnesForChannels) {
  InitOptions options;
  options.scan_from = 700;
  auto restored = restore_datadir(folder, options, "  Abandon " + kWords.substr(8) + " \r");
  ASSERT_TRUE(restored) << restored.error();
  EXPECT_EQ(mode("/seed"), 0600U);
  EXPECT_EQ(read_settings(folder)->bitcoind.scan_from, BlockHeight(700));
  auto stored = read_seed(folder);
  ASSERT_TRUE(stored) << stored.error();
  EXPECT_EQ(stored->seed, bitcoin::seed_from_mnemonic(kWords));
  auto before = make_seed_signer(stored->seed, wire::Network::Regtest);
  auto after = make_seed_signer(stored->seed, wire::Network::Regtest, stored->channel_salt);
  EXPECT_EQ(after->node_id(), before->node_id());
  EXPECT_EQ(after->wallet_key(false, 3), before->wallet_key(false, 3));
  EXPECT_EQ(after->secret(SecretUse::Payer), before->secret(SecretUse::Payer));
  EXPECT_NE(after->channel(0)->public_keys().funding, before->channel(0)->public_keys().funding);
  EXPECT_NE(after->channel(0)->per_commitment_point(0), before->channel(0)->per_commitment_point(0));
  // The same again is another life.
  auto second = parent + "/second";
  ASSERT_TRUE(restore_datadir(second, {}, kWords));
  EXPECT_NE(read_seed(second)->channel_salt, stored->channel_salt);
  EXPECT_EQ(read_settings(second)->bitcoind.scan_from, BlockHeight(0));
}

TEST_F(Datadir, ANewNodeScansNothingAndHasNoSalt) {
  ASSERT_TRUE(init_datadir(folder, {}));
  EXPECT_FALSE(read_settings(folder)->bitcoind.scan_from.has_value());
  EXPECT_TRUE(read_seed(folder)->channel_salt.empty());
}

TEST_F(Datadir, BadWordsAreRefusedInOneLineThatShowsNone) {
  auto swapped = kWords.substr(8) + " abandon";  // right words, wrong place
  std::pair<std::string, const char*> cases[] = {{"", "not 0"},
                                                 {"abandon about", "not 2"},
                                                 {kWords.substr(0, kWords.size() - 5) + "aboutt", "word 12"},
                                                 {swapped, "the checksum is wrong"}};
  for (const auto& [words, expected] : cases) {
    auto restored = restore_datadir(folder, {}, words);
    ASSERT_FALSE(restored);
    EXPECT_NE(restored.error().find(expected), std::string::npos) << restored.error();
    EXPECT_EQ(restored.error().find("about"), std::string::npos);
    EXPECT_EQ(restored.error().find('\n'), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(folder));
  }
}

TEST_F(Datadir, RestoringReplacesNothing) {
  ASSERT_TRUE(init_datadir(folder, {}));
  EXPECT_FALSE(restore_datadir(folder, {}, kWords));
  std::filesystem::remove(folder + "/seed");
  auto refused = restore_datadir(folder, {}, kWords);  // the file would not say where to look from
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("doze.toml exists already"), std::string::npos);
}

TEST_F(Datadir, AnInterruptedInitGoesOnWithTheSameOptionsOnly) {
  ASSERT_TRUE(init_datadir(folder, {}));
  std::filesystem::remove(folder + "/seed");
  InitOptions other;
  other.network = wire::Network::Signet;
  auto refused = init_datadir(folder, other);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("doze.toml exists already"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder + "/seed"));
  EXPECT_TRUE(init_datadir(folder, {}));
  std::filesystem::remove(folder + "/seed");
  std::filesystem::resize_file(folder + "/doze.toml", 100);  // power went while it was written
  EXPECT_FALSE(init_datadir(folder, {}));
}

TEST_F(Datadir, DamagedSaltIsRefused) {
  ASSERT_TRUE(restore_datadir(folder, {}, kWords));
  for (const char* line : {"channels 00ff", "channels xyz", "something else"}) {
    std::ofstream(folder + "/seed") << kWords << "\n" << line << "\n";
    EXPECT_FALSE(read_seed(folder)) << line;
  }
}

TEST_F(Datadir, ADamagedTokenIsRefusedAndStillSaysThatTheNodeRan) {
  ASSERT_TRUE(init_datadir(folder, {}));
  EXPECT_FALSE(has_run(folder));
  ASSERT_TRUE(read_token(folder, true));
  for (const char* text : {"", "00ff\n", "not hex, but as long as a token is: 64 characters, no more, none"}) {
    std::ofstream(folder + "/api-token") << text;
    for (bool make : {true, false}) {
      auto token = read_token(folder, make);
      ASSERT_FALSE(token) << text;
      EXPECT_NE(token.error().find("64 hex digits"), std::string::npos);
    }
    EXPECT_TRUE(has_run(folder));
  }
}

TEST_F(Datadir, WhatIsMissingIsNamed) {
  auto settings = read_settings(folder);
  ASSERT_FALSE(settings);
  EXPECT_NE(settings.error().find("doze init"), std::string::npos);
  EXPECT_FALSE(read_seed(folder));
  ASSERT_TRUE(init_datadir(folder, {}));
  auto token = read_token(folder, false);
  ASSERT_FALSE(token);
  EXPECT_NE(token.error().find("start dozed"), std::string::npos);
}

TEST_F(Datadir, ImpossibleOptionsMakeNoSeed) {
  InitOptions server;
  server.role = Role::Server;  // without an address
  ASSERT_FALSE(init_datadir(folder, server));
  EXPECT_FALSE(std::filesystem::exists(folder + "/seed"));
  InitOptions mainnet;
  mainnet.network = wire::Network::Mainnet;
  ASSERT_FALSE(init_datadir(folder, mainnet));
  EXPECT_FALSE(std::filesystem::exists(folder + "/seed"));
}

}  // namespace
}  // namespace doze::app
