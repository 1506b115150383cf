#include "commitment/committed_htlc.h"

#include "crypto/crypto.h"

namespace doze::commitment {
namespace {

constexpr std::uint8_t kVersion = 1;

}  // namespace

CommittedHtlc committed_htlc(const HtlcId& id, const SpecHtlc& htlc) {
  return {id, crypto::ripemd160(htlc.payment_hash.view()), htlc.cltv_expiry, htlc.amount};
}

std::vector<HtlcId> htlcs_with_outputs(const ChannelParams& params, const Spec& spec) {
  std::vector<HtlcId> out;
  for (const auto& [id, htlc] : spec.htlcs)
    if (!is_trimmed(params.format, spec.feerate, params.remote.dust_limit, !id.offered, htlc.amount)) out.push_back(id);
  return out;
}

Bytes serialize(const CommittedHtlc& htlc) {
  Writer out;
  out.u8(kVersion).u8(htlc.id.offered ? 1 : 0).u64(htlc.id.id).bytes(htlc.hash160.view());
  out.u32(htlc.cltv_expiry.value()).u64(htlc.amount.value());
  return out.take();
}

std::optional<CommittedHtlc> parse_committed_htlc(ByteView bytes) {
  Reader in(bytes);
  CommittedHtlc out;
  auto version = in.u8(), offered = in.u8();
  out.id = {offered == 1, in.u64()};
  out.hash160.bytes = in.array<20>();
  out.cltv_expiry = CltvExpiry(in.u32());
  out.amount = Msat(in.u64());
  if (!in.done() || version != kVersion || offered > 1 || !out.amount.is_money()) return std::nullopt;
  return out;
}

}  // namespace doze::commitment
