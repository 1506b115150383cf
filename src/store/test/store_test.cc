#include "store/store.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <thread>

namespace doze::store {
namespace {

struct Folder {
  std::string path = std::string(testing::TempDir()) + "doze-store-XXXXXX";
  Folder() { EXPECT_NE(mkdtemp(path.data()), nullptr); }
  ~Folder() { std::filesystem::remove_all(path); }
};
const Bytes kMe = hex("01"), kOther = hex("02");

Store open_or_die(const std::string& path) {
  auto store = Store::open(path, kMe, true);
  EXPECT_TRUE(store) << store.error().message;
  return *std::move(store);
}

TEST(Store, CommittedBatchIsThereAfterReopening) {
  Folder folder;
  {
    auto store = open_or_die(folder.path);
    EXPECT_TRUE(store.commit({Put{Table::Offer, hex("02"), hex("aa")}, Put{Table::Offer, hex("01"), {}},
                              Put{Table::Channel, hex("07"), hex("bb")}}));
    EXPECT_TRUE(store.commit({Put{Table::Offer, hex("02"), hex("cc")}, Erase{Table::Channel, hex("07")}}));
    EXPECT_EQ(store.commits(), 2U);
  }
  auto rows = open_or_die(folder.path).rows();
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ((*rows)[0].key, hex("01"));
  EXPECT_TRUE((*rows)[0].value.empty());
  EXPECT_EQ((*rows)[1].value, hex("cc"));
}

TEST(Store, RowsAreReadByTheirKeysAndThoseThatAreGoneAreLeftOut) {
  Folder folder;
  auto store = open_or_die(folder.path);
  ASSERT_TRUE(store.commit({Put{Table::Mailbox, hex("01"), hex("aa")}, Put{Table::Mailbox, hex("02"), {}},
                            Put{Table::Mailbox, hex("03"), hex("cc")}, Put{Table::Offer, hex("04"), hex("dd")}}));
  ASSERT_TRUE(store.commit({Erase{Table::Mailbox, hex("01")}}));
  auto rows = store.read(Table::Mailbox, {hex("03"), hex("01"), hex("02"), hex("04")});
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ((*rows)[0].key, hex("03"));
  EXPECT_EQ((*rows)[0].value, hex("cc"));
  EXPECT_EQ((*rows)[0].table, Table::Mailbox);
  EXPECT_EQ((*rows)[1].key, hex("02"));
  EXPECT_TRUE((*rows)[1].value.empty());
  // A later commit is seen by the next question.
  ASSERT_TRUE(store.commit({Put{Table::Mailbox, hex("01"), hex("ee")}}));
  rows = store.read(Table::Mailbox, {hex("01")});
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->at(0).value, hex("ee"));
}

TEST(Store, a_range_is_read_from_either_end_and_up_to_a_number) {
  Folder folder;
  auto store = open_or_die(folder.path);
  Batch batch;
  for (std::uint8_t key : {1, 2, 3, 4, 200}) batch.emplace_back(Put{Table::EndedPayment, {7, key}, {key}});
  batch.emplace_back(Put{Table::EndedPayment, {6, 9}, {0}});
  batch.emplace_back(Put{Table::EndedForward, {7, 3}, {0}});
  ASSERT_TRUE(store.commit(batch).has_value());
  auto read = [&](const Bytes& from, const Bytes& to, bool newest, std::uint32_t most) {
    Bytes out;
    auto rows = store.range(Table::EndedPayment, from, to, newest, most);
    for (const auto& row : *rows) out.push_back(row.value.at(0));
    return out;
  };
  EXPECT_EQ(read({7}, {8}, false, 100), (Bytes{1, 2, 3, 4, 200}));
  EXPECT_EQ(read({7}, {8}, true, 2), (Bytes{200, 4}));
  EXPECT_EQ(read({7}, {8}, false, 2), (Bytes{1, 2}));
  EXPECT_EQ(read({7, 2}, {7, 4}, true, 100), (Bytes{3, 2}));  // `to` itself is not in it
  EXPECT_EQ(read({7}, {8}, false, 0), Bytes{});
  EXPECT_EQ(read({8}, {7}, false, 100), Bytes{});
  EXPECT_EQ(store.rows(Table::EndedForward)->size(), 1U);
  EXPECT_EQ(store.rows(Table::Mailbox)->size(), 0U);
}

TEST(Store, SecondProcessIsKeptOut) {
  Folder folder;
  auto store = open_or_die(folder.path);
  auto second = Store::open(folder.path, kMe, true);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, StoreCode::Locked);
}

