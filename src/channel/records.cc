#include "channel/inside.h"
#include "effects/record_io.h"

namespace doze::channel {
namespace {

constexpr std::uint8_t kVersion = 1;

// Every type that a channel consists of, once for writing and once for reading.
struct Out {
  RecordWriter& out;
  template <class T>
  void one(const T& value) {
    out.put(value);
  }
  void one(const Updates& updates) {
    std::vector<Bytes> raw;
    for (const auto& update : updates) raw.push_back(wire::encode(to_message(update)));
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
                                    if constexpr (std::is_constructible_v<Update, M>) {
                                      updates.emplace_back(m);
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
      HtlcId id;
      SpecHtlc htlc;
      in.all(id.offered, id.id, htlc.amount, htlc.payment_hash, htlc.cltv_expiry);
      spec.htlcs[id] = htlc;
    }
  }
  void one(std::optional<Spec>& spec) {
    bool has = false;
    in.get(has);
    if (has) one(spec.emplace());
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
void fields(Archive&& a, C& c) {
  auto all = [&](auto&... values) { (a.one(values), ...); };
  all(c.id, c.peer, c.key_index, c.funder, c.announce, c.scid_alias_type, c.format, c.phase, c.capacity, c.local,
      c.remote, c.minimum_depth, c.funding, c.funding_transaction, c.created_height, c.funding_height,
      c.funding_position, c.sent_ready, c.got_ready, c.remote_alias);
  all(c.local_proposed, c.local_signed, c.local_acked, c.remote_proposed, c.remote_acked, c.remote_signed,
      c.next_local_htlc, c.next_remote_htlc, c.local_number, c.local_spec, c.local_signature, c.local_htlc_signatures,
      c.remote_number, c.remote_spec, c.remote_point, c.remote_next_point, c.next_remote_spec, c.signed_after,
      c.last_revoke, c.remote_secrets, c.offered);
  all(c.sent_announcement, c.remote_node_signature, c.remote_bitcoin_signature, c.announced, c.local_shutdown,
      c.remote_shutdown, c.closing_transaction, c.status);
}

const Bytes kKeyCounter{'k', 'e', 'y', 's'};

}  // namespace

Put record(const Channel& channel) {
  RecordWriter out(kVersion);
  fields(Out{out}, channel);
  return {Table::Channel, to_bytes(channel.id.view()), out.take()};
}

Result<Channel, ParseError> read_channel(ByteView value) {
  RecordReader in(value);
  if (in.version() != kVersion) return fail(ParseError{ParseCode::UnknownVersion, in.version(), "channel"});
  Channel channel;
  fields(In{in}, channel);
  LN_CHECK(in.finish("channel"));
  return channel;
}

Put key_counter_record(std::uint64_t next) {
  RecordWriter out(kVersion);
  out.put(next);
  return {Table::Channel, kKeyCounter, out.take()};
}

Result<std::uint64_t, ParseError> read_key_counter(ByteView value) {
  RecordReader in(value);
  if (in.version() != kVersion) return fail(ParseError{ParseCode::UnknownVersion, in.version(), "key counter"});
  std::uint64_t next = 0;
  in.all(next);
  LN_CHECK(in.finish("key counter"));
  return next;
}

bool is_key_counter(ByteView key) {
  return equal(key, kKeyCounter);
}

void save(Work& work, Channel& channel) {
  work.say(record(channel));
  work.state.dirty.insert(channel.id);
}

}  // namespace doze::channel
