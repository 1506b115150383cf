// What dozed --record writes, and where it refuses to.
#include "app/recording.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace doze::app {
namespace {

TEST(Recording, appends_a_line_a_message_for_its_owner_only) {
  auto path = ::testing::TempDir() + "doze-recording-test";
  std::filesystem::remove(path);
  std::ofstream(path) << "before\n";
  ::chmod(path.c_str(), 0644);
  auto recording = Recording::open(path, wire::Network::Regtest);
  ASSERT_TRUE(recording) << recording.error();
  EXPECT_TRUE(recording->write(12, {{"node_id", "02aa"}, {"direction", "sent"}, {"message", "0012"}}));
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  std::ifstream in(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}),
            "before\n{\"time_us\":12,\"node_id\":\"02aa\",\"direction\":\"sent\",\"message\":\"0012\"}\n");
  std::filesystem::remove(path);
}

TEST(Recording, is_refused_where_money_is_real_and_where_it_cannot_be_written) {
  auto path = ::testing::TempDir() + "doze-recording-refused";
  for (auto network : {wire::Network::Mainnet, wire::Network::Testnet4, wire::Network::Signet})
    EXPECT_FALSE(Recording::open(path, network));
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_FALSE(Recording::open("/no/such/folder/file", wire::Network::Regtest));
}

}  // namespace
}  // namespace doze::app
