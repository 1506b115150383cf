// S with a payment on its way, over L that holds.
#pragma once

#include "fake_node.h"

namespace doze::payment::testing {

struct Payer : ::testing::Test {
  World world;
  FakeNode& s = world.s;
  PaymentId id;

  /// The pay command and the invoice that answers it.
  Effects pay(command::Pay command = {}, std::optional<Bytes> invoice = std::nullopt) {
    command.offer = world.offer.text();
    auto asked = of<RequestInvoice>(s.command(command));
    EXPECT_EQ(asked.size(), 1U);
    if (asked.empty()) return {};
    id = asked[0].request.payment_id;
    return s.step(StaticInvoiceObtained{id, invoice ? *invoice : world.static_invoice(), world.request()});
  }
  Effects added(std::uint64_t htlc_id = 5) { return s.step(HtlcAdded{LocalOrigin{id}, channel_id(1), htlc_id}); }
  Effects paths(std::uint64_t htlc_id = 5) {
    auto made = onion::release_paths(world.l.signer->secret(SecretUse::ReleasePath), world.l.id,
                                     {channel_id(1), htlc_id}, Profile::Ldk);
    return s.step(ReleasePathsReceived{LocalOrigin{id}, channel_id(1), htlc_id, made});
  }
  Effects committed(std::uint64_t htlc_id = 5) {
    return s.step(OfferedHtlcCommitted{LocalOrigin{id}, channel_id(1), htlc_id});
  }
  Effects pong(const Effects& pinged) {
    auto pings = of<PingPeer>(pinged);
    EXPECT_EQ(pings.size(), 1U);
    return pings.empty() ? Effects{} : s.step(PongReceived{pings[0].node_id, pings[0].token});
  }
  /// Held at L, which has confirmed; what S says then is the first announcement.
  Effects hold(std::optional<Bytes> invoice = std::nullopt) {
    pay({}, invoice);
    added();
    paths();
    return pong(committed());
  }
  /// What became of the only announcement of this round.
  Effects outcome(const Effects& announced, OnionMessageFate fate) {
    auto sent = of<SendOnionMessage>(announced);
    EXPECT_EQ(sent.size(), 1U);
    return sent.empty() ? Effects{} : s.step(OnionMessageOutcome{sent[0].tag, fate});
  }
  Outgoing payment() { return *s.payment(id); }
  std::string state() { return name(payment()); }
  payment::Attempt attempt() { return payment().attempts.at(payment().attempts.size() - 1); }
  HoldTerms terms() { return attempt().hold.value_or(HoldTerms{}); }
  /// Of the HTLC that is in a channel.
  SentOnion onion() { return std::get<Offered>(attempt().state).onion; }
  std::vector<wire::BlindedPath> release_paths() {
    auto now = payment();
    if (const auto* committing = std::get_if<Committing>(&now.state)) return committing->release_paths;
    return now.hold() == nullptr ? std::vector<wire::BlindedPath>{} : now.hold()->release_paths;
  }
  static void set_htlc(Outgoing& row, const HtlcKey& htlc) {
    std::get<Offered>(row.attempts.at(row.attempts.size() - 1).state).htlc = htlc;
  }
  std::vector<Reply> replies() { return s.all<Reply>(); }
  CommandError error() {
    for (const auto& reply : replies())
      if (const auto* error = std::get_if<CommandError>(&reply.result)) return *error;
    return {};
  }
  static std::size_t announcements(const Effects& effects) {
    std::size_t count = 0;
    for (const auto& sent : of<SendOnionMessage>(effects))
      if (std::holds_alternative<onion::HeldHtlcAvailable>(sent.contents)) ++count;
    return count;
  }
};

inline constexpr auto kConfirmed = OnionMessageFate::Confirmed;
inline constexpr auto kRelayed = OnionMessageFate::Relayed;
inline constexpr auto kUndeliverable = OnionMessageFate::Undeliverable;

}  // namespace doze::payment::testing
