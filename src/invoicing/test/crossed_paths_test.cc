// Each of our own message paths was made for one purpose. What comes over a path that was made for another one is
// ignored: whoever holds one of our paths gets nothing else from us.
#include "fake_node.h"

namespace doze::invoicing::testing {
namespace {

/// A whole story, twice: first to have every message, then with all of them over every path.
struct CrossedPaths : ::testing::Test {
  World world;
  std::vector<onion::MessageContents> known;
  std::vector<std::pair<FakeNode*, OnionMessageReceived>> heard;
  bool crossing = false;
  std::size_t tried = 0;

  /// The kinds of contents that come over the same path as these.
  static std::set<std::size_t> fitting(const OnionMessageReceived& word) {
    using onion::MessageContents;
    const std::size_t invoice = MessageContents(onion::Invoice{}).index(),
                      fixed = MessageContents(onion::StaticInvoice{}).index(),
                      error = MessageContents(onion::InvoiceError{}).index(),
                      paths = MessageContents(onion::OfferPaths{}).index();
    auto index = word.contents.index();
    if (index == invoice || index == fixed) return {invoice, fixed, error};
    if (index == paths) return {paths, error};
    return {index};
  }
  Effects deliver(FakeNode& from, FakeNode& to, const SendOnionMessage& sent) {
    auto word = world.arriving(from, to, sent);
    known.push_back(word.contents);
    if (crossing) {
      cross(to, word);
      for (auto& [node, earlier] : heard) cross(*node, earlier);  // its requests and slots are over, or go on
    } else {
      heard.emplace_back(&to, word);
    }
    return to.step(word);
  }
  void cross(FakeNode& node, const OnionMessageReceived& word) {
    auto fits = fitting(word);
    for (const auto& contents : known) {
      if (fits.contains(contents.index())) continue;
      auto crossed = word;
      crossed.contents = contents;
      EXPECT_TRUE(node.step(crossed).empty()) << onion::name(contents) << " where " << onion::name(word.contents);
      ++tried;
    }
  }
  void story(std::uint8_t number) {
    auto &s = world.s, &m = world.m, &r = world.r;
    auto paths = deliver(r, m, World::only(r.command(World::coffee(), 9)));
    auto serving = deliver(m, r, World::only(paths));
    auto persisted = deliver(r, m, World::only(serving));
    EXPECT_FALSE(of<Reply>(deliver(m, r, World::only(persisted))).empty());
    auto answered = deliver(s, m, World::only(world.ask(world.newest_offer(), number)));
    auto by_r = deliver(m, r, World::with<onion::InvoiceRequest>(answered));
    EXPECT_EQ(of<StaticInvoiceObtained>(deliver(m, s, World::with<onion::StaticInvoice>(answered))).size(), 1U);
    deliver(r, s, World::with<onion::Invoice>(by_r));
    // An ordinary offer of the same node.
    command::CreateOffer tea;
    tea.amount = Msat(5'000);
    tea.description = "tea";
    auto made = std::get<Value>(of<Reply>(r.command(tea, 10)).at(0).result);
    auto offer = offers::Offer::parse(text_of(made, "offer"));
    ASSERT_TRUE(offer.has_value());
    auto ordinary = deliver(s, r, World::only(world.ask(*offer, static_cast<std::uint8_t>(number + 1))));
    EXPECT_EQ(of<InvoiceObtained>(deliver(r, s, World::with<onion::Invoice>(ordinary))).size(), 1U);
  }
};

// [B12-reqread-08, B4-blind-14, B4-msg-16]
TEST_F(CrossedPaths, what_comes_over_a_path_of_another_purpose_is_ignored) {
  world.join();
  known.emplace_back(onion::InvoiceError{offers::InvoiceError{{}, {}, "no"}.encode(), Profile::Ldk});
  known.emplace_back(onion::HeldHtlcAvailable{});
  known.emplace_back(onion::ReleaseHeldHtlc{});
  story(1);
  std::set<std::size_t> kinds;
  for (const auto& contents : known) kinds.insert(contents.index());
  ASSERT_EQ(kinds.size(), std::variant_size_v<onion::MessageContents>);
  crossing = true;
  story(3);
  EXPECT_GT(tried, 500U);
}

}  // namespace
}  // namespace doze::invoicing::testing
