#include "channel/records.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "effects/record_io.h"
#include "onchain/records.h"

namespace doze::channel {
namespace {

constexpr std::uint8_t kCounterVersion = 1;
constexpr std::uint8_t kChannelVersion = 3;  // 1 ends with the status; from 3 on HTLCs have rows of their own
constexpr std::uint8_t kHtlcVersion = 2;     // of one of ours: which part of the payment it is

std::optional<commitment::Update> read_update(ByteView bytes) {
  auto message = wire::decode(bytes);
  if (!message) return std::nullopt;
  return std::visit(
      [&]<class M>(M& m) -> std::optional<commitment::Update> {
        if constexpr (std::is_constructible_v<commitment::Update, M>) {
          commitment::Update out(std::move(m));
          commitment::make_fit(out);
          return out;
        }
        return std::nullopt;
      },
      *message);
}

using List = UpdateList;
constexpr List kLists[] = {List::LocalProposed, List::LocalSigned, List::LocalAcked, List::RemoteAcked,
                           List::RemoteSigned};
template <class Lists>
auto& list_of(Lists& updates, List list) {
  switch (list) {
    case List::LocalProposed:
      return updates.local_proposed;
    case List::LocalSigned:
      return updates.local_signed;
    case List::LocalAcked:
      return updates.local_acked;
    case List::RemoteAcked:
      return updates.remote_acked;
    case List::RemoteSigned:
      break;
  }
  return updates.remote_signed;
}
bool is_ours(List list) {
  return list == List::LocalProposed || list == List::LocalSigned || list == List::LocalAcked;
}

/// A commitment without its HTLCs.
struct Balances {
  Msat to_local, to_remote;
  FeeratePerKw feerate;
};
/// What a channel's own row has in the place of HTLCs, from version 3 on.
struct Rest {
  std::vector<Placed> fees;
  std::uint64_t next_remote_htlc = 0;  // without what the peer has not signed
  Balances local, remote;
  std::optional<Balances> next_remote;
};

// Every type that a channel consists of, once for writing and once for reading.
struct Out {
  RecordWriter& out;
  std::uint8_t htlc_version = 1;  // inside of channels
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
  void one(const Placed& update) { out.all(update.list, update.place, update.message); }
  void one(const std::optional<Placed>& update) {
    out.put(update.has_value());
    if (update) one(*update);
  }
  void one(const std::vector<Placed>& updates) {
    out.put(static_cast<std::uint32_t>(updates.size()));
    for (const auto& update : updates) one(update);
  }
  void one(const Balances& spec) { out.all(spec.to_local, spec.to_remote, spec.feerate); }
  void one(const std::optional<Balances>& spec) {
    out.put(spec.has_value());
    if (spec) one(*spec);
  }
  void one(const std::optional<Offered>& item) {
    out.put(item.has_value());
    if (item) one(*item);
  }
  void one(const commitment::SecretStore& store) { out.put(store.serialize()); }
  void one(const Offered& item) {
    const auto* forward = std::get_if<ForwardOrigin>(&item.origin);
    out.put(forward != nullptr);
    if (forward != nullptr) {
      out.all(forward->channel_id, forward->htlc_id);
    } else {
      const auto& local = std::get<LocalOrigin>(item.origin);
      out.put(local.payment_id);
      if (htlc_version >= 2) out.put(local.part);
    }
    out.all(item.hold, item.fulfilled);
  }
  void one(const std::map<std::uint64_t, Offered>& offered) {
    out.put(static_cast<std::uint32_t>(offered.size()));
    for (const auto& [id, item] : offered) {
      out.put(id);
      one(item);
    }
  }
};

struct In {
  RecordReader& in;
  std::uint8_t htlc_version = 1;  // inside of channels
  template <class T>
  void one(T& value) {
    in.get(value);
  }
  void one(Updates& updates) {
    std::vector<Bytes> raw;
    in.get(raw);
    for (const auto& bytes : raw)
      if (auto update = read_update(bytes))
        updates.push_back(*std::move(update));
      else
        in.refuse();
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
  void one(Placed& update) { in.all(update.list, update.place, update.message); }
  template <class T>
    requires(std::is_same_v<T, Placed> || std::is_same_v<T, Balances> || std::is_same_v<T, Offered>)
  void one(std::optional<T>& item) {
    bool has = false;
    in.get(has);
    if (has) one(item.emplace());
  }
  void one(std::vector<Placed>& updates) {
    std::uint32_t count = 0;
    in.get(count);
    for (; count > 0 && in.ok(); --count) one(updates.emplace_back());
  }
  void one(Balances& spec) { in.all(spec.to_local, spec.to_remote, spec.feerate); }
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
  void one(Offered& item) {
    bool forward = false;
    in.get(forward);
    if (forward) {
      ForwardOrigin origin;
      in.all(origin.channel_id, origin.htlc_id);
      item.origin = origin;
    } else {
      LocalOrigin origin;
      in.get(origin.payment_id);
      if (htlc_version >= 2) in.get(origin.part);
      item.origin = origin;
    }
    in.all(item.hold, item.fulfilled);
  }
  void one(std::map<std::uint64_t, Offered>& offered) {
    std::uint32_t count = 0;
    in.get(count);
    for (; count > 0 && in.ok(); --count) {
      std::uint64_t id = 0;
      in.get(id);
      one(offered[id]);
    }
  }
};

/// `rest`: of version 3 and later.
template <class Archive, class C, class R>
void fields(Archive&& a, C& c, R& rest, std::uint8_t version) {
  auto all = [&](auto&... values) { (a.one(values), ...); };
  auto& commitments = c.commitments;
  auto& params = commitments.params;
  auto& updates = commitments.updates;
  auto& local = commitments.local;
  auto& remote = commitments.remote;
  all(c.id, c.peer, c.key_index, params.funder, c.announce, c.scid_alias_type, params.format, c.state, params.capacity,
      params.local, params.remote, c.minimum_depth, params.funding, c.funding_transaction, c.created_height,
      c.funding_height, c.funding_position, c.sent_ready, c.got_ready, c.remote_alias);
  if (version < 3)
    all(updates.local_proposed, updates.local_signed, updates.local_acked, updates.remote_proposed,
        updates.remote_acked, updates.remote_signed, updates.next_local_htlc, updates.next_remote_htlc, local.number,
        local.spec, local.signature, local.htlc_signatures, remote.number, remote.spec, remote.point,
        commitments.remote_next_point, commitments.next_remote, commitments.signed_after, c.last_revoke,
        commitments.secrets, c.offered);
  else
    all(rest.fees, updates.next_local_htlc, rest.next_remote_htlc, local.number, rest.local, local.signature,
        local.htlc_signatures, remote.number, rest.remote, remote.point, commitments.remote_next_point,
        rest.next_remote, commitments.signed_after, c.last_revoke, commitments.secrets);
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

constexpr std::uint8_t kInOurs = 1, kInTheirs = 2, kNextDiffers = 4;

template <class Archive, class R>
void htlc_fields(Archive&& a, R& row) {
  auto all = [&](auto&... values) { (a.one(values), ...); };
  all(row.htlc.amount, row.htlc.payment_hash, row.htlc.cltv_expiry, row.in, row.offered, row.add, row.removal);
}

Balances balances_of(const Spec& spec) {
  return {spec.to_local, spec.to_remote, spec.feerate};
}
Rest rest_of(const Commitments& c) {
  Rest out;
  for (auto list : kLists) {
    std::uint32_t place = 0;
    for (const auto& update : list_of(c.updates, list)) {
      if (commitment::is_fee(update)) out.fees.push_back({list, place, wire::encode(commitment::to_message(update))});
      ++place;
    }
  }
  out.next_remote_htlc = c.updates.next_remote_htlc;
  for (const auto& update : c.updates.remote_proposed)
    if (commitment::is_add(update)) --out.next_remote_htlc;
  out.local = balances_of(c.local.spec);
  out.remote = balances_of(c.remote.spec);
  if (c.next_remote) out.next_remote = balances_of(*c.next_remote);
  return out;
}

/// The channel's commitments and lists from its own row and those of its HTLCs. False: they are not of one moment.
bool put_together(Channel& channel, const Rest& rest, const std::vector<HtlcRow>& htlcs) {
  auto& c = channel.commitments;
  c.updates.next_remote_htlc = rest.next_remote_htlc;
  auto spec = [](const Balances& balances) {
    return Spec{balances.to_local, balances.to_remote, balances.feerate, {}};
  };
  c.local.spec = spec(rest.local);
  c.remote.spec = spec(rest.remote);
  if (rest.next_remote) c.next_remote = spec(*rest.next_remote);

  std::map<List, std::map<std::uint32_t, commitment::Update>> lists;
  // Each place of a list is taken once, and it says about this HTLC what the row says.
  auto place = [&](const Placed& placed, auto fits) {
    auto update = read_update(placed.message);
    return update && fits(*update) && lists[placed.list].emplace(placed.place, *std::move(update)).second;
  };
  for (const auto& fee : rest.fees)
    if (!place(fee, [](const auto& update) { return commitment::is_fee(update); })) return false;
  for (const auto& row : htlcs) {
    if ((row.in & kInOurs) != 0) c.local.spec.htlcs[row.id] = row.htlc;
    if ((row.in & kInTheirs) != 0) c.remote.spec.htlcs[row.id] = row.htlc;
    bool differs = (row.in & kNextDiffers) != 0;
    if (!c.next_remote && differs) return false;
    if (c.next_remote && ((row.in & kInTheirs) != 0) != differs) c.next_remote->htlcs[row.id] = row.htlc;
    if (row.offered) channel.offered[row.id.id] = *row.offered;
    auto adds = [&](const commitment::Update& update) {
      const auto* add = std::get_if<wire::UpdateAddHtlc>(&update);
      return add != nullptr && HtlcId{is_ours(row.add->list), add->id} == row.id;
    };
    auto removes = [&](const commitment::Update& update) {
      return commitment::removed_by(update, is_ours(row.removal->list)) == row.id;
    };
    if (row.add && !place(*row.add, adds)) return false;
    if (row.removal && !place(*row.removal, removes)) return false;
    channel.written[row.id] = row.digest;
  }
  for (auto& [list, updates] : lists) {
    if (updates.rbegin()->first + 1 != updates.size()) return false;
    for (auto& [at, update] : updates) list_of(c.updates, list).push_back(std::move(update));
  }
  return true;
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
  if (!keys_are_points(c)) return "channel: one of the keys is not a valid point";
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
  if (!updates_fit(c) || !proposed_are_last(c)) return "channel: an update is inconsistent";
  bool known = c.last_revoke.size() <= kMaxHeldPerChannel && c.without_path.size() <= 2 * kMaxAcceptedHtlcs;
  return known ? nullptr : "channel: hold";
}

}  // namespace

Put old_record(const Channel& channel, std::uint8_t version) {
  LN_ASSERT(version < kChannelVersion);
  RecordWriter out(version);
  Rest none;
  fields(Out{out}, channel, none, version);
  return {Table::Channel, to_bytes(channel.id.view()), out.take()};
}

Put record(const Channel& channel) {
  RecordWriter out(kChannelVersion);
  auto rest = rest_of(channel.commitments);
  fields(Out{out}, channel, rest, kChannelVersion);
  return {Table::Channel, to_bytes(channel.id.view()), out.take()};
}

std::map<HtlcId, Bytes> htlc_records(const Channel& channel) {
  std::map<HtlcId, HtlcRow> rows;
  const auto& c = channel.commitments;
  auto note = [&](const Spec& spec, std::uint8_t mark) {
    for (const auto& [id, htlc] : spec.htlcs) {
      auto& row = rows[id];
      row.htlc = htlc;
      row.in ^= mark;
    }
  };
  note(c.local.spec, kInOurs);
  note(c.remote.spec, kInTheirs);
  // Not "is in the next one": a signature would change the row of each HTLC, and its revocation again.
  if (c.next_remote) {
    note(*c.next_remote, kNextDiffers);
    note(c.remote.spec, kNextDiffers);
  }
  for (const auto& [id, item] : channel.offered) rows[{true, id}].offered = item;
  for (auto list : kLists) {
    std::uint32_t place = 0;
    for (const auto& update : list_of(c.updates, list)) {
      auto at = place++;
      if (commitment::is_fee(update)) continue;
      Placed placed{list, at, wire::encode(commitment::to_message(update))};
      if (const auto* add = std::get_if<wire::UpdateAddHtlc>(&update)) {
        auto& row = rows[{is_ours(list), add->id}];
        row.htlc = {add->amount_msat, add->payment_hash, add->cltv_expiry};
        row.add = std::move(placed);
      } else {
        rows[*commitment::removed_by(update, is_ours(list))].removal = std::move(placed);
      }
    }
  }
  std::map<HtlcId, Bytes> out;
  for (const auto& [id, row] : rows) {
    RecordWriter writer(kHtlcVersion);
    htlc_fields(Out{writer, kHtlcVersion}, row);
    out[id] = writer.take();
  }
  return out;
}

Bytes htlc_key(const ChannelId& channel, const HtlcId& id) {
  return Writer().bytes(channel.view()).u8(id.offered ? 1 : 0).u64(id.id).take();
}

bool is_htlc_key(ByteView key) {
  return key.size() == 32 + 1 + 8 && key[32] <= 1;
}

Result<HtlcRow, ParseError> read_htlc(ByteView key, ByteView value) {
  RecordReader in(value);
  if (in.version() < 1 || in.version() > kHtlcVersion)
    return fail(ParseError{ParseCode::UnknownVersion, in.version(), "channel htlc"});
  HtlcRow row;
  htlc_fields(In{in, in.version()}, row);
  LN_CHECK(in.finish("channel htlc"));
  Reader name(key.subspan(32));
  row.id.offered = name.u8() == 1;
  row.id.id = name.u64();
  row.digest = crypto::sha256(value);
  bool sound = row.in <= (kInOurs | kInTheirs | kNextDiffers) && (row.id.offered || !row.offered);
  if (!sound) return fail(ParseError{ParseCode::BadValue, 0, "channel htlc"});
  return row;
}

Result<Channel, ParseError> read_channel(ByteView value, const std::vector<HtlcRow>& htlcs) {
  RecordReader in(value);
  auto version = in.version();
  if (version < 1 || version > kChannelVersion) return fail(ParseError{ParseCode::UnknownVersion, version, "channel"});
  Channel channel;
  Rest rest;
  fields(In{in}, channel, rest, version);
  LN_CHECK(in.finish("channel"));
  auto bad = [](const char* what) { return fail(ParseError{ParseCode::BadValue, 0, what}); };
  if (version < 3 ? !htlcs.empty() : !put_together(channel, rest, htlcs)) return bad("channel: its HTLCs do not fit");
  forget_unsigned(channel.commitments);
  if (const auto* what = damage(channel)) return bad(what);
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

namespace {
void write_close(Work& work, Channel& channel) {
  auto& written = channel.close_written;
  if (!channel.close && written.empty()) return;
  auto now = channel.close ? onchain::records(channel.id, *channel.close) : std::map<Bytes, Bytes>{};
  for (auto& [key, value] : now) {
    auto digest = crypto::sha256(value);
    auto [known, fresh] = written.try_emplace(key, digest);
    if (!fresh && known->second == digest) continue;
    known->second = digest;
    work.say(Put{Table::Close, key, std::move(value)});
  }
  std::erase_if(written, [&](const auto& row) {
    if (now.contains(row.first)) return false;
    work.say(Erase{Table::Close, row.first});
    return true;
  });
}
}  // namespace

void write_rows(Work& work) {
  for (const auto& id : std::exchange(work.state.unsaved, {})) {
    auto it = work.state.channels.find(id);
    if (it == work.state.channels.end()) continue;
    auto& channel = it->second;
    work.say(record(channel));
    write_close(work, channel);
    auto& written = channel.written;
    auto now = htlc_records(channel);
    for (auto& [htlc, value] : now) {
      auto digest = crypto::sha256(value);
      auto [known, fresh] = written.try_emplace(htlc, digest);
      if (!fresh && known->second == digest) continue;
      known->second = digest;
      work.say(Put{Table::Channel, htlc_key(id, htlc), std::move(value)});
    }
    std::erase_if(written, [&](const auto& row) {
      if (now.contains(row.first)) return false;
      work.say(Erase{Table::Channel, htlc_key(id, row.first)});
      return true;
    });
  }
}

void note_close_rows(Channel& channel) {
  if (!channel.close) return;
  for (const auto& [key, value] : onchain::records(channel.id, *channel.close))
    channel.close_written[key] = crypto::sha256(value);
}

void erase_rows(Work& work, const Channel& channel) {
  for (const auto& [key, digest] : channel.close_written) work.say(Erase{Table::Close, key});
  work.say(Erase{Table::Channel, to_bytes(channel.id.view())});
  for (const auto& [htlc, digest] : channel.written) work.say(Erase{Table::Channel, htlc_key(channel.id, htlc)});
}

}  // namespace doze::channel
