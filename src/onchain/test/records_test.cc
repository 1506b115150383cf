#include "onchain/records.h"

#include <gtest/gtest.h>

#include "crypto/crypto.h"

namespace doze::onchain {
namespace {

/// A value in which no field has its default.
Close full(std::uint8_t seed) {
  Close close;
  close.published.whose = commitment::WhoseCommitment::Revoked;
  close.published.number = 0x0102'0304'0506;
  close.published.point.bytes.fill(3);
  close.txid.bytes.fill(seed);
  close.height = BlockHeight(800'000);
  close.script = Bytes(22, 1);
  for (std::uint32_t i = 0; i < 3; ++i) {
    Outpoint at{close.txid, i + 1};
    Preimage preimage;
    preimage.raw()[0] = static_cast<std::uint8_t>(i + seed);
    auto hash160 = crypto::hash160(preimage.reveal());
    commitment::ChannelOutput facts{.outpoint = at,
                                    .kind = commitment::OutputKind::HtlcReceived,
                                    .format = commitment::CommitmentFormat::StaticRemotekey,
                                    .output = {Sat(1'000 + i), Bytes(34, 3)},
                                    .witness_script = Bytes(139, 4),
                                    .csv_delay = 720};
    if (i != 1) facts.htlc = commitment::HtlcFacts{{true, 1ULL << 40 | i}, hash160, CltvExpiry(800'100)};
    if (i != 2) {
      facts.second_stage = commitment::SecondStage{{Sat(900), Bytes(34, 5)}, {}};
      facts.second_stage->signature.bytes.fill(6);
    }
    Output output{facts, BlockHeight(800'001), Spend{close.txid, BlockHeight(800'002), true}};
    if (i == 2) output.spend.reset();
    close.outputs[at] = output;
    close.open[i] = Open{hash160, i == 0 ? std::optional(at) : std::nullopt, i == 1};
    if (i != 2) close.preimages[hash160] = preimage;
    if (i != 1)
      close.sent[at] =
          Sent{close.txid, {FeeratePerKw(300 + i), BlockHeight(800'003), BlockHeight(800'004)}, Sat(150), i + 1};
  }
  close.received = {{3, false}, {1ULL << 50, true}};
  close.unread = {{BlockHeight(800'000), Bytes(200, 7)}, {BlockHeight(800'001), Bytes(90, 8)}};
  return close;
}
void expect_same(const Close& a, const Close& b) {
  EXPECT_EQ(a.published.whose, b.published.whose);
  EXPECT_EQ(a.published.number, b.published.number);
  EXPECT_EQ(a.published.point, b.published.point);
  EXPECT_EQ(a.txid, b.txid);
  EXPECT_EQ(a.height, b.height);
  EXPECT_EQ(a.script, b.script);
  EXPECT_EQ(a.outputs, b.outputs);
  EXPECT_EQ(a.sent, b.sent);
  EXPECT_EQ(a.open, b.open);
  EXPECT_EQ(a.received, b.received);
  EXPECT_EQ(a.preimages, b.preimages);
  EXPECT_EQ(a.unread, b.unread);
}
ChannelId id_of(std::uint8_t seed) {
  ChannelId out;
  out.bytes.fill(seed);
  return out;
}
std::vector<Row> rows_of(const ChannelId& id, const Close& close) {
  std::vector<Row> out;
  for (const auto& [key, value] : records(id, close)) out.push_back({Table::Close, key, value});
  return out;
}

TEST(CloseRows, are_read_as_they_were_written_and_those_of_two_channels_are_not_mixed) {
  auto rows = rows_of(id_of(1), full(1)), others = rows_of(id_of(2), full(2));
  EXPECT_EQ(rows.size(), 4U);
  rows.insert(rows.begin(), others.rbegin(), others.rend());
  auto read_back = read(rows);
  ASSERT_TRUE(read_back.has_value());
  expect_same(read_back->at(id_of(1)), full(1));
  expect_same(read_back->at(id_of(2)), full(2));
  EXPECT_EQ(read_back->size(), 2U);
}

TEST(CloseRows, that_end_early_or_late_or_have_another_version_are_refused_with_their_key) {
  auto rows = rows_of(id_of(1), full(1));
  for (std::size_t at = 0; at < rows.size(); ++at) {
    auto refused = [&](const Bytes& value) {
      auto damaged = rows;
      damaged[at].value = value;
      auto read_back = read(damaged);
      return !read_back && read_back.error().key == rows[at].key && read_back.error().table == Table::Close;
    };
    auto value = rows[at].value;
    for (std::size_t size = 0; size < value.size(); ++size)
      EXPECT_TRUE(refused(Bytes(value.begin(), value.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
    auto longer = value;
    longer.push_back(0);
    EXPECT_TRUE(refused(longer));
    auto newer = value;
    newer[0] = 2;
    EXPECT_TRUE(refused(newer));
  }
}

TEST(CloseRows, without_their_channel_or_without_an_output_that_an_htlc_names_are_refused) {
  auto rows = rows_of(id_of(1), full(1));  // the channel's own is the first
  EXPECT_FALSE(read(std::span(rows).subspan(1)).has_value());
  rows.erase(rows.begin() + 1);
  EXPECT_FALSE(read(rows).has_value());
}

}  // namespace
}  // namespace doze::onchain
