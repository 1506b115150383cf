// attribution_data of failures and successes: the BOLT's vectors, and what an origin can tell of a way with bad nodes.
#include "onion/attribution.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>

#include "onion/failures.h"
#include "onion/sphinx.h"

namespace doze::onion {
namespace {

namespace json = boost::json;

SharedSecret secret(std::uint8_t byte) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(byte);
  return SharedSecret(bytes);
}
std::vector<SharedSecret> secrets(std::size_t nodes) {
  std::vector<SharedSecret> out;
  for (std::size_t i = 0; i < nodes; ++i) out.push_back(secret(static_cast<std::uint8_t>(i + 1)));
  return out;
}

/// What comes back to the origin of a way of these nodes when `source` fails or fulfils; node i held it for i + 1.
struct Returned {
  Bytes reason;
  AttributionData data;
};
Returned returned(const std::vector<SharedSecret>& way, std::size_t source, bool failed) {
  Returned out;
  std::optional<AttributionData> downstream;
  for (auto hop = source + 1; hop-- > 0;) {
    if (failed)
      out.reason = hop == source ? create_failure(way[hop], failure_message(kTemporaryNodeFailure))
                                 : wrap_failure(way[hop], out.reason);
    downstream = attribute(way[hop], HoldTime(static_cast<std::uint32_t>(hop + 1)), out.reason, downstream);
  }
  out.data = *downstream;
  return out;
}

class Bolt4Attribution : public ::testing::Test {
 protected:
  Bolt4Attribution() {
    std::ifstream in(std::string(DOZE_VECTORS "/bolt04/attribution.json"));
    file = json::parse(std::string{std::istreambuf_iterator<char>(in), {}}).as_object();
    std::vector<PublicKey> nodes;
    for (const auto& hop : hops()) nodes.push_back(PublicKey::from_hex_or_die(hop.at("pubkey").as_string()));
    way = shared_secrets(PrivateKey::from_hex_or_die(file.at("session_key").as_string()), nodes);
  }
  const json::array& hops() const { return file.at("hops").as_array(); }
  HoldTime hold_time(std::size_t hop) const {
    return HoldTime(hops()[hop].at("htlc_hold_time").to_number<std::uint32_t>());
  }
  std::string at(std::size_t hop, const char* field) const { return std::string(hops()[hop].at(field).as_string()); }
  std::vector<HoldTime> all_hold_times() const {
    std::vector<HoldTime> out;
    for (std::size_t hop = 0; hop < hops().size(); ++hop) out.push_back(hold_time(hop));
    return out;
  }
  json::object file;
  std::vector<SharedSecret> way;
};

TEST_F(Bolt4Attribution, OfAFailureIsThatOfTheBoltAtEveryNode) {
  auto reason = hex(at(way.size() - 1, "reason"));  // with more padding than ours has
  std::optional<AttributionData> data;
  for (auto hop = way.size(); hop-- > 0;) {
    if (data) reason = wrap_failure(way[hop], reason);
    EXPECT_EQ(to_hex(reason), at(hop, "reason")) << hop;
    data = attribute(way[hop], hold_time(hop), reason, data);
    EXPECT_EQ(data->hex(), at(hop, "attribution_data_of_failure")) << hop;
  }
  EXPECT_EQ(read_attribution(way, reason, *data), all_hold_times());
  auto failure = decode_failure(way, reason);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->hop, way.size() - 1);
  EXPECT_EQ(to_hex(Writer().u16(failure->code).bytes(failure->data).view()),
            std::string(file.at("failure_message").as_string()));
}

TEST_F(Bolt4Attribution, OfASuccessIsThatOfTheBoltAtEveryNode) {
  std::optional<AttributionData> data;
  for (auto hop = way.size(); hop-- > 0;) {
    data = attribute(way[hop], hold_time(hop), {}, data);
    EXPECT_EQ(data->hex(), at(hop, "attribution_data_of_success")) << hop;
  }
  EXPECT_EQ(read_attribution(way, {}, *data), all_hold_times());
}

