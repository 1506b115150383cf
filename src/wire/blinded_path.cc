#include "wire/blinded_path.h"

namespace doze::wire {

namespace {
bool looks_like_point(const PublicKey& key) {
  return key.bytes[0] == 2 || key.bytes[0] == 3;
}
}  // namespace

void write(Writer& out, const BlindedPath& path) {
  if (const auto* node = std::get_if<NodeId>(&path.first_node_id)) {
    out.bytes(node->view());
  } else {
    const auto& channel = std::get<ScidDir>(path.first_node_id);
    out.u8(channel.direction).u64(channel.scid.value());
  }
  out.bytes(path.first_path_key.view()).u8(static_cast<std::uint8_t>(path.path.size()));
  for (const auto& hop : path.path)
    out.bytes(hop.blinded_node_id.view())
        .u16(static_cast<std::uint16_t>(hop.encrypted_recipient_data.size()))
        .bytes(hop.encrypted_recipient_data);
}

void write(Writer& out, const BlindedPayInfo& info) {
  out.u32(info.fee_base_msat).u32(info.fee_proportional_millionths).u16(info.cltv_expiry_delta);
  out.u64(info.htlc_minimum_msat.value()).u64(info.htlc_maximum_msat.value());
  out.u16(static_cast<std::uint16_t>(info.features.size())).bytes(info.features);
}

Result<BlindedPath, ParseError> read_blinded_path(Reader& in) {
  auto start = in.at();
  auto truncated = [&](const char* what) { return fail(ParseError{ParseCode::Truncated, in.at(), what}); };
  BlindedPath out;
  auto first = in.u8();
  if (!in.ok()) return truncated("first_node_id");
  if (first == 0 || first == 1) {
    out.first_node_id = ScidDir{first, ShortChannelId(in.u64())};
  } else if (first == 2 || first == 3) {
    NodeId node;
    node.bytes[0] = first;
    auto rest = in.array<32>();
    std::copy(rest.begin(), rest.end(), node.bytes.begin() + 1);
    out.first_node_id = node;
  } else {
    return fail(ParseError{ParseCode::BadPoint, start, "first_node_id"});
  }
  out.first_path_key.bytes = in.array<33>();
  auto hops = in.u8();
  if (!in.ok()) return truncated("blinded_path");
  if (!looks_like_point(out.first_path_key)) return fail(ParseError{ParseCode::BadPoint, start, "first_path_key"});
  if (hops == 0) return fail(ParseError{ParseCode::BadValue, start, "num_hops"});  // [B12-read-10]
  for (; hops > 0; --hops) {
    BlindedHop hop;
    hop.blinded_node_id.bytes = in.array<33>();
    hop.encrypted_recipient_data = doze::to_bytes(in.bytes(in.u16()));
    if (!in.ok()) return truncated("blinded hop");
    if (!looks_like_point(hop.blinded_node_id))
      return fail(ParseError{ParseCode::BadPoint, in.at(), "blinded_node_id"});
    out.path.push_back(std::move(hop));
  }
  return out;
}

Result<BlindedPayInfo, ParseError> read_blinded_payinfo(Reader& in) {
  BlindedPayInfo out;
  out.fee_base_msat = in.u32();
  out.fee_proportional_millionths = in.u32();
  out.cltv_expiry_delta = in.u16();
  out.htlc_minimum_msat = Msat(in.u64());
  out.htlc_maximum_msat = Msat(in.u64());
  out.features = doze::to_bytes(in.bytes(in.u16()));
  if (!in.ok()) return fail(ParseError{ParseCode::Truncated, in.at(), "blinded_payinfo"});
  return out;
}

Result<std::vector<BlindedPath>, ParseError> read_blinded_paths(ByteView bytes) {
  Reader in(bytes);
  std::vector<BlindedPath> out;
  while (in.remaining() != 0) {
    LN_TRY(path, read_blinded_path(in));
    out.push_back(std::move(path));
  }
  return out;
}

Bytes to_bytes(const BlindedPath& path) {
  Writer out;
  write(out, path);
  return out.take();
}

Bytes to_bytes(const std::vector<BlindedPath>& paths) {
  Writer out;
  for (const auto& path : paths) write(out, path);
  return out.take();
}

}  // namespace doze::wire
