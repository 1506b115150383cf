#include "toolbox/onions.h"

#include "crypto/crypto.h"
#include "onion/sphinx.h"
#include "toolbox/show.h"
#include "wire/messages.h"
#include "wire/tlv.h"

namespace doze::toolbox {

namespace {

/// The place of a record of this type, or where it belongs.
std::optional<std::size_t> place_of(ByteView stream, std::uint64_t type) {
  auto records = wire::parse_tlv_stream(stream);
  if (!records) return std::nullopt;
  std::size_t at = 0;
  for (const auto& record : *records) {
    if (record.type >= type) break;
    at += record.whole.size();
  }
  return at;
}

Problem locate(const char* kind, ByteView stream, const ParseError& error, std::size_t offset = 0) {
  auto out = problem(kind, rule_of(error));
  const std::string_view what = error.what;
  bool structure =
      error.code == ParseCode::Truncated || error.code == ParseCode::NotMinimal || error.code == ParseCode::TlvOrder;
  if (what.starts_with("TLV") && structure) {
    out.at = offset + static_cast<std::size_t>(error.where);
    return out;
  }
  if (error.code == ParseCode::UnknownEven) out.rule += ": an unknown even type must be refused";
  out.field = error.where;
  if (auto at = place_of(stream, error.where)) out.at = offset + *at;
  return out;
}

}  // namespace

std::optional<std::size_t> broken_in_paths(ByteView value) {
  Reader in(value);
  while (in.remaining() != 0) {
    auto start = in.at();
    auto path = wire::read_blinded_path(in);
    if (!path) return path.error().where;
    auto bad = [](const PublicKey& key) { return !crypto::is_valid(key); };
    const auto* node = std::get_if<NodeId>(&path->first_node_id);
    if (node != nullptr && bad(*node)) return start;
    auto at = start + (node != nullptr ? 33 : 9);
    if (bad(path->first_path_key)) return at;
    at += 34;
    for (const auto& hop : path->path) {
      if (bad(hop.blinded_node_id)) return at;
      at += 35 + hop.encrypted_recipient_data.size();
    }
  }
  return std::nullopt;
}

Result<Value, Problem> decode_packet(ByteView bytes) {
  auto bad = [](std::string rule, std::size_t at) {
    auto out = problem("onion packet", std::move(rule));
    out.at = at;
    return fail(std::move(out));
  };
  if (bytes.size() <= onion::kPacketOverhead) return bad("truncated: version, point, payloads and HMAC", bytes.size());
  if (bytes[0] != 0) return bad("version: expected 0", 0);
  if (!crypto::parse_point(bytes.subspan(1, 33))) return bad("public_key: not a valid point", 1);
  auto payloads = bytes.size() - onion::kPacketOverhead;
  Value out;
  out.set("type", "onion_packet").set("version", std::uint64_t{bytes[0]});
  out.set("public_key", to_hex(bytes.subspan(1, 33))).set("hop_payloads_bytes", std::uint64_t{payloads});
  out.set("hmac", to_hex(bytes.last(32)));
  if (bytes.size() == wire::kPaymentOnionBytes) out.set("fits", "update_add_htlc, or a small onion message");
  return out.set("note", "the payloads are encrypted: doze onion peel decrypts a layer with a node's key");
}

Result<Value, Problem> decode_payment_payload(ByteView stream, bool last, bool through_path_key) {
  auto payload = onion::decode_payload(stream, last, through_path_key);
  if (!payload) return fail(locate("payment onion payload", stream, payload.error()));
  Value out;
  out.set("type", "payment_onion_payload");
  join(out, show(*payload));
  return out;
}

Result<Value, Problem> decode_message_contents(std::uint64_t type, ByteView value) {
  auto contents = onion::decode_contents(type, value);
  if (!contents) {
    auto where = contents.error();
    // A body of LDK's has its length in front: the stream begins behind it.
    Reader in(value);
    bool prefixed = type == wire::kLdk.offer_paths_request || type == wire::kLdk.offer_paths ||
                    type == wire::kLdk.serve_static_invoice || type == wire::kLdk.static_invoice_persisted;
    if (prefixed) (void)wire::read_bigsize(in);
    if (!in.ok() || where.where == type) {
      auto out = problem("onion message contents", rule_of(where));
      out.field = type;
      return fail(std::move(out));
    }
    auto offset = in.at();
    return fail(locate("onion message contents", in.rest(), where, offset));
  }
  Value out;
  out.set("type", "onion_message_contents");
  join(out, show(*contents));
  return out;
}

Result<Value, Problem> decode_blinded_paths(ByteView bytes) {
  auto paths = wire::read_blinded_paths(bytes);
  if (!paths) {
    auto out = problem("blinded path", rule_of(paths.error()));
    out.at = static_cast<std::size_t>(paths.error().where);
    return fail(std::move(out));
  }
  if (paths->empty()) return fail(problem("blinded path", "empty"));
  if (auto at = broken_in_paths(bytes)) {
    auto out = problem("blinded path", "one of the keys is not a valid point");
    out.at = at;
    return fail(std::move(out));
  }
  Value out;
  out.set("type", "blinded_path");
  if (paths->size() == 1)
    join(out, show(paths->front()));
  else
    out.set("paths", show(*paths));
  return out;
}

Result<Value, Problem> decode_recipient_data(ByteView stream) {
  auto data = onion::decode_recipient_data(stream);
  if (!data) return fail(locate("encrypted_data_tlv", stream, data.error()));
  Value out;
  out.set("type", "encrypted_data_tlv");
  join(out, show(*data));
  return out;
}

}  // namespace doze::toolbox
