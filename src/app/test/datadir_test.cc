// The node's folder: what is in it, and that nobody else reads it.
#include "app/datadir.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "bitcoin/keys.h"

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

TEST_F(Datadir, SeedIsTheOneOfTheWords) {
  auto words = init_datadir(folder, {});
  ASSERT_TRUE(words);
  auto seed = read_seed(folder);
  ASSERT_TRUE(seed) << seed.error();
  EXPECT_EQ(*seed, bitcoin::seed_from_mnemonic(*words));
  EXPECT_EQ(bitcoin::entropy_from_mnemonic(*words)->size(), 16U);
}

TEST_F(Datadir, ExistingSeedIsNeverReplaced) {
  auto words = init_datadir(folder, {});
  ASSERT_TRUE(words);
  auto again = init_datadir(folder, {});
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().find("seed is there already"), std::string::npos);
  EXPECT_EQ(*read_seed(folder), bitcoin::seed_from_mnemonic(*words));
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

TEST_F(Datadir, DamagedSeedIsRefused) {
  ASSERT_TRUE(init_datadir(folder, {}));
  std::ofstream(folder + "/seed") << "abandon abandon abandon\n";
  auto seed = read_seed(folder);
  ASSERT_FALSE(seed);
  EXPECT_NE(seed.error().find("no valid seed words"), std::string::npos);
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