TEST(Store, AProcessThatEndsIsWaitedFor) {
  Folder folder;
  auto first = std::make_optional(open_or_die(folder.path));
  EXPECT_FALSE(wait_until_free(folder.path, 0));
  std::thread end([&] { first.reset(); });
  EXPECT_TRUE(wait_until_free(folder.path, 60'000));
  end.join();
  first = open_or_die(folder.path);
  std::thread end_again([&] { first.reset(); });
  EXPECT_TRUE(Store::open(folder.path, kMe, true));
  end_again.join();
  EXPECT_TRUE(wait_until_free(folder.path + "/nowhere", 0));
}

TEST(Store, AnotherSeedIsRefused) {
  Folder folder;
  { auto store = open_or_die(folder.path); }
  auto other = Store::open(folder.path, kOther, true);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, StoreCode::WrongNode);
}

TEST(Store, ALostOrEmptiedFileIsNotReplaced) {
  Folder folder;
  for (bool emptied : {false, true}) {
    {
      auto store = open_or_die(folder.path);
    }
    auto file = folder.path + "/doze.sqlite";
    if (emptied)
      std::filesystem::resize_file(file, 0);
    else
      std::filesystem::remove(file);
    for (int again = 0; again < 2; ++again) {
      auto store = Store::open(folder.path, kMe, false);
      ASSERT_FALSE(store);
      EXPECT_EQ(store.error().code, StoreCode::Lost);
    }
  }
  { auto store = open_or_die(folder.path); }
  EXPECT_TRUE(Store::open(folder.path, kMe, false));
}

TEST(Store, NewerFormatIsRefused) {
  Folder folder;
  { auto store = open_or_die(folder.path); }
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((folder.path + "/doze.sqlite").c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "PRAGMA user_version=99", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  auto store = Store::open(folder.path, kMe, true);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, StoreCode::NewerFormat);
}

TEST(Store, FilesAreForTheOwnerOnlyEvenUnderAnOpenUmask) {
  Folder folder;
  auto old = umask(0);
  auto store = open_or_die(folder.path);
  EXPECT_TRUE(store.commit({Put{Table::Offer, hex("02"), hex("aa")}}));
  umask(old);
  for (const auto& file : std::filesystem::directory_iterator(folder.path)) {
    struct stat about {};
    ASSERT_EQ(stat(file.path().c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0077U, 0U) << file.path();
  }
}

TEST(Store, GarbageFileIsAnErrorNotACrash) {
  Folder folder;
  FILE* file = fopen((folder.path + "/doze.sqlite").c_str(), "w");
  ASSERT_NE(file, nullptr);
  for (int i = 0; i < 10'000; ++i) fputs("no database", file);
  fclose(file);
  auto store = Store::open(folder.path, kMe, true);
  EXPECT_FALSE(store);
}

TEST(Store, AfterAFailedCommitNothingMoreIsAccepted) {
  Folder folder;
  auto store = open_or_die(folder.path);
  sqlite3* db = nullptr;  // another connection holds the write lock: our commit cannot begin
  ASSERT_EQ(sqlite3_open((folder.path + "/doze.sqlite").c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  auto first = store.commit({Put{Table::Offer, hex("02"), hex("aa")}});
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, StoreCode::CannotWrite);
  sqlite3_exec(db, "ROLLBACK", nullptr, nullptr, nullptr);
  sqlite3_close(db);
  EXPECT_FALSE(store.commit({Put{Table::Offer, hex("02"), hex("aa")}}));
  auto rows = store.rows();
  ASSERT_TRUE(rows);
  EXPECT_TRUE(rows->empty());
}

}  // namespace
}  // namespace doze::store
