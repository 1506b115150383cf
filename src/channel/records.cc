#include "channel/records.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "effects/record_io.h"

namespace doze::channel {
namespace {

constexpr std::uint8_t kCounterVersion = 1;
constexpr std::uint8_t kChannelVersion = 2;  // 1 ends with the status

// Every type that a channel consists of, once for writing and once for reading.
struct Out {
  RecordWriter& out;
  template <class T>
  void one(const T& value) {
    out.put(value);
  }
  void one(const Updates& updates) {
    std::vector<Bytes> raw;
    for (const auto& update : updates) raw.push_back(wire::encode(commitment::to_message(update)));
    out.put(raw);
  }
  void one(const Spec& spec) {
    out.all(spec.to_local, spec.to_remote, spec.feerate, static_cast<std::uint32_t>(spec.htlcs.size()));
    for (const auto& [id, htlc] : spec.htlcs)
      out.all(id.offered, id.id, htlc.amount, htlc.payment_hash, htlc.cltv_expiry);
  }
  void one(const std::optional<Spec>& spec) {
    out.put(spec.has_value());
    if (spec) one(*spec);
  }
  void one(const Terms& t) {
    out.all(t.dust_limit, t.max_htlc_value_in_flight, t.channel_reserve, t.htlc_minimum, t.to_self_delay,
            t.max_accepted_htlcs, t.keys.funding, t.keys.revocation_basepoint, t.keys.payment_basepoint,
            t.keys.delayed_payment_basepoint, t.keys.htlc_basepoint);
  }
  void one(const std::vector<HeldInRevoke>& held) {
    out.put(static_cast<std::uint32_t>(held.size()));
    for (const auto& item : held) out.all(item.id, item.profile);
  }
  void one(const std::set<std::uint64_t>& ids) { out.put(std::vector<std::uint64_t>(ids.begin(), ids.end())); }
  void one(const std::vector<Unclaimed>& outputs) {
    out.put(static_cast<std::uint32_t>(outputs.size()));
    for (const auto& item : outputs) out.all(item.output, item.amount);
  }
  void one(const std::optional<Asked>& asked) {
    out.put(asked.has_value());
    if (asked) out.all(asked->key, asked->request);
  }
  void one(const State& state) { out.put(phase_of(state)); }
  void one(const commitment::SecretStore& store) { out.put(store.serialize()); }
  void one(const std::map<std::uint64_t, Offered>& offered) {
    out.put(static_cast<std::uint32_t>(offered.size()));
    for (const auto& [id, item] : offered) {
      const auto* forward = std::get_if<ForwardOrigin>(&item.origin);
      out.all(id, forward != nullptr);
      if (forward != nullptr)
        out.all(forward->channel_id, forward->htlc_id);
      else
        out.put(std::get<LocalOrigin>(item.origin).payment_id);
      out.all(item.hold, item.fulfilled);
    }
  }
};

struct In {
  RecordReader& in;
  template <class T>
  void one(T& value) {
    in.get(value);
  }
  void one(Updates& updates) {
    std::vector<Bytes> raw;
    in.get(raw);
    for (const auto& bytes : raw) {
      auto message = wire::decode(bytes);
      bool known = message && std::visit(
                                  [&]<class M>(const M& m) {
                                    if constexpr (std::is_constructible_v<commitment::Update, M>) {
                                      updates.emplace_back(m);
                                      commitment::make_fit(updates.back());
                                      return true;
                                    }
                                    return false;
                                  },
                                  *message);
      if (!known) in.refuse();
    }
  }
  void one(Spec& spec) {
    std::uint32_t count = 0;
    in.all(spec.to_local, spec.to_remote, spec.feerate, count);
    for (; count > 0 && in.ok(); --count) {
      commitment::HtlcId id;
      commitment::SpecHtlc htlc;
      in.all(id.offered, id.id, htlc.amount, htlc.payment_hash, htlc.cltv_expiry);
      spec.htlcs[id] = htlc;
    }
  }
  void one(std::optional<Spec>& spec) {
    bool has = false;
    in.get(has);
    if (has) one(spec.emplace());
  }
  void one(std::set<std::uint64_t>& ids) {
    std::vector<std::uint64_t> list;
    in.get(list);
    ids = {list.begin(), list.end()};
  }
  void one(Terms& t) {
    in.all(t.dust_limit, t.max_htlc_value_in_flight, t.channel_reserve, t.htlc_minimum, t.to_self_delay,
           t.max_accepted_htlcs, t.keys.funding, t.keys.revocation_basepoint, t.keys.payment_basepoint,
           t.keys.delayed_payment_basepoint, t.keys.htlc_basepoint);
  }
  void one(std::vector<HeldInRevoke>& held) {
    std::uint32_t count = 0;
    in.get(count);
    for (; count > 0 && in.ok(); --count) {
      HeldInRevoke item;
      in.all(item.id, item.profile);
      held.push_back(item);
    }
  }
  void one(std::vector<Unclaimed>& outputs) {
    std::uint32_t count = 0;
    in.get(count);
    for (; count > 0 && in.ok(); --count) {
      Unclaimed item;
      in.all(item.output, item.amount);
      outputs.push_back(item);
    }
  }
  void one(std::optional<Asked>& asked) {
    bool has = false;
    in.get(has);
    if (!has) return;
    auto& item = asked.emplace();
    in.all(item.key, item.request);
  }
  void one(State& state) {
    auto phase = ChannelPhase::Opening;
    in.get(phase);
    state = state_of(phase);
  }
  void one(commitment::SecretStore& store) {
    Bytes raw;
    in.get(raw);
    if (auto read = commitment::SecretStore::parse(raw))
      store = *read;
    else
      in.refuse();
  }
  void one(std::map<std::uint64_t, Offered>& offered) {
    std::uint32_t count = 0;
    in.get(count);
    for (; count > 0 && in.ok(); --count) {
      std::uint64_t id = 0;
      bool forward = false;
      in.all(id, forward);
      Offered item;
      if (forward) {
        ForwardOrigin origin;
        in.all(origin.channel_id, origin.htlc_id);
        item.origin = origin;
      } else {
        LocalOrigin origin;
        in.get(origin.payment_id);
        item.origin = origin;
      }
      in.all(item.hold, item.fulfilled);
      offered[id] = item;
    }
  }
};

template <class Archive, class C>
void fields(Archive&& a, C& c, std::uint8_t version) {
  auto all = [&](auto&... values) { (a.one(values), ...); };
  auto& commitments = c.commitments;
  auto& params = commitments.params;
  auto& updates = commitments.updates;
  auto& local = commitments.local;
  auto& remote = commitments.remote;
  all(c.id, c.peer, c.key_index, params.funder, c.announce, c.scid_alias_type, params.format, c.state, params.capacity,
      params.local, params.remote, c.minimum_depth, params.funding, c.funding_transaction, c.created_height,
      c.funding_height, c.funding_position, c.sent_ready, c.got_ready, c.remote_alias);
  all(updates.local_proposed, updates.local_signed, updates.local_acked, updates.remote_proposed, updates.remote_acked,
      updates.remote_signed, updates.next_local_htlc, updates.next_remote_htlc, local.number, local.spec,
      local.signature, local.htlc_signatures, remote.number, remote.spec, remote.point, commitments.remote_next_point,
      commitments.next_remote, commitments.signed_after, c.last_revoke, commitments.secrets, c.offered);
  all(c.sent_announcement, c.remote_node_signature, c.remote_bitcoin_signature, c.announced, c.local_shutdown,
      c.remote_shutdown, c.closing_transaction, c.status);
  if (version >= 2) all(c.without_path, c.closed_by, c.closed_height, c.unclaimed, c.asked);
}

const Bytes kKeyCounter{'k', 'e', 'y', 's'};

/// Balances and HTLCs are the capacity.
bool adds_up(const Spec& spec, Sat capacity) {
  auto sum = add(spec.to_local, spec.to_remote);
  for (const auto& [id, htlc] : spec.htlcs)
    if (sum) sum = add(*sum, htlc.amount);
  return sum == to_msat(capacity);
}

/// Each update, applied when its turn comes, finds what it is about.
bool updates_fit(const Channel& c) {
  auto local = c.commitments.local.spec, remote = c.commitments.next_remote.value_or(c.commitments.remote.spec);
  for (const auto* updates :
       {&c.commitments.updates.local_acked, &c.commitments.updates.local_signed, &c.commitments.updates.local_proposed})
    if (!try_apply(local, *updates, {})) return false;
  return try_apply(remote, c.commitments.updates.local_proposed, c.commitments.updates.remote_acked);
}

/// HTLCs that we have not signed for are the last ones, and it is known whose they are.
bool proposed_are_last(const Channel& c) {
  auto next = c.commitments.updates.next_local_htlc;
  return std::all_of(c.commitments.updates.local_proposed.rbegin(), c.commitments.updates.local_proposed.rend(),
                     [&](const commitment::Update& update) {
                       const auto* add = std::get_if<wire::UpdateAddHtlc>(&update);
                       return add == nullptr || (add->id == --next && c.offered.contains(add->id));
                     });
}

bool keys_are_points(const Channel& c) {
  for (const auto* keys : {&c.commitments.params.local.keys, &c.commitments.params.remote.keys})
    for (const auto& key : {keys->funding, keys->revocation_basepoint, keys->payment_basepoint,
                            keys->delayed_payment_basepoint, keys->htlc_basepoint})
      if (!crypto::is_valid(key)) return false;
  return crypto::is_valid(c.commitments.remote.point) &&
         (!c.got_ready || crypto::is_valid(c.commitments.remote_next_point));
}

/// Both halves are numbers below the curve's order and not zero, like a private key.
bool is_signature(const Signature& signature) {
  return crypto::parse_private_key(signature.view().first(32)) && crypto::parse_private_key(signature.view().last(32));
}

/// What cannot be in a row that we wrote, and what the room relies on; nullptr: nothing.
const char* damage(const Channel& c) {
  if (c.key_index >= kMaxKeyIndexes) return "channel: key index";
  if (c.commitments.params.format != CommitmentFormat::StaticRemotekey &&
      c.commitments.params.format != CommitmentFormat::AnchorsZeroFeeHtlc)
    return "channel: format";
  for (auto amount : {c.commitments.params.capacity, c.commitments.params.local.dust_limit,
                      c.commitments.params.local.channel_reserve, c.commitments.params.remote.dust_limit,
                      c.commitments.params.remote.channel_reserve})
    if (!amount.is_money()) return "channel: amount";
  if (!keys_are_points(c)) return "channel: a key is no point";
  if (!is_signature(c.commitments.local.signature)) return "channel: signature";
  if (c.commitments.local.number > kMaxCommitmentNumber || c.commitments.remote.number > kMaxCommitmentNumber)
    return "channel: number";
  if (c.commitments.remote.number > 0 &&
      !c.commitments.secrets.find(commitment::kFirstIndex - (c.commitments.remote.number - 1)))
    return "channel: the last secret of the peer is missing";
  for (const Spec* spec : {&c.commitments.local.spec, &c.commitments.remote.spec,
                           c.commitments.next_remote ? &*c.commitments.next_remote : &c.commitments.remote.spec})
    if (!adds_up(*spec, c.commitments.params.capacity)) return "channel: balances";
  for (const auto& item : c.unclaimed)
    if (!item.amount.is_money()) return "channel: amount";
  if (!updates_fit(c) || !proposed_are_last(c)) return "channel: an update does not fit";
  bool known = c.last_revoke.size() <= kMaxHeldPerChannel && c.without_path.size() <= 2 * kMaxAcceptedHtlcs;
  return known ? nullptr : "channel: hold";
}

}  // namespace

Put record(const Channel& channel) {
  RecordWriter out(kChannelVersion);
  fields(Out{out}, channel, kChannelVersion);
  return {Table::Channel, to_bytes(channel.id.view()), out.take()};
}

Result<Channel, ParseError> read_channel(ByteView value) {
  RecordReader in(value);
  if (in.version() < 1 || in.version() > kChannelVersion)
    return fail(ParseError{ParseCode::UnknownVersion, in.version(), "channel"});
  Channel channel;
  fields(In{in}, channel, in.version());
  LN_CHECK(in.finish("channel"));
  forget_unsigned(channel.commitments);
  if (const auto* what = damage(channel)) return fail(ParseError{ParseCode::BadValue, 0, what});
  return channel;
}

Put key_counter_record(std::uint64_t next) {
  RecordWriter out(kCounterVersion);
  out.put(next);
  return {Table::Channel, kKeyCounter, out.take()};
}

Result<std::uint64_t, ParseError> read_key_counter(ByteView value) {
  RecordReader in(value);
  if (in.version() != kCounterVersion) return fail(ParseError{ParseCode::UnknownVersion, in.version(), "key counter"});
  std::uint64_t next = 0;
  in.all(next);
  LN_CHECK(in.finish("key counter"));
  if (next > kMaxKeyIndexes) return fail(ParseError{ParseCode::BadValue, 0, "key counter"});
  return next;
}

bool is_key_counter(ByteView key) {
  return equal(key, kKeyCounter);
}

void save(Work& work, Channel& channel) {
  work.state.unsaved.insert(channel.id);
  work.state.dirty.insert(channel.id);
}

void write_rows(Work& work) {
  for (const auto& id : std::exchange(work.state.unsaved, {}))
    if (auto it = work.state.channels.find(id); it != work.state.channels.end()) work.say(record(it->second));
}

}  // namespace doze::channel
