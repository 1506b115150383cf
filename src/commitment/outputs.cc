#include "commitment/outputs.h"

#include <algorithm>

#include "bitcoin/script.h"
#include "commitment/scripts.h"
#include "crypto/crypto.h"

namespace doze::commitment {
namespace {

using namespace bitcoin;

/// Keys of our commitment with this point, or of the peer's.
std::optional<CommitmentKeys> keys_of(const ChannelParams& params, bool ours, const PublicKey& point) {
  const auto& owner = ours ? params.local : params.remote;
  const auto& other = ours ? params.remote : params.local;
  return commitment_keys(owner.keys, other.keys, point);
}
/// Blocks that the owner of a commitment must wait: the other side asked for them.
std::uint16_t delay_of(const ChannelParams& params, bool ours) {
  return ours ? params.remote.to_self_delay : params.local.to_self_delay;
}
std::uint16_t lock_of_others(CommitmentFormat format) {
  return has_own_anchors(format) ? 1 : 0;
}

/// Values for all outputs, Unknown at first.
ChannelOutputs blank(const ChannelParams& params, const Transaction& transaction) {
  ChannelOutputs out(transaction.outputs.size());
  auto id = txid(transaction);
  for (std::uint32_t i = 0; i < out.size(); ++i) {
    out[i].outpoint = {id, i};
    out[i].format = params.format;
    out[i].output = transaction.outputs[i];
  }
  return out;
}

/// What an output with this script is.
struct Known {
  Bytes script_pubkey;
  OutputKind kind;
  Bytes witness_script;
  std::uint16_t csv_delay = 0;
};
void mark(ChannelOutputs& outputs, const Known& known) {
  for (auto& output : outputs) {
    if (output.kind != OutputKind::Unknown || output.output.script_pubkey != known.script_pubkey) continue;
    output.kind = known.kind;
    output.witness_script = known.witness_script;
    output.csv_delay = known.csv_delay;
  }
}

/// to_remote of the owner's commitment, and the anchors: they depend on no point.
void mark_pointless(ChannelOutputs& outputs, const ChannelParams& params, bool owner_is_us) {
  auto format = params.format;
  const auto& other = owner_is_us ? params.remote.keys : params.local.keys;
  Known to_remote{to_remote_output(format, other.payment_basepoint), OutputKind::Peers, {}, lock_of_others(format)};
  if (!owner_is_us) {
    to_remote.kind = OutputKind::ToUs;
    if (has_own_anchors(format)) to_remote.witness_script = locked_to_remote_script(other.payment_basepoint);
  }
  mark(outputs, to_remote);
  if (has_own_anchors(format)) {
    auto ours = anchor_script(params.local.keys.funding);
    auto theirs = p2wsh_script(anchor_script(params.remote.keys.funding));
    auto to_ours = p2wsh_script(ours);
    mark(outputs, {std::move(to_ours), OutputKind::AnchorOurs, std::move(ours)});
    mark(outputs, {std::move(theirs), OutputKind::AnchorTheirs, {}});
  }
  if (has_shared_anchor(format)) mark(outputs, {p2a_script(), OutputKind::AnchorShared, {}});
}

/// to_local, and outputs of HTLC transactions.
Known delayed_output(const ChannelParams& params, bool owner_is_us, const CommitmentKeys& keys, OutputKind kind) {
  auto delay = delay_of(params, owner_is_us);
  auto script = delayed_script(keys, delay);
  auto to_script = p2wsh_script(script);
  if (kind == OutputKind::Peers) script.clear();
  return {std::move(to_script), kind, std::move(script), delay};
}

ChannelOutput& mark_htlc(ChannelOutputs& outputs, std::uint32_t index, OutputKind kind, Bytes witness_script,
                         const HtlcFacts& htlc) {
  auto& output = outputs[index];
  output.kind = kind;
  output.witness_script = std::move(witness_script);
  output.csv_delay = lock_of_others(output.format);
  output.htlc = htlc;
  return output;
}

/// `built` is what the facts give for `transaction`.
std::optional<ChannelOutputs> outputs_of_valid(const ChannelParams& params, const std::optional<Commitment>& built,
                                               bool owner_is_us, const CommitmentKeys& keys,
                                               const Transaction& transaction) {
  if (!built || txid(built->transaction) != txid(transaction)) return std::nullopt;
  auto out = blank(params, transaction);
  for (const auto& [htlc, index, script, second_stage] : built->htlcs) {
    bool offered = htlc.offered == owner_is_us;
    mark_htlc(out, index, offered ? OutputKind::HtlcOffered : OutputKind::HtlcReceived, script,
              {{offered, htlc.id}, crypto::ripemd160(htlc.payment_hash.view()), htlc.cltv_expiry});
  }
  mark(out, delayed_output(params, owner_is_us, keys, owner_is_us ? OutputKind::ToUsDelayed : OutputKind::Peers));
  mark_pointless(out, params, owner_is_us);
  return out;
}

/// HTLCs of the log, found by their scripts.
class LogByScript {
 public:
  LogByScript(const ChannelParams& params, const CommitmentKeys& keys, std::span<const CommittedHtlc> log,
              const Transaction& transaction) {
    std::vector<Sat> amounts;
    for (const auto& output : transaction.outputs) amounts.push_back(output.amount);
    std::sort(amounts.begin(), amounts.end());
    for (const auto& htlc : log) {
      if (!std::binary_search(amounts.begin(), amounts.end(), to_sat_floor(htlc.amount))) continue;
      auto script = htlc_script(params.format, keys, !htlc.id.offered, htlc.hash160, htlc.cltv_expiry);
      auto& found = found_[TxOutKey{p2wsh_script(script), to_sat_floor(htlc.amount)}];
      found.witness_script = std::move(script);
      found.htlcs.push_back(&htlc);
    }
    for (auto& [key, found] : found_)
      std::ranges::sort(found.htlcs, {},
                        [](const CommittedHtlc* htlc) { return std::pair(htlc->cltv_expiry, htlc->id.id); });
  }

