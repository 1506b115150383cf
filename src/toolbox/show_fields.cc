#include "toolbox/show_fields.h"

#include "bitcoin/compact_size.h"
#include "bitcoin/transaction.h"
#include "wire/address.h"
#include "wire/messages.h"
#include "wire/tlv.h"

namespace doze::toolbox {

using wire::FieldShape;
using wire::Form;

namespace {

std::string as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// `each` as long as something is left and nothing was cut.
template <class Each>
List list_of(Reader& in, Each each) {
  List out;
  while (in.ok() && in.remaining() != 0) out.push_back(each());
  return out;
}
template <class Each>
List counted(Reader& in, Each each) {
  List out;
  for (auto count = in.u16(); count > 0 && in.ok(); --count) out.push_back(each());
  return out;
}

/// The elements; as hex if it is not well-formed (not checked before).
Value show_witness(ByteView witness) {
  Reader in(witness);
  List out;
  for (auto count = bitcoin::read_compact_size(in); count > 0 && in.ok(); --count)
    out.push_back(to_hex(in.bytes(static_cast<std::size_t>(bitcoin::read_compact_size(in)))));
  return in.done() ? Value(std::move(out)) : Value(to_hex(witness));
}

Value show_path(Reader& in, Profile profile) {
  Value out;
  out.set("profile", doze::name(profile));
  if (profile == Profile::Ldk) out.set("htlc_id", in.u64());
  auto path = wire::read_blinded_path(in);
  if (path) return out.set("path", show(*path));
  in.fail();
  return out;
}

}  // namespace

Value show_field(const FieldShape& field, Reader& in) {
  switch (field.form) {
    case Form::U8:
      return std::uint64_t{in.u8()};
    case Form::U16:
      return in.u16();
    case Form::U32:
      return in.u32();
    case Form::U64:
    case Form::Msat:
    case Form::Sat:
      return in.u64();
    case Form::S64:
      return static_cast<std::int64_t>(in.u64());
    case Form::BigSize:
      return wire::read_bigsize(in);
    case Form::Time:
      return in.u32();
    case Form::Scid:
      return show(ShortChannelId(in.u64()));
    case Form::Chain:
      return show(ChainHash{in.array<32>()});
    case Form::Txid:
      return bitcoin::txid_to_string(Txid{in.array<32>()});
    case Form::Point:
      return to_hex(in.bytes(33));
    case Form::Bytes:
      return to_hex(in.bytes(field.size));
    case Form::Color:
      return "#" + to_hex(in.bytes(3));
    case Form::Alias: {
      auto text = as_text(in.bytes(32));
      return std::string(text.substr(0, text.find_last_not_of('\0') + 1));
    }
    case Form::Sized:
      return to_hex(in.bytes(in.u16()));
    case Form::Text:
      return std::string(as_text(in.bytes(in.u16())));
    case Form::Features:
      return show(wire::FeatureBits(in.bytes(in.u16())));
    case Form::ShortIds: {
      auto encoded = in.bytes(in.u16());
      auto read = wire::read_short_ids(encoded);
      if (!read) return to_hex(encoded);
      List ids;
      for (auto id : *read) ids.push_back(show(id));
      return ids;
    }
    case Form::Addresses: {
      List addresses;
      if (auto read = wire::read_addresses(in.bytes(in.u16())))
        for (const auto& address : *read) addresses.push_back(std::string(wire::to_text(address)));
      return addresses;
    }
    case Form::Signatures:
      return counted(in, [&] { return to_hex(in.bytes(64)); });
    case Form::Witnesses:
      return counted(in, [&] { return show_witness(in.bytes(in.u16())); });
    case Form::Rest:
      return to_hex(in.rest());
    case Form::RestFeatures:
      return show(wire::FeatureBits(in.rest()));
    case Form::RestChains:
      return list_of(in, [&] { return show(ChainHash{in.array<32>()}); });
    case Form::RestAddress: {
      auto bytes = in.rest();
      auto read = wire::read_addresses(bytes);
      return read && read->size() == 1 ? std::string(wire::to_text(read->front())) : to_hex(bytes);
    }
    case Form::RestPaths:
      return list_of(in, [&] { return show_path(in, Profile::Draft); });
    case Form::RestIdPaths:
      return list_of(in, [&] { return show_path(in, Profile::Ldk); });
    case Form::RestBigSizes:
      return list_of(in, [&] { return Value(wire::read_bigsize(in)); });
    case Form::RestPairs:
      return list_of(in, [&] {
        auto first = in.u32();
        return Value().set("node_id_1", first).set("node_id_2", in.u32());
      });
  }
  return {};
}

void set_field(Value& out, const FieldShape& field, Reader& in) {
  if (field.form == Form::Time)
    set_time(out, field.name, UnixTime(in.u32()));
  else
    out.set(field.name, show_field(field, in));
}

std::string type_text(const FieldShape& field) {
  switch (field.form) {
    case Form::U8:
      return "byte";
    case Form::U16:
      return "u16";
    case Form::U32:
    case Form::Time:
      return "u32";
    case Form::U64:
    case Form::Msat:
    case Form::Sat:
      return "u64";
    case Form::S64:
      return "s64";
    case Form::BigSize:
      return "bigsize";
    case Form::Scid:
      return "short_channel_id";
    case Form::Chain:
    case Form::Txid:
    case Form::Alias:
      return "32*byte";
    case Form::Point:
      return "point";
    case Form::Bytes:
      return std::to_string(field.size) + "*byte";
    case Form::Color:
      return "3*byte";
    case Form::Sized:
    case Form::Text:
    case Form::Features:
    case Form::ShortIds:
    case Form::Addresses:
      return "u16*byte";
    case Form::Signatures:
      return "u16*64*byte";
    case Form::Witnesses:
      return "u16*(u16*byte)";
    case Form::Rest:
    case Form::RestFeatures:
    case Form::RestAddress:
      return "...*byte";
    case Form::RestChains:
      return "...*32*byte";
    case Form::RestPaths:
      return "...*blinded_path";
    case Form::RestIdPaths:
      return "...*(u64,blinded_path)";
    case Form::RestBigSizes:
      return "...*bigsize";
    case Form::RestPairs:
      return "...*(u32,u32)";
  }
  return "";
}

}  // namespace doze::toolbox