TEST(Attribution, EveryNodeOfEveryLengthCanBeTheSource) {
  for (std::size_t nodes : {1, 2, 7, 20})
    for (std::size_t source = 0; source < nodes; ++source)
      for (bool failed : {false, true}) {
        auto way = secrets(nodes);
        auto back = returned(way, source, failed);
        auto times = read_attribution(way, back.reason, back.data);
        ASSERT_EQ(times.size(), source + 1) << nodes;
        for (std::size_t hop = 0; hop <= source; ++hop) EXPECT_EQ(times[hop], HoldTime(hop + 1));
      }
}

TEST(Attribution, BeyondTwentyNodesTheFirstTwentyAreTold) {
  auto way = secrets(27);
  auto back = returned(way, 26, true);
  EXPECT_EQ(read_attribution(way, back.reason, back.data).size(), kAttributionHops);
}

TEST(Attribution, WhoeverChangesSomethingIsFoundByIt) {
  auto way = secrets(5);
  for (std::size_t liar = 1; liar < 5; ++liar) {
    Bytes reason;
    std::optional<AttributionData> data;
    for (std::size_t hop = 5; hop-- > 0;) {
      reason =
          hop == 4 ? create_failure(way[hop], failure_message(kTemporaryNodeFailure)) : wrap_failure(way[hop], reason);
      if (hop == liar) reason[100] ^= 1;
      data = attribute(way[hop], HoldTime(1), reason, data);
      if (hop == liar && hop % 2 == 0) data->bytes[3] ^= 1;  // its own hold time, behind its own MAC
    }
    EXPECT_FALSE(decode_failure(way, reason));
    // The liar's MAC fits its lie, or does not: it or the node that it got the failure from is to blame.
    auto blamed = read_attribution(way, reason, *data).size();
    EXPECT_EQ(blamed, liar % 2 == 0 ? liar : liar + 1);
  }
}

TEST(Attribution, WithoutDataFromDownstreamTheNodesInFrontAreStillTold) {
  auto way = secrets(6);
  auto reason = create_failure(way[5], failure_message(kTemporaryNodeFailure));
  for (std::size_t hop = 5; hop-- > 2;) reason = wrap_failure(way[hop], reason);  // these have no attribution data
  std::optional<AttributionData> data;
  for (std::size_t hop : {1, 0}) {
    reason = wrap_failure(way[hop], reason);
    data = attribute(way[hop], HoldTime(9), reason, data);
  }
  EXPECT_EQ(read_attribution(way, reason, *data), (std::vector<HoldTime>{HoldTime(9), HoldTime(9)}));
  EXPECT_EQ(decode_failure(way, reason)->hop, 5U);
}

TEST(Attribution, EveryFlippedBitThatSomebodyMayReadIsNoticed) {
  auto way = secrets(3);
  auto back = returned(way, 2, true);
  auto good = read_attribution(way, back.reason, back.data);
  ASSERT_EQ(good.size(), 3U);
  for (std::size_t bit = 0; bit < back.reason.size() * 8; ++bit) {
    auto changed = back.reason;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_TRUE(read_attribution(way, changed, back.data).empty()) << bit;
  }
  for (std::size_t bit = 0; bit < 3 * 4 * 8; ++bit) {  // hold times
    auto changed = back.data;
    changed.bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_TRUE(read_attribution(way, back.reason, changed).empty()) << bit;
  }
}

TEST(Attribution, OtherSizesAreNone) {
  for (std::size_t size : {std::size_t{0}, kAttributionBytes - 1, kAttributionBytes + 1})
    EXPECT_FALSE(AttributionData::from(Bytes(size)));
  EXPECT_TRUE(AttributionData::from(Bytes(kAttributionBytes)));
}

}  // namespace
}  // namespace doze::onion
