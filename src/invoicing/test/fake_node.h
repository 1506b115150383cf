// Invoicing rooms with hand-made surroundings: M serves, R is its recipient, S pays; words travel by hand.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "crypto/crypto.h"
#include "effects/features.h"
#include "effects/limits.h"
#include "effects/test/surroundings.h"
#include "invoicing/state.h"
#include "offers/invoice.h"
#include "offers/invoice_error.h"
#include "onion/release_path.h"
#include "onion/route_blinding.h"
#include "paths/own_paths.h"

namespace doze::invoicing::testing {

using namespace doze::test;  // NOLINT

/// The messages with these contents.
template <class C>
std::vector<C> contents_of(const Effects& effects) {
  std::vector<C> out;
  for (const auto& sent : of<SendOnionMessage>(effects))
    if (const auto* one = std::get_if<C>(&sent.contents)) out.push_back(*one);
  return out;
}
struct FakeNode : test::Surroundings {
  FakeNode(std::uint8_t seed, Role role) : Surroundings(seed, role) { tip = BlockHeight(800); }
  Invoicing room;

  Effects step(const Input& input) {
    auto transition = invoicing::step(std::move(room), input, context());
    room = std::move(transition.next);
    note(transition.effects);
    return std::move(transition.effects);
  }
  Effects command(command::Command command, RequestId request = 1) {
    return step(CommandReceived{request, std::move(command)});
  }
  void restart() {
    auto loaded = load(stored());
    ASSERT_TRUE(loaded.has_value());
    room = *std::move(loaded);
    said.clear();
    step(Started{});
  }
  Effects pass(std::uint64_t ms) {
    Surroundings::pass(ms);
    return step(DeadlineReached{});
  }
  /// Time goes to the next deadline, which is told.
  Effects next_deadline() {
    pass_to(deadline(room));
    return step(DeadlineReached{});
  }
  void see(const FakeNode& peer) { Surroundings::see(peer.id, own_features(peer.config)); }
  void add_channel(const NodeId& peer, std::uint8_t number = 3) {
    ChannelView channel;
    channel.channel_id.bytes.fill(number);
    channel.peer = peer;
    channel.phase = ChannelPhase::Normal;
    channel.usable = true;
    channel.scid = ShortChannelId::of(number, 1, 0);
    channel.capacity = Sat(1'000'000);
    channel.receivable = Msat(900'000'000);
    PolicyPair both;
    both.remote = ChannelPolicy{Msat(1000), 100, CltvDelta(72), Msat(1), Msat(900'000'000), false};
    policies.insert_or_assign(channel.channel_id, both);
    channels.insert_or_assign(channel.channel_id, channel);
  }
  void announce_channel(std::uint8_t number = 3) {
    ChannelId channel_id;
    channel_id.bytes.fill(number);
    auto& channel = channels.at(channel_id);
    channel.announced = true;
    wire::ChannelAnnouncement announcement;
    announcement.short_channel_id = *channel.scid;
    std::tie(announcement.node_id_1, announcement.node_id_2) = std::minmax(id, channel.peer);
    ASSERT_TRUE(graph.add_channel(announcement, {}, channel.capacity, wall).has_value());
  }
  /// The path_id that a blinded path of one or two hops carries to this node, its end.
  Bytes path_id(const wire::BlindedPath& path, FakeNode* first = nullptr) {
    auto point = path.first_path_key;
    if (path.path.size() == 2) {
      LN_ASSERT(first != nullptr);
      auto opened = onion::unblind(point, path.path[0].encrypted_recipient_data,
                                   [&](const PublicKey& p) { return first->signer->node_ecdh(p); });
      LN_ASSERT(opened.has_value());
      point = opened->next_path_key();
    }
    auto opened = onion::unblind(point, path.path.back().encrypted_recipient_data,
                                 [&](const PublicKey& p) { return signer->node_ecdh(p); });
    LN_ASSERT(opened.has_value());
    auto data = onion::decode_recipient_data(opened->data);
    LN_ASSERT(data.has_value() && data->path_id.has_value());
    return *data->path_id;
  }
  [[nodiscard]] CommandError error() const {
    for (const auto& reply : all<Reply>())
      if (const auto* error = std::get_if<CommandError>(&reply.result)) return *error;
    return {CommandErrorCode::Internal, "no error", {}};
  }
};

/// M serves R, its only peer; S asks M.
struct World {
  FakeNode s{1, Role::Client}, m{3, Role::Server}, r{4, Role::Client};

