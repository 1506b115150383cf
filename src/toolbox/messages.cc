#include "toolbox/messages.h"

#include "bitcoin/transaction.h"
#include "toolbox/show.h"
#include "wire/messages.h"
#include "wire/tlv.h"

namespace doze::toolbox {

namespace {

// A field is NAME:FORM. Forms: u8 u16 u32 u64 (big endian), msat, sat, time (u32), 32, 33, 64 (bytes), chain, txid,
// scid, color, alias, onion (a payment onion), hex / text / features / ids / addresses (u16 length in front),
// sigs (u16 count), rest. "tlvs" stands where a TLV stream begins.
struct Layout {
  std::uint16_t type;
  const char* fields;
};
constexpr const char* kSixPoints =
    "funding_pubkey:33 revocation_basepoint:33 payment_basepoint:33 delayed_payment_basepoint:33 htlc_basepoint:33 "
    "first_per_commitment_point:33 ";
constexpr Layout kLayouts[] = {
    {1, "channel_id:32 data:text"},
    {16, "globalfeatures:features features:features tlvs"},
    {17, "channel_id:32 data:text"},
    {18, "num_pong_bytes:u16 ignored:hex"},
    {19, "ignored:hex"},
    {32,
     "chain_hash:chain temporary_channel_id:32 funding_satoshis:sat push_msat:msat dust_limit_satoshis:sat "
     "max_htlc_value_in_flight_msat:msat channel_reserve_satoshis:sat htlc_minimum_msat:msat feerate_per_kw:u32 "
     "to_self_delay:u16 max_accepted_htlcs:u16 POINTS channel_flags:u8 tlvs"},
    {33,
     "temporary_channel_id:32 dust_limit_satoshis:sat max_htlc_value_in_flight_msat:msat channel_reserve_satoshis:sat "
     "htlc_minimum_msat:msat minimum_depth:u32 to_self_delay:u16 max_accepted_htlcs:u16 POINTS tlvs"},
    {34, "temporary_channel_id:32 funding_txid:txid funding_output_index:u16 signature:64"},
    {35, "channel_id:32 signature:64"},
    {36, "channel_id:32 second_per_commitment_point:33 tlvs"},
    {38, "channel_id:32 scriptpubkey:hex tlvs"},
    {39, "channel_id:32 fee_satoshis:sat signature:64 tlvs"},
    {128, "channel_id:32 id:u64 amount_msat:msat payment_hash:32 cltv_expiry:u32 onion_routing_packet:onion tlvs"},
    {130, "channel_id:32 id:u64 payment_preimage:32 tlvs"},
    {131, "channel_id:32 id:u64 reason:hex tlvs"},
    {132, "channel_id:32 signature:64 htlc_signatures:sigs tlvs"},
    {133, "channel_id:32 per_commitment_secret:32 next_per_commitment_point:33 tlvs"},
    {134, "channel_id:32 feerate_per_kw:u32"},
    {135, "channel_id:32 id:u64 sha256_of_onion:32 failure_code:u16"},
    {136,
     "channel_id:32 next_commitment_number:u64 next_revocation_number:u64 your_last_per_commitment_secret:32 "
     "my_current_per_commitment_point:33 tlvs"},
    {256,
     "node_signature_1:64 node_signature_2:64 bitcoin_signature_1:64 bitcoin_signature_2:64 features:features "
     "chain_hash:chain short_channel_id:scid node_id_1:33 node_id_2:33 bitcoin_key_1:33 bitcoin_key_2:33 rest:rest"},
    {257,
     "signature:64 features:features timestamp:time node_id:33 rgb_color:color alias:alias addresses:addresses "
     "rest:rest"},
    {258,
     "signature:64 chain_hash:chain short_channel_id:scid timestamp:time message_flags:u8 channel_flags:u8 "
     "cltv_expiry_delta:u16 htlc_minimum_msat:msat fee_base_msat:u32 fee_proportional_millionths:u32 "
     "htlc_maximum_msat:msat rest:rest"},
    {259, "channel_id:32 short_channel_id:scid node_signature:64 bitcoin_signature:64"},
    {261, "chain_hash:chain encoded_short_ids:ids extra:rest"},
    {262, "chain_hash:chain full_information:u8"},
    {263, "chain_hash:chain first_blocknum:u32 number_of_blocks:u32 extra:rest"},
    {264, "chain_hash:chain first_blocknum:u32 number_of_blocks:u32 sync_complete:u8 encoded_short_ids:ids extra:rest"},
    {265, "chain_hash:chain first_timestamp:time timestamp_range:u32"},
    {513, "path_key:33 onion_message_packet:hex"},
};

struct Field {
  std::string name, form;
};
std::optional<std::vector<Field>> layout_of(std::uint16_t type) {
  for (const auto& layout : kLayouts) {
    if (layout.type != type) continue;
    std::string text = layout.fields;
    if (auto at = text.find("POINTS "); at != std::string::npos) text.replace(at, 7, kSixPoints);
    std::vector<Field> out;
    for (std::size_t at = 0; at < text.size();) {
      auto end = std::min(text.find(' ', at), text.size());
      auto word = text.substr(at, end - at);
      auto colon = word.find(':');
      out.push_back(colon == std::string::npos ? Field{word, word}
                                               : Field{word.substr(0, colon), word.substr(colon + 1)});
      at = end + 1;
    }
    return out;
  }
  return std::nullopt;
}

std::string as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void read_field(Value& out, const Field& field, Reader& in) {
  const auto& [name, form] = field;
  if (form == "u8") out.set(name, std::uint64_t{in.u8()});
  if (form == "u16") out.set(name, in.u16());
  if (form == "u32") out.set(name, in.u32());
  if (form == "u64" || form == "msat" || form == "sat") out.set(name, in.u64());
  if (form == "time") set_time(out, name, UnixTime(in.u32()));
  if (form == "32" || form == "33" || form == "64")
    out.set(name, to_hex(in.bytes(static_cast<std::size_t>((form[0] - '0') * 10 + (form[1] - '0')))));
  if (form == "chain") out.set(name, show(ChainHash{in.array<32>()}));
  if (form == "txid") out.set(name, bitcoin::txid_to_string(Txid{in.array<32>()}));
  if (form == "scid") out.set(name, show(ShortChannelId(in.u64())));
  if (form == "color") out.set(name, "#" + to_hex(in.bytes(3)));
  if (form == "alias") {
    auto text = as_text(in.bytes(32));
    out.set(name, show_text(text.substr(0, text.find_last_not_of('\0') + 1)));
  }
  if (form == "onion") out.set(name, to_hex(in.bytes(wire::kPaymentOnionBytes)));
  if (form == "hex") out.set(name, to_hex(in.bytes(in.u16())));
  if (form == "text") out.set(name, show_text(as_text(in.bytes(in.u16()))));
  if (form == "features") out.set(name, show(wire::FeatureBits(in.bytes(in.u16()))));
  if (form == "ids") {
    List ids;
    if (auto read = wire::read_short_ids(in.bytes(in.u16())))
      for (auto id : *read) ids.push_back(show(id));
    out.set(name, std::move(ids));
  }
  if (form == "addresses") {
    List addresses;
    if (auto read = wire::read_addresses(in.bytes(in.u16())))
      for (const auto& address : *read) addresses.push_back(show_text(wire::to_text(address)));
    out.set(name, std::move(addresses));
  }
  if (form == "sigs") {
    List signatures;
    for (auto count = in.u16(); count > 0 && in.ok(); --count) signatures.push_back(to_hex(in.bytes(64)));
    out.set(name, std::move(signatures));
  }
  if (form == "rest") {
    auto rest = in.rest();
    if (!rest.empty()) out.set(name, to_hex(rest));
  }
}

struct TlvName {
  std::uint16_t message;
  std::uint64_t type;
  const char* name;
  const char* error;  // as the reader calls it
};
constexpr TlvName kTlvs[] = {
    {16, 1, "networks", "networks"},
    {16, 3, "remote_addr", "remote_addr"},
    {32, 0, "upfront_shutdown_script", ""},
    {32, 1, "channel_type", ""},
    {33, 0, "upfront_shutdown_script", ""},
    {33, 1, "channel_type", ""},
    {36, 1, "short_channel_id", "short_channel_id alias"},
    {39, 1, "fee_range", "fee_range"},
    {128, 0, "path_key", "path_key"},
    {128, wire::kDraft.add_hold_htlc, "hold_htlc", "hold_htlc"},
    {128, wire::kLdk.add_hold_htlc, "hold_htlc", "hold_htlc"},
    {133, wire::kDraft.raa_release_paths, "release_paths", "release path"},
    {133, wire::kLdk.raa_release_paths, "release_paths", "release path"},
};

void show_tlv(Value& out, std::uint16_t message, const wire::TlvRecord& record, const wire::Message& decoded) {
  const TlvName* known = nullptr;
  for (const auto& each : kTlvs)
    if (each.message == message && each.type == record.type) known = &each;
  if (known == nullptr) {
    out.set("unknown_" + std::to_string(record.type), to_hex(record.value));
    return;
  }
  const std::string_view name = known->name;
  Reader in(record.value);
  if (name == "networks") {
    List chains;
    while (in.remaining() >= 32) chains.push_back(show(ChainHash{in.array<32>()}));
    out.set("networks", std::move(chains));
  } else if (name == "remote_addr") {
    if (auto read = wire::read_addresses(record.value); read && read->size() == 1)
      out.set("remote_addr", show_text(wire::to_text(read->front())));
  } else if (name == "channel_type") {
    out.set("channel_type", show(wire::FeatureBits(record.value)));
  } else if (name == "short_channel_id") {
    out.set("short_channel_id", show(ShortChannelId(in.u64())));
  } else if (name == "fee_range") {
    out.set("min_fee_satoshis", in.u64()).set("max_fee_satoshis", in.u64());
  } else if (name == "hold_htlc") {
    if (out.find("hold_htlc") == nullptr)
      out.set("hold_htlc", doze::name(*std::get<wire::UpdateAddHtlc>(decoded).hold_htlc));
  } else if (name == "release_paths") {
    if (out.find("release_paths") != nullptr) return;
    List paths;
    for (const auto& release : std::get<wire::RevokeAndAck>(decoded).release_paths) {
      Value path;
      path.set("profile", doze::name(release.profile));
      if (release.htlc_id) path.set("htlc_id", *release.htlc_id);
      paths.push_back(std::move(path.set("path", show(release.path))));
    }
    out.set("release_paths", std::move(paths));
  } else {
    out.set(std::string(name), to_hex(record.value));
  }
}

/// Where the fields of a message stand, as far as it reaches.
struct Places {
  std::vector<std::pair<std::string, std::size_t>> starts;
  std::optional<std::size_t> tlvs;
};
Places places_of(ByteView bytes, const std::vector<Field>& fields) {
  Places out;
  Reader in(bytes);
  (void)in.u16();
  for (const auto& field : fields) {
    out.starts.emplace_back(field.name, in.at());
    if (field.form == "tlvs") out.tlvs = in.at();
    Value ignored;
    read_field(ignored, field, in);
    if (!in.ok()) break;
  }
  return out;
}

Problem locate(ByteView bytes, std::uint16_t type, const ParseError& error, const std::vector<Field>& fields) {
  auto out = problem("message", rule_of(error));
  auto places = places_of(bytes, fields);
  const std::string_view what = error.what;
  auto in_tlvs = [&](std::uint64_t tlv) {
    out.field = tlv;
    if (!places.tlvs) return;
    auto records = wire::parse_tlv_stream(bytes.subspan(*places.tlvs));
    std::size_t at = *places.tlvs;
    if (records)
      for (const auto& record : *records) {
        if (record.type == tlv) out.at = at + record.whole.size() - record.value.size();
        at += record.whole.size();
      }
  };
  for (const auto& tlv : kTlvs)
    if (tlv.message == type && what == tlv.error && tlv.error[0] != 0) {
      in_tlvs(tlv.type);
      if (out.at) return out;
    }
  if (error.code == ParseCode::UnknownEven && what == "TLV type") {
    out.rule += ": an even type that is unknown must be refused";
    in_tlvs(error.where);
    return out;
  }
  if (what.starts_with("TLV") && places.tlvs) {
    out.at = *places.tlvs + static_cast<std::size_t>(error.where);
    return out;
  }
  // The reader counts behind the type, and says where it stood when it noticed: behind the field, or at the cut.
  auto noticed = static_cast<std::size_t>(error.where) + 2;
  for (const auto& [name, start] : places.starts) {
    if (start < noticed || (start == noticed && error.code == ParseCode::Truncated)) {
      out.at = start;
      out.rule = name + ": " + doze::name(error.code);
    }
  }
  if (error.code == ParseCode::Truncated) out.at = bytes.size();
  return out;
}

}  // namespace

bool is_message_type(ByteView bytes) {
  return bytes.size() >= 2 && layout_of(static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1])).has_value();
}

