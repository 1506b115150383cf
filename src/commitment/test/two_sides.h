// A channel whose two sides are here, with real signatures.
#pragma once

#include <gtest/gtest.h>

#include "commitment/commitments.h"
#include "crypto/crypto.h"

namespace doze::commitment {

constexpr BlockHeight kTip{100};

struct Side {
  std::unique_ptr<ChannelSigner> signer;
  Commitments c;
};

inline std::unique_ptr<ChannelSigner> signer_of(std::uint8_t seed) {
  return make_signer(*Secret::from(Bytes(32, seed)));
}

inline Preimage preimage(std::uint64_t number) {
  Preimage out;
  for (std::size_t i = 0; i < 8; ++i) out.raw()[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return out;
}

/// A channel of 1,000,000 sat of which each side has a half. A opened it.
struct Two {
  Side a, b;
  ParallelMap parallel;

  explicit Two(CommitmentFormat format = CommitmentFormat::AnchorsZeroFeeHtlc, Msat of_b = Msat(500'000'000)) {
    a.signer = signer_of(1);
    b.signer = signer_of(2);
    auto fill = [&](Side& us, Side& them, bool funder) {
      auto& params = us.c.params;
      params.format = format;
      params.capacity = Sat(1'000'000);
      params.funding.txid.bytes.fill(7);
      params.funder = funder;
      params.local = terms(*us.signer);
      params.remote = terms(*them.signer);
      Spec spec;
      spec.feerate = FeeratePerKw(2'500);
      auto of_a = Msat(1'000'000'000) - of_b;
      spec.to_local = funder ? of_a : of_b;
      spec.to_remote = funder ? of_b : of_a;
      us.c.local.spec = us.c.remote.spec = spec;
      us.c.remote.point = them.signer->per_commitment_point(0);
      us.c.remote_next_point = them.signer->per_commitment_point(1);
    };
    fill(a, b, true);
    fill(b, a, false);
  }
  static Terms terms(const ChannelSigner& signer) {
    return {Sat(354), Msat(400'000'000), Sat(10'000), Msat(1'000), 144, 3, signer.public_keys()};
  }

  static wire::UpdateAddHtlc add(std::uint64_t number, Msat amount = Msat(50'000'000)) {
    wire::UpdateAddHtlc out;
    out.amount_msat = amount;
    out.payment_hash = crypto::payment_hash(preimage(number));
    out.cltv_expiry = CltvExpiry(500);
    out.onion_routing_packet = Bytes(wire::kPaymentOnionBytes);
    return out;
  }
  wire::CommitmentSigned commit(Side& from) {
    auto made = sign(from.c, *from.signer, parallel);
    return {{}, made.signature, made.htlc_signatures, {}};
  }
  static wire::RevokeAndAck revocation(const Side& from) {
    auto made = revoke(from.c, *from.signer);
    wire::RevokeAndAck out;
    out.per_commitment_secret = made.secret;
    out.next_per_commitment_point = made.next_point;
    return out;
  }
  /// One side signs and the other one revokes.
  void half_round(Side& from, Side& to) {
    auto message = commit(from);
    ASSERT_TRUE(receive(to.c, message, *to.signer, parallel).has_value());
    ASSERT_TRUE(receive(from.c, revocation(to)).has_value());
  }
  /// Until both have signed everything.
  void settle() {
    for (int i = 0; i < 4; ++i)
      for (auto [from, to] : {std::pair(&a, &b), std::pair(&b, &a)})
        if (can_sign(from->c)) half_round(*from, *to);
  }
  /// An HTLC that A offers, in both commitments.
  std::uint64_t committed(std::uint64_t number, Msat amount = Msat(50'000'000)) {
    auto sent = offer(a.c, add(number, amount), kTip);
    EXPECT_TRUE(sent.has_value());
    EXPECT_TRUE(receive(b.c, *sent).has_value());
    settle();
    return sent->id;
  }
};

}  // namespace doze::commitment