  World() {
    for (auto* client : {&s, &r}) {
      client->see(m);
      m.see(*client);
    }
    r.add_channel(m.id);
    m.add_channel(r.id);
  }
  /// `word` arrives at `to`, over the path that it was sent to; M stands in front of R and S.
  Effects deliver(FakeNode& from, FakeNode& to, const SendOnionMessage& word) {
    return to.step(arriving(from, to, word));
  }
  OnionMessageReceived arriving(FakeNode& from, FakeNode& to, const SendOnionMessage& word) {
    const auto& path = std::get<wire::BlindedPath>(word.destination);
    // Through the bytes of its contents, as on the wire.
    auto tlv = onion::encode(word.contents);
    auto contents = onion::decode_contents(tlv.type, tlv.value);
    LN_ASSERT(contents.has_value());
    return {&from == &m || &to == &m ? from.id : m.id, to.path_id(path, &m), word.reply_path, *contents};
  }
  /// The only message among these effects.
  static SendOnionMessage only(const Effects& effects) {
    auto sent = of<SendOnionMessage>(effects);
    LN_ASSERT(sent.size() == 1);
    return sent[0];
  }
  /// The only one of these contents.
  template <class C>
  static SendOnionMessage with(const Effects& effects) {
    auto sent = of<SendOnionMessage>(effects);
    std::erase_if(sent, [](const auto& word) { return !std::holds_alternative<C>(word.contents); });
    LN_ASSERT(sent.size() == 1);
    return sent[0];
  }
  std::string invite(std::optional<Profile> profile = std::nullopt) {
    command::AsyncInvite command;
    command.label = "phone";
    command.profile = profile;
    auto reply = of<Reply>(m.command(command)).at(0);
    invitation = text_of(std::get<Value>(reply.result), "id");
    return text_of(std::get<Value>(reply.result), "link");
  }
  /// R joins, and M says yes.
  void join(std::optional<Profile> profile = std::nullopt) {
    auto asked = only(r.command(command::AsyncJoin{invite(profile)}));
    deliver(m, r, only(deliver(r, m, asked)));
  }
  static command::CreateOffer coffee() {
    command::CreateOffer command;
    command.async = true;
    command.amount = Msat(50'000'000);
    command.description = "coffee";
    return command;
  }
  /// R asks for paths and M answers: what R says then is its invoice for M.
  SendOnionMessage served_by_r(const command::CreateOffer& command = coffee()) {
    auto asked = r.command(command, 9);
    auto answered = deliver(r, m, only(asked));
    return only(deliver(m, r, only(answered)));
  }
  /// R's offer is served by M and acknowledged.
  offers::Offer offer_served(const command::CreateOffer& command = coffee()) {
    auto acknowledged = deliver(r, m, served_by_r(command));
    auto done = deliver(m, r, only(acknowledged));
    LN_ASSERT(!of<Reply>(done).empty());
    return newest_offer();
  }
  offers::Offer newest_offer() {
    const OwnOffer* newest = nullptr;
    for (const auto& [id, own] : r.room.inside->own)
      if (newest == nullptr || std::pair(!own.disabled, own.slot) >= std::pair(!newest->disabled, newest->slot))
        newest = &own;
    LN_ASSERT(newest != nullptr);
    return newest->offer;
  }
  Effects ask(const offers::Offer& offer, std::uint8_t number = 1) {
    PayerRequest request{payment(number), offer, offer.amount().value_or(Msat(1'000)), std::nullopt, std::nullopt};
    return s.step(RequestInvoice{request});
  }
  static PaymentId payment(std::uint8_t number) {
    PaymentId out;
    out.bytes.fill(number);
    return out;
  }
  std::string invitation;
};

}  // namespace doze::invoicing::testing
