// A message of any shape: every field and every record that it may have. For tests and fuzz seeds.
#pragma once

#include "base/ids.h"
#include "wire/shapes.h"
#include "wire/tlv.h"

namespace doze::wire {

inline const PublicKey kPoint =
    PublicKey::from_hex_or_die("031b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f");

/// Zeros where they are allowed, lists and texts empty, `point` for every point.
inline void write_zero(Writer& out, const FieldShape& field, const PublicKey& point) {
  switch (field.form) {
    case Form::U8:
    case Form::BigSize:
      out.u8(0);
      break;
    case Form::U32:
    case Form::Time:
      out.u32(0);
      break;
    case Form::U64:
    case Form::S64:
    case Form::Msat:
    case Form::Sat:
    case Form::Scid:
      out.u64(0);
      break;
    case Form::Chain:
    case Form::Txid:
    case Form::Alias:
      out.bytes(Bytes(32));
      break;
    case Form::Point:
      out.bytes(point.view());
      break;
    case Form::Bytes:
      out.bytes(Bytes(field.size));
      break;
    case Form::Color:
      out.bytes(Bytes(3));
      break;
    case Form::U16:
    case Form::Sized:
    case Form::Text:
    case Form::Features:
    case Form::ShortIds:
    case Form::Addresses:
    case Form::Signatures:
    case Form::Witnesses:
      out.u16(0);
      break;
    case Form::RestAddress:
      out.bytes(hex("017f0000012607"));
      break;
    case Form::Rest:
    case Form::RestFeatures:
    case Form::RestChains:
    case Form::RestPaths:
    case Form::RestIdPaths:
    case Form::RestBigSizes:
    case Form::RestPairs:
      break;
  }
}

inline Bytes message_of(const MessageShape& shape, const PublicKey& point) {
  Writer out;
  out.u16(shape.type);
  for (const auto& field : shape.fields) write_zero(out, field, point);
  for (const auto& record : shape.records) {
    Writer value;
    for (const auto& field : record.fields) write_zero(value, field, point);
    write_record(out, record.type, value.view());
  }
  return out.take();
}

}  // namespace doze::wire
