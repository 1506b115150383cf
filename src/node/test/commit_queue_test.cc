// Which batches may wait for company, and that nothing leaves out of order.
#include "node/commit_queue.h"

#include <gtest/gtest.h>

namespace doze::node {
namespace {

Batch row(std::uint8_t key) {
  return {Put{Table::Meta, Bytes{key}, Bytes{1}}};
}
std::vector<Action> message() {
  return {WriteBytes{1, Bytes{1, 2}}};
}
std::vector<Action> line() {
  return {Notify{Severity::Info, "stopping", {}}};
}

TEST(CommitQueue, what_leaves_is_due_at_once) {
  CommitQueue queue;
  queue.add(row(1), message(), MonoTime(100));
  EXPECT_TRUE(queue.due(MonoTime(100)));
}

TEST(CommitQueue, batch_that_nobody_waits_for_waits_a_moment_and_no_longer) {
  CommitQueue queue;
  queue.add(row(1), line(), MonoTime(100));
  EXPECT_FALSE(queue.due(MonoTime(100 + kLazyCommitMs - 1)));
  EXPECT_EQ(queue.deadline(), MonoTime(100 + kLazyCommitMs));
  queue.add(row(2), {}, MonoTime(110));  // later company does not move the end
  EXPECT_TRUE(queue.due(MonoTime(100 + kLazyCommitMs)));
}

TEST(CommitQueue, earlier_batches_are_in_the_commit_before_a_later_message) {
  CommitQueue queue;
  queue.add(row(1), line(), MonoTime(100));
  queue.add({}, message(), MonoTime(101));
  ASSERT_TRUE(queue.due(MonoTime(101)));
  auto taken = queue.take();
  ASSERT_EQ(taken.durable.size(), 1U);
  ASSERT_EQ(taken.after.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<Notify>(taken.after[0]));
  EXPECT_TRUE(std::holds_alternative<WriteBytes>(taken.after[1]));
  EXPECT_TRUE(queue.empty());
  EXPECT_FALSE(queue.due(MonoTime(10'000)));
  EXPECT_EQ(queue.deadline(), std::nullopt);
}

TEST(CommitQueue, a_question_to_the_store_waits_for_nothing_but_what_was_written_before_it) {
  CommitQueue queue;
  queue.add(row(1), line(), MonoTime(100));
  queue.add(row(2), {ReadRows{Table::Meta, {Bytes{1}, Bytes{2}}, 7}}, MonoTime(101));
  ASSERT_TRUE(queue.due(MonoTime(101)));
  auto taken = queue.take();
  EXPECT_EQ(taken.durable.size(), 2U);
  ASSERT_EQ(taken.after.size(), 2U);
  EXPECT_EQ(std::get<ReadRows>(taken.after[1]).keys.size(), 2U);
}

TEST(CommitQueue, of_several_words_about_a_row_the_last_is_written) {
  CommitQueue queue;
  queue.add({Put{Table::Meta, Bytes{1}, Bytes{1}}, Put{Table::Meta, Bytes{1}, Bytes{2}}}, {}, MonoTime(1));
  queue.add({Put{Table::Channel, Bytes{1}, Bytes{3}}}, {}, MonoTime(2));  // another row
  queue.add({Erase{Table::Meta, Bytes{2}}, Put{Table::Meta, Bytes{2}, Bytes{4}}}, {}, MonoTime(3));
  queue.add({Put{Table::Meta, Bytes{1}, Bytes{5}}, Erase{Table::Channel, Bytes{1}}}, {}, MonoTime(4));
  auto taken = queue.take();
  ASSERT_EQ(taken.durable.size(), 3U);
  EXPECT_EQ(std::get<Put>(taken.durable[0]).value, Bytes{5});
  EXPECT_EQ(std::get<Erase>(taken.durable[1]).table, Table::Channel);
  EXPECT_EQ(std::get<Put>(taken.durable[2]).value, Bytes{4});
  queue.add(row(1), {}, MonoTime(5));  // the next commit begins anew
  EXPECT_EQ(queue.take().durable.size(), 1U);
}

TEST(CommitQueue, line_without_a_row_needs_no_commit_and_does_not_wait) {
  CommitQueue queue;
  queue.add({}, line(), MonoTime(5));
  EXPECT_TRUE(queue.due(MonoTime(5)));
}

}  // namespace
}  // namespace doze::node
