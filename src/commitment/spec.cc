#include "commitment/spec.h"

#include "base/variant.h"
#include "commitment/limits.h"

namespace doze::commitment {
namespace {

bool remove(Spec& spec, const HtlcId& id, bool fulfilled) {
  auto it = spec.htlcs.find(id);
  if (it == spec.htlcs.end()) return false;
  // A fulfilled HTLC goes to the other side, a failed one back to the side that offered it.
  (id.offered == fulfilled ? spec.to_remote : spec.to_local) += it->second.amount;
  spec.htlcs.erase(it);
  return true;
}

}  // namespace

wire::Message to_message(const Update& update) {
  return std::visit([](const auto& message) { return wire::Message(message); }, update);
}

bool is_fee(const Update& update) {
  return std::holds_alternative<wire::UpdateFee>(update);
}
bool is_add(const Update& update) {
  return std::holds_alternative<wire::UpdateAddHtlc>(update);
}

std::optional<HtlcId> removed_by(const Update& update, bool ours) {
  return std::visit(
      [&]<class M>(const M& message) -> std::optional<HtlcId> {
        if constexpr (requires { message.id; } && !std::is_same_v<M, wire::UpdateAddHtlc>)
          return HtlcId{!ours, message.id};
        return std::nullopt;
      },
      update);
}

bool try_apply(Spec& spec, const Update& update, bool ours) {
  return std::visit(Overloaded{
                        [&](const wire::UpdateAddHtlc& add) {
                          auto& payer = ours ? spec.to_local : spec.to_remote;
                          auto left = sub(payer, add.amount_msat);
                          if (!left) return false;
                          payer = *left;
                          // [B2-add-13]
                          spec.htlcs[{ours, add.id}] = {add.amount_msat, add.payment_hash, add.cltv_expiry};
                          return true;
                        },
                        [&](const wire::UpdateFulfillHtlc& update) {
                          return remove(spec, {!ours, update.id}, true);
                        },
                        [&](const wire::UpdateFailHtlc& update) {
                          return remove(spec, {!ours, update.id}, false);
                        },
                        [&](const wire::UpdateFailMalformedHtlc& update) {
                          return remove(spec, {!ours, update.id}, false);
                        },
                        [&](const wire::UpdateFee& update) {
                          spec.feerate = update.feerate_per_kw;
                          return true;
                        },
                    },
                    update);
}

bool try_apply(Spec& spec, const Updates& ours, const Updates& theirs) {
  // Removals first: what they give back may pay for additions. No HTLC is added and removed by the same signature.
  for (bool adding : {false, true}) {
    for (const auto& update : ours)
      if (is_add(update) == adding && !try_apply(spec, update, true)) return false;
    for (const auto& update : theirs)
      if (is_add(update) == adding && !try_apply(spec, update, false)) return false;
  }
  return true;
}

void make_fit(Update& update) {
  // TLVs that nobody reads would fill our memory, and the channel's row. clear() would keep the memory.
  std::visit([](auto& message) { message.extra_tlvs = Bytes(); }, update);
  if (auto* failed = std::get_if<wire::UpdateFailHtlc>(&update);
      failed != nullptr && failed->reason.size() > kMaxReason)
    failed->reason = Bytes();
  if (auto* failed = std::get_if<wire::UpdateFailMalformedHtlc>(&update);
      failed != nullptr && (failed->failure_code & kMalformedFlag) == 0)
    failed->failure_code = kMalformedHmac;
}

}  // namespace doze::commitment