  struct Match {
    const Bytes& witness_script;
    const CommittedHtlc& htlc;
  };
  /// The outputs of a transaction in their order: of equal ones each gets the next HTLC. The n-th of those that are in
  /// the commitment cannot expire before the n-th of all.
  std::optional<Match> next(const TxOut& output) {
    auto it = found_.find({output.script_pubkey, output.amount});
    if (it == found_.end()) return std::nullopt;
    auto& found = it->second;
    const auto& htlc = *found.htlcs[std::min(found.used++, found.htlcs.size() - 1)];
    return Match{found.witness_script, htlc};
  }

 private:
  using TxOutKey = std::pair<Bytes, Sat>;
  struct Found {
    Bytes witness_script;
    std::vector<const CommittedHtlc*> htlcs;
    std::size_t used = 0;
  };
  std::map<TxOutKey, Found> found_;
};

bool pays_to(const Transaction& transaction, const Bytes& script_pubkey) {
  return std::ranges::any_of(transaction.outputs,
                             [&](const TxOut& output) { return output.script_pubkey == script_pubkey; });
}

const ChannelOutput* find(std::span<const ChannelOutput> outputs, const Outpoint& outpoint) {
  auto it = std::ranges::find(outputs, outpoint, &ChannelOutput::outpoint);
  return it == outputs.end() ? nullptr : &*it;
}

bool is_htlc(OutputKind kind) {
  return kind == OutputKind::HtlcOffered || kind == OutputKind::HtlcReceived ||
         kind == OutputKind::RevokedHtlcOffered || kind == OutputKind::RevokedHtlcReceived;
}

/// What the owner's HTLC transactions pay to.
OutputKind second_stage_kind(WhoseCommitment whose) {
  switch (whose) {
    case WhoseCommitment::Ours:
    case WhoseCommitment::OursUnknown:
      return OutputKind::ToUsDelayed;
    case WhoseCommitment::Revoked:
      return OutputKind::RevokedToLocal;
    case WhoseCommitment::Theirs:
    case WhoseCommitment::TheirsNext:
    case WhoseCommitment::Unknown:
      break;
  }
  return OutputKind::Peers;
}

std::optional<Preimage> preimage_in(const Witness& witness, const Hash20& hash160) {
  // The item below the witness script: <sig> <preimage>, or <> <sig> <sig> <preimage>.
  if (witness.size() < 3) return std::nullopt;
  const auto& item = witness[witness.size() - 2];
  if (item.size() != 32 || crypto::hash160(item) != hash160) return std::nullopt;
  return Preimage::from(item);
}

}  // namespace

const char* name(WhoseCommitment whose) {
  switch (whose) {
    case WhoseCommitment::Ours:
      return "ours";
    case WhoseCommitment::Theirs:
      return "theirs";
    case WhoseCommitment::TheirsNext:
      return "theirs_next";
    case WhoseCommitment::Revoked:
      return "revoked";
    case WhoseCommitment::Unknown:
      return "unknown";
    case WhoseCommitment::OursUnknown:
      return "ours_unknown";
  }
  return "unknown";
}

const char* name(OutputKind kind) {
  switch (kind) {
    case OutputKind::ToUs:
      return "to_us";
    case OutputKind::ToUsDelayed:
      return "to_us_delayed";
    case OutputKind::Peers:
      return "peers";
    case OutputKind::HtlcOffered:
      return "htlc_offered";
    case OutputKind::HtlcReceived:
      return "htlc_received";
    case OutputKind::RevokedToLocal:
      return "revoked_to_local";
    case OutputKind::RevokedHtlcOffered:
      return "revoked_htlc_offered";
    case OutputKind::RevokedHtlcReceived:
      return "revoked_htlc_received";
    case OutputKind::AnchorOurs:
      return "anchor_ours";
    case OutputKind::AnchorTheirs:
      return "anchor_theirs";
    case OutputKind::AnchorShared:
      return "anchor_shared";
    case OutputKind::Unknown:
      return "unknown";
  }
  return "unknown";
}

std::optional<PublishedCommitment> identify(const Commitments& c, const ChannelSigner& signer,
                                            const Transaction& spend) {
  auto number = commitment_number(spend, c.params.funding, obscure_factor(c.params));
  if (!number) return std::nullopt;
  auto id = txid(spend);
  auto is = [&](const CommitmentTerms& terms) {
    auto built = build_commitment(terms);
    return built && txid(built->transaction) == id;
  };
  auto our_point = signer.per_commitment_point(*number);
  if (*number == c.local.number && is(local_terms(c.params, c.local.spec, *number, our_point)))
    return PublishedCommitment{WhoseCommitment::Ours, *number, our_point, {}};
  if (*number == c.remote.number && is(remote_terms(c.params, c.remote.spec, *number, c.remote.point)))
    return PublishedCommitment{WhoseCommitment::Theirs, *number, c.remote.point, {}};
  if (c.next_remote && *number == c.remote.number + 1 &&
      is(remote_terms(c.params, *c.next_remote, *number, c.remote_next_point)))
    return PublishedCommitment{WhoseCommitment::TheirsNext, *number, c.remote_next_point, {}};
  auto ours = keys_of(c.params, true, our_point);
  if (ours && pays_to(spend, p2wsh_script(delayed_script(*ours, delay_of(c.params, true)))))
    return PublishedCommitment{WhoseCommitment::OursUnknown, *number, our_point, {}};
  if (*number < c.remote.number)
    if (auto secret = c.secrets.find(kFirstIndex - *number))
      if (auto key = crypto::parse_private_key(secret->reveal()))
        return PublishedCommitment{WhoseCommitment::Revoked, *number, crypto::public_key(*key), secret};
  return PublishedCommitment{WhoseCommitment::Unknown, *number, {}, {}};
}

std::optional<ChannelOutputs> outputs_of_ours(const ChannelParams& params, const LocalCommitment& local,
                                              const PublicKey& point, const Transaction& transaction) {
  auto keys = keys_of(params, true, point);
  if (!keys) return std::nullopt;
  auto built = build_commitment(local_terms(params, local.spec, local.number, point));
  auto out = outputs_of_valid(params, built, true, *keys, transaction);
  if (!out || built->htlcs.size() != local.htlc_signatures.size()) return std::nullopt;
  for (std::size_t i = 0; i < built->htlcs.size(); ++i)
    (*out)[built->htlcs[i].output_index].second_stage =
        SecondStage{built->htlcs[i].transaction.outputs[0], local.htlc_signatures[i]};
  return out;
}

std::optional<ChannelOutputs> outputs_of_theirs(const ChannelParams& params, const Spec& spec, std::uint64_t number,
                                                const PublicKey& point, const Transaction& transaction) {
  auto keys = keys_of(params, false, point);
  if (!keys) return std::nullopt;
  auto built = build_commitment(remote_terms(params, spec, number, point));
  return outputs_of_valid(params, built, false, *keys, transaction);
}

std::optional<ChannelOutputs> outputs_of_revoked(const ChannelParams& params, const Secret& secret,  // [B5-pen-02]
                                                 std::span<const CommittedHtlc> log, const Transaction& transaction) {
  auto key = crypto::parse_private_key(secret.reveal());
  auto keys = key ? keys_of(params, false, crypto::public_key(*key)) : std::nullopt;
  if (!keys) return std::nullopt;
  auto out = blank(params, transaction);
  mark(out, delayed_output(params, false, *keys, OutputKind::RevokedToLocal));
  mark_pointless(out, params, false);
  LogByScript by_script(params, *keys, log, transaction);
  for (std::uint32_t i = 0; i < out.size(); ++i) {
    if (out[i].kind != OutputKind::Unknown) continue;
    auto match = by_script.next(out[i].output);
    if (!match) continue;
    const auto& [id, hash160, cltv_expiry, amount] = match->htlc;
    mark_htlc(out, i, id.offered ? OutputKind::RevokedHtlcOffered : OutputKind::RevokedHtlcReceived,
              match->witness_script, {id, hash160, cltv_expiry});
  }
  return out;
}

ChannelOutputs outputs_of_unknown(const ChannelParams& params, const Transaction& transaction) {
  auto out = blank(params, transaction);
  mark_pointless(out, params, false);
  return out;
}

std::optional<ChannelOutputs> outputs_of_ours_unknown(const ChannelParams& params, const PublicKey& point,
                                                      const Transaction& transaction) {
  auto keys = keys_of(params, true, point);
  if (!keys) return std::nullopt;
  auto out = blank(params, transaction);
  mark(out, delayed_output(params, true, *keys, OutputKind::ToUsDelayed));
  mark_pointless(out, params, true);
  return out;
}

ChannelOutputs outputs_of(const Commitments& c, const PublishedCommitment& published,
                          std::span<const CommittedHtlc> log, const Transaction& transaction) {
  auto known = [&]() -> std::optional<ChannelOutputs> {
    switch (published.whose) {
      case WhoseCommitment::Ours:
        return outputs_of_ours(c.params, c.local, published.point, transaction);
      case WhoseCommitment::Theirs:
        return outputs_of_theirs(c.params, c.remote.spec, published.number, published.point, transaction);
      case WhoseCommitment::TheirsNext:
        if (!c.next_remote) return std::nullopt;
        return outputs_of_theirs(c.params, *c.next_remote, published.number, published.point, transaction);
      case WhoseCommitment::Revoked:
        if (!published.secret) return std::nullopt;
        return outputs_of_revoked(c.params, *published.secret, log, transaction);
      case WhoseCommitment::OursUnknown:
        return outputs_of_ours_unknown(c.params, published.point, transaction);
      case WhoseCommitment::Unknown:
        break;
    }
    return std::nullopt;
  }();
  return known ? *std::move(known) : outputs_of_unknown(c.params, transaction);
}

ChannelOutputs outputs_of_second_stage(const ChannelParams& params, const PublishedCommitment& published,
                                       std::span<const ChannelOutput> outputs, const Transaction& spend) {
  bool ours = published.whose == WhoseCommitment::Ours || published.whose == WhoseCommitment::OursUnknown;
  auto keys = keys_of(params, ours, published.point);
  if (!keys) return {};
  auto all = blank(params, spend);
  mark(all, delayed_output(params, ours, *keys, second_stage_kind(published.whose)));
  for (std::size_t i = 0; i < std::min(all.size(), spend.inputs.size()); ++i)
    if (const auto* spent = find(outputs, spend.inputs[i].previous_output)) all[i].htlc = spent->htlc;
  std::erase_if(all, [](const ChannelOutput& output) { return output.kind == OutputKind::Unknown; });
  return all;
}

std::vector<SeenPreimage> preimages_in(const Transaction& spend, std::span<const ChannelOutput> outputs) {
  std::vector<SeenPreimage> out;
  for (const auto& input : spend.inputs) {  // [B5-ours-03, B5-theirs-02, B5-pen-03]
    const auto* spent = find(outputs, input.previous_output);
    if (spent == nullptr || !spent->htlc || !is_htlc(spent->kind)) continue;
    if (auto preimage = preimage_in(input.witness, spent->htlc->hash160))
      out.push_back({spent->outpoint, *spent->htlc, *preimage});
  }
  return out;
}

std::optional<BlockHeight> peer_can_spend_from(const ChannelOutput& output, BlockHeight confirmed) {
  // A script's lock of n blocks lets it into block confirmed + n, nLockTime n into block n + 1.
  constexpr std::uint32_t kBlocksOfAnchors = 16;
  BlockHeight unlocked(confirmed.value() + output.csv_delay);
  switch (output.kind) {
    case OutputKind::ToUs:
    case OutputKind::ToUsDelayed:
    case OutputKind::Unknown:
      return std::nullopt;
    case OutputKind::Peers:
    case OutputKind::HtlcOffered:
    case OutputKind::RevokedHtlcOffered:
    case OutputKind::RevokedToLocal:
    case OutputKind::AnchorTheirs:
    case OutputKind::AnchorShared:
      return unlocked;
    case OutputKind::HtlcReceived:
    case OutputKind::RevokedHtlcReceived:
      return std::max(unlocked, BlockHeight(output.htlc ? output.htlc->cltv_expiry.value() + 1 : 0));
    case OutputKind::AnchorOurs:
      return BlockHeight(confirmed.value() + kBlocksOfAnchors);
  }
  return std::nullopt;
}

}  // namespace doze::commitment
