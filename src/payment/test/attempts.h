// HTLCs on their way to R over a blinded path of R's through M.
#pragma once

#include "fake_node.h"
#include "onion/dummy_hops.h"

namespace doze::payment::testing {

/// An HTLC on its way to R over a blinded path of R's through M. As it stands it is right.
struct Attempt {
  std::optional<Preimage> secret = preimage(1);
  PaymentHash payment_hash = hash(1);
  std::optional<Bytes> request;
  Profile profile = Profile::Ldk;
  Msat amount{50'000'000}, amt_to_forward{50'000'000}, total{50'000'000};
  CltvExpiry expiry{800 + 42}, outgoing_cltv{800 + 42};
  Bytes path_id;
  CltvExpiry max_cltv{2'000};
  Msat htlc_minimum{1};
  std::uint64_t htlc_id = 0;
};

struct Recipient : ::testing::Test {
  World world;
  FakeNode& r = world.r;

  Attempt right() {
    Attempt out;
    out.request = world.request();
    out.path_id = seal(*r.signer, world.terms());
    return out;
  }
  /// An ordinary invoice of R's for 50,000 sat.
  Attempt invoice() {
    PaymentContext terms = world.terms();
    terms.kind = PaymentContext::Kind::Invoice;
    terms.amount = Msat(50'000'000);
    terms.nonce.fill(5);
    Attempt out;
    out.payment_hash = crypto::payment_hash(invoice_preimage(*r.signer, terms.nonce));
    out.secret.reset();
    out.path_id = seal(*r.signer, terms);
    return out;
  }
  onion::FinalPayload payload(const Attempt& attempt, Bytes recipient_data) {
    onion::FinalPayload out;
    out.amt_to_forward = attempt.amt_to_forward;
    out.outgoing_cltv_value = attempt.outgoing_cltv;
    out.total_amount_msat = attempt.total;
    out.encrypted_recipient_data = std::move(recipient_data);
    out.invoice_request = attempt.request;
    out.invoice_request_profile = attempt.profile;
    out.payment_preimage = attempt.secret;
    return out;
  }
  /// R's end of a path, behind `dummies` hops of R's own.
  std::vector<onion::PathHop> own_hops(const Attempt& attempt, std::vector<onion::PathHop> in_front,
                                       std::size_t dummies) {
    onion::PathHop last{r.id, {}};
    last.data.path_id = attempt.path_id;
    last.data.payment_constraints = {attempt.max_cltv, attempt.htlc_minimum};
    in_front.push_back(last);
    return onion::with_dummy_hops(std::move(in_front), dummies, onion::PathUse::Payments);
  }
  /// The onion for a path whose introduction node is its first hop.
  Bytes packet_for(const Attempt& attempt, const wire::BlindedPath& path) {
    std::vector<onion::Hop> hops;
    for (std::size_t i = 0; i < path.path.size(); ++i) {
      const auto& [id, data] = path.path[i];
      auto path_key = i == 0 ? std::optional(path.first_path_key) : std::nullopt;
      auto last = payload(attempt, data);
      last.current_path_key = path_key;
      onion::Payload each = onion::BlindedForwardPayload{data, path_key};
      if (i + 1 == path.path.size()) each = last;
      hops.push_back({i == 0 ? std::get<NodeId>(path.first_node_id) : id, onion::with_length(onion::encode(each))});
    }
    auto packet = onion::build_packet(key(71), hops, attempt.payment_hash.view(), onion::kPaymentPayloads);
    LN_ASSERT(packet.has_value());
    return *packet;
  }
  wire::UpdateAddHtlc htlc(const Attempt& attempt, Bytes packet, std::optional<PublicKey> path_key) {
    wire::UpdateAddHtlc out;
    out.channel_id = channel_id(3);
    out.id = attempt.htlc_id;
    out.amount_msat = attempt.amount;
    out.payment_hash = attempt.payment_hash;
    out.cltv_expiry = attempt.expiry;
    out.onion_routing_packet = std::move(packet);
    out.path_key = path_key;
    return out;
  }
  wire::BlindedPath path_over_m(const Attempt& attempt, std::size_t dummies) {
    onion::PathHop first{world.m.id, {}};
    first.data.short_channel_id = scid(3);
    first.data.payment_relay = onion::PaymentRelay{CltvDelta(72), 100, Msat(1000)};
    return *onion::blind(key(70), onion::padded(own_hops(attempt, {first}, dummies)));
  }
  /// M takes its layer off.
  wire::UpdateAddHtlc through_m(const Attempt& attempt, std::size_t dummies = 0) {
    auto path = path_over_m(attempt, dummies);
    Attempt to_m = attempt;
    to_m.amount = Msat(900'000'000);
    to_m.expiry = CltvExpiry(1'500);
    auto peeled = world.m.peel(htlc(to_m, packet_for(attempt, path), std::nullopt));
    auto& forward = std::get<onion::PeeledForward>(peeled);
    return htlc(attempt, forward.next_onion, forward.next_path_key);
  }
  /// R is the introduction node itself: the path key is in the onion.
  wire::UpdateAddHtlc direct(const Attempt& attempt, std::size_t dummies = 0) {
    auto path = *onion::blind(key(72), onion::padded(own_hops(attempt, {}, dummies)));
    return htlc(attempt, packet_for(attempt, path), std::nullopt);
  }
  Effects receive(const wire::UpdateAddHtlc& htlc) { return r.step(HtlcReceived{channel_id(3), world.m.id, htlc}); }
  Effects receive(const Attempt& attempt) { return receive(through_m(attempt)); }

  /// Exactly one answer, and it is the preimage.
  static void expect_claimed(const Effects& effects, const Preimage& secret, std::uint64_t htlc_id = 0) {
    ASSERT_EQ(of<FulfillHtlc>(effects).size(), 1U);
    EXPECT_TRUE(of<FulfillHtlc>(effects)[0].preimage == secret);
    EXPECT_EQ(of<FulfillHtlc>(effects)[0].htlc_id, htlc_id);
    EXPECT_TRUE(of<FailHtlc>(effects).empty() && of<FailMalformedHtlc>(effects).empty());
  }
  /// Exactly one answer, and it tells nothing. BOLT 4: behind the introduction node always malformed
  /// invalid_onion_blinding.
  void expect_refused(const Effects& effects, const wire::UpdateAddHtlc& htlc, std::string_view reason) {
    ASSERT_EQ(of<FailMalformedHtlc>(effects).size(), 1U);
    auto answer = of<FailMalformedHtlc>(effects)[0];
    EXPECT_EQ(answer.channel_id, channel_id(3));
    EXPECT_EQ(answer.htlc_id, htlc.id);
    EXPECT_EQ(answer.failure_code, onion::kInvalidOnionBlinding);
    EXPECT_EQ(answer.sha256_of_onion, crypto::sha256(htlc.onion_routing_packet));
    EXPECT_TRUE(of<FulfillHtlc>(effects).empty() && of<FailHtlc>(effects).empty());
    EXPECT_TRUE(of<Put>(effects).empty() && of<OfferPaid>(effects).empty());
    auto reasons = r.reasons("payment_refused");
    for (const auto& refused : r.reasons("htlc_refused")) reasons.push_back(refused);
    ASSERT_EQ(reasons.size(), 1U);
    EXPECT_NE(reasons[0].find(reason), std::string::npos) << reasons[0];
  }
};

}  // namespace doze::payment::testing
