#include "invoicing/records.h"

#include "effects/record_io.h"

namespace doze::invoicing {
namespace {
constexpr std::uint8_t kVersion = 1;
/// 2: channels, channels_since at the end. 3: named, withdrawal, withdrawn after them.
constexpr std::uint8_t kOwnOfferVersion = 3;
/// 2: left at the end.
constexpr std::uint8_t kJoinedVersion = 2;

ParseError unknown_version(std::uint8_t version) {
  return {ParseCode::UnknownVersion, version, "record version"};
}
}  // namespace

Put record(const OwnOffer& o) {
  RecordWriter out(kOwnOfferVersion);
  out.all(o.offer.bytes(), o.nonce, o.async, o.disabled, o.created_at, o.payments, o.received, o.profile, o.server,
          o.slot, o.serve_path, o.invoice_created_at, o.acknowledged, o.channels, o.channels_since,
          static_cast<std::uint8_t>(o.named.size()));
  for (const auto& channel : o.named) out.all(channel.channel_id, channel.policy);
  out.all(o.withdrawal, o.withdrawn);
  return {Table::Offer, to_bytes(o.offer.id().view()), out.take()};
}

Result<OwnOffer, ParseError> read_own_offer(ByteView value) {
  RecordReader in(value);
  if (in.version() == 0 || in.version() > kOwnOfferVersion) return fail(unknown_version(in.version()));
  Bytes stream;
  in.all(stream);
  LN_TRY(offer, offers::Offer::from_bytes(stream));
  OwnOffer o{std::move(offer)};
  in.all(o.nonce, o.async, o.disabled, o.created_at, o.payments, o.received, o.profile, o.server, o.slot, o.serve_path,
         o.invoice_created_at, o.acknowledged);
  if (in.version() >= 2) in.all(o.channels, o.channels_since);
  if (in.version() >= 3) {
    std::uint8_t count = 0;
    in.get(count);
    for (; count > 0 && in.ok(); --count) {
      auto& channel = o.named.emplace_back();
      in.all(channel.channel_id, channel.policy);
    }
    in.all(o.withdrawal, o.withdrawn);
  }
  LN_CHECK(in.finish("offer"));
  return o;
}

Put record(const Joined& j) {
  RecordWriter out(kJoinedVersion);
  out.all(j.server, wire::to_bytes(j.addresses), j.paths, j.profile, j.token, j.joined_at, j.left);
  return {Table::Joined, to_bytes(j.server.view()), out.take()};
}

Result<Joined, ParseError> read_joined(ByteView value) {
  RecordReader in(value);
  if (in.version() == 0 || in.version() > kJoinedVersion) return fail(unknown_version(in.version()));
  Joined j;
  Bytes addresses;
  in.all(j.server, addresses, j.paths, j.profile, j.token, j.joined_at);
  if (in.version() >= 2) in.get(j.left);
  if (j.paths.empty()) in.refuse();
  LN_CHECK(in.finish("joined server"));
  LN_TRY(read, wire::read_addresses(addresses));
  j.addresses = std::move(read);
  return j;
}

Put record(const Invited& i) {
  RecordWriter out(kVersion);
  out.all(i.id, i.label, i.profile, i.created_at, i.expires_at, i.revoked, i.recipient);
  return {Table::Invitation, to_bytes(ByteView(i.id)), out.take()};
}

Result<Invited, ParseError> read_invited(ByteView value) {
  RecordReader in(value);
  if (in.version() != kVersion) return fail(unknown_version(in.version()));
  Invited i;
  in.all(i.id, i.label, i.profile, i.created_at, i.expires_at, i.revoked, i.recipient);
  LN_CHECK(in.finish("invitation"));
  return i;
}

Served::Served(const offers::StaticInvoice& from, wire::BlindedPath path, UnixTime received)
    : invoice(from.bytes()),
      offer_id(from.offer_id()),
      withdrawn(offers::is_withdrawn(from)),
      profile(from.profile()),
      node_id(from.node_id()),
      created_at(from.created_at()),
      expires_at(from.expires_at()),
      forward_path(std::move(path)),
      received_at(received) {}

std::size_t Served::bytes() const {
  auto out = invoice.size();
  for (const auto& hop : forward_path.path) out += sizeof hop + hop.encrypted_recipient_data.size();
  return out;
}

Bytes key_of(const SlotKey& key) {
  return Writer().bytes(key.invitation).u16(key.slot).take();
}

Put record(const SlotKey& key, const Served& s) {
  RecordWriter out(kVersion);
  out.all(s.invoice, s.forward_path, s.received_at);
  return {Table::StaticInvoice, key_of(key), out.take()};
}

Result<std::pair<SlotKey, Served>, ParseError> read_served(ByteView key, ByteView value) {
  Reader name(key);
  SlotKey slot{name.array<16>(), name.u16()};
  if (!name.done()) return fail(ParseError{ParseCode::BadValue, key.size(), "slot key"});
  RecordReader in(value);
  if (in.version() != kVersion) return fail(unknown_version(in.version()));
  Bytes stream;
  wire::BlindedPath forward_path;
  UnixTime received_at;
  in.all(stream, forward_path, received_at);
  LN_CHECK(in.finish("static invoice"));
  LN_TRY(invoice, offers::StaticInvoice::parse(stream, offers::Checks::Stored));
  return std::pair{slot, Served(invoice, std::move(forward_path), received_at)};
}

}  // namespace doze::invoicing
