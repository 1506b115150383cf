// A channel that closed on chain, made by hand: a commitment of anybody's with a balance and HTLCs.
#pragma once

#include "bitcoin/script.h"
#include "commitment/scripts.h"
#include "crypto/crypto.h"
#include "onchain/close.h"

namespace doze::onchain::testing {

using commitment::HtlcId;
using commitment::OutputKind;
using commitment::WhoseCommitment;

inline constexpr BlockHeight kClosed{100};
inline constexpr std::uint64_t kNumber = 5;
inline const Bytes kOurScript = bitcoin::p2wsh_script(Bytes{1});  // the wallet's
inline const Bytes kPeerScript = bitcoin::p2wsh_script(Bytes{2});

inline Preimage preimage(std::uint8_t number) {
  Preimage out;
  out.raw()[0] = number;
  return out;
}
inline Hash20 hash160(std::uint8_t number) {
  return crypto::hash160(preimage(number).reveal());
}
inline Txid txid(std::uint8_t number) {
  Txid out;
  out.bytes[0] = number;
  return out;
}
inline std::unique_ptr<commitment::ChannelSigner> signer(std::uint8_t number) {
  Secret seed;
  seed.raw()[0] = number;
  return commitment::make_signer(seed);
}

/// A commitment with a balance (output 0) and HTLCs behind it.
struct Closed {
  Close close;
  commitment::ChannelParams params;
  Bytes delayed;  // scriptPubKey of what HTLC transactions pay to

  explicit Closed(WhoseCommitment whose) {
    auto ours = signer(1), theirs = signer(2);
    params.local = {.to_self_delay = 144, .keys = ours->public_keys()};
    params.remote = {.to_self_delay = 144, .keys = theirs->public_keys()};
    bool own = whose == WhoseCommitment::Ours, revoked = whose == WhoseCommitment::Revoked;
    auto& owner = own ? *ours : *theirs;
    auto& other = own ? *theirs : *ours;
    close.published = {.whose = whose, .number = kNumber, .point = owner.per_commitment_point(kNumber)};
    if (revoked) close.published.secret = owner.release_per_commitment_secret(kNumber);
    auto keys = commitment::commitment_keys(owner.public_keys(), other.public_keys(), close.published.point);
    delayed = bitcoin::p2wsh_script(commitment::delayed_script(*keys, 144));
    close.txid = txid(0xcc);
    close.height = kClosed;
    close.script = kOurScript;
    add(own ? OutputKind::ToUsDelayed : revoked ? OutputKind::RevokedToLocal : OutputKind::ToUs, Sat(50'000));
  }
  [[nodiscard]] Outpoint balance() const { return {close.txid, 0}; }
  [[nodiscard]] bool is(WhoseCommitment whose) const { return close.published.whose == whose; }
  Outpoint add(OutputKind kind, Sat amount) {
    Outpoint at{close.txid, static_cast<std::uint32_t>(close.outputs.size())};
    close.outputs[at] = Output{{.outpoint = at, .kind = kind, .output = {amount, {}}}, kClosed, std::nullopt};
    return at;
  }
  Outpoint add_htlc(bool offered, std::uint64_t id, std::uint8_t number, Sat amount = Sat(10'000)) {
    using enum OutputKind;
    bool revoked = is(WhoseCommitment::Revoked);
    auto at =
        add(offered ? (revoked ? RevokedHtlcOffered : HtlcOffered) : (revoked ? RevokedHtlcReceived : HtlcReceived),
            amount);
    close.outputs[at].facts.htlc = commitment::HtlcFacts{{offered, id}, hash160(number), CltvExpiry(150)};
    if (offered) close.open[id] = Open{hash160(number), at, false};
    return at;
  }
  bool see(const bitcoin::Transaction& transaction, std::uint32_t height) {
    return onchain::see(close, params, transaction, BlockHeight(height));
  }
  [[nodiscard]] std::vector<Outcome> outcomes(std::uint32_t tip) { return take_outcomes(close, BlockHeight(tip)); }
  [[nodiscard]] bool resolved(std::uint32_t tip) const { return is_resolved(close, BlockHeight(tip)); }
};

inline bitcoin::Transaction spend(const std::vector<Outpoint>& outpoints, const Bytes& script,
                                  bitcoin::Witness witness = {}) {
  bitcoin::Transaction out;
  for (const auto& outpoint : outpoints) {
    out.inputs.push_back({outpoint, {}, 0, witness});
    out.outputs.push_back({Sat(9'000), script});
  }
  return out;
}
inline bitcoin::Witness with(const Preimage& preimage) {
  return {Bytes(71, 1), to_bytes(preimage.reveal()), Bytes(130, 2)};
}
inline bitcoin::Transaction second_stage(const Closed& channel, const std::vector<Outpoint>& outpoints,
                                         bitcoin::Witness witness = {}) {
  return spend(outpoints, channel.delayed, std::move(witness));
}
}  // namespace doze::onchain::testing