Result<Value, Problem> decode_message(ByteView bytes) {
  auto decoded = wire::decode(bytes);
  auto type = static_cast<std::uint16_t>(bytes.size() < 2 ? 0 : bytes[0] << 8 | bytes[1]);
  auto fields = layout_of(type);
  if (!decoded) {
    if (fields) return fail(locate(bytes, type, decoded.error(), *fields));
    auto out =
        problem("message", bytes.size() < 2 ? "the two bytes of the type are not there" : rule_of(decoded.error()));
    if (bytes.size() >= 2) out.rule += " " + std::to_string(type);
    out.at = 0;
    return fail(std::move(out));
  }
  Value out;
  out.set("type", "message").set("message", wire::name(*decoded)).set("message_type", type);
  if (!fields) {
    out.set("body", to_hex(bytes.subspan(2)));
    return out.set("note", "an odd type that we do not know: to be ignored");
  }
  Reader in(bytes);
  (void)in.u16();
  for (const auto& field : *fields) {
    if (field.form != "tlvs") {
      read_field(out, field, in);
      continue;
    }
    if (auto records = wire::parse_tlv_stream(in.rest()))
      for (const auto& record : *records) show_tlv(out, type, record, *decoded);
  }
  if (in.remaining() != 0) out.set("trailing", to_hex(in.rest()));
  return out;
}

}  // namespace doze::toolbox
