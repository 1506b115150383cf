// How each message lies on the wire, field by field: told by the functions that read and write it (wire/fields.h).
#pragma once

#include <cstdint>
#include <vector>

namespace doze::wire {

/// What a field's bytes are, and how they read best.
enum class Form : std::uint8_t {
  U8,
  U16,
  U32,
  U64,
  S64,
  BigSize,
  Msat,   // u64
  Sat,    // u64
  Time,   // u32, seconds since 1970
  Scid,   // u64
  Chain,  // 32 bytes
  Txid,   // 32 bytes
  Point,  // 33 bytes
  Bytes,  // FieldShape::size of them
  Color,  // 3 bytes
  Alias,  // 32 bytes of text
  Sized,  // u16 length in front, as the next four
  Text,   // for people
  Features,
  ShortIds,  // BOLT 7's encoding byte, then ids
  Addresses,
  Signatures,  // u16 count in front
  Witnesses,   // u16 count in front, and a u16 length in front of each
  Rest,        // to the end of the message or record, as all that follow
  RestFeatures,
  RestChains,
  RestAddress,
  RestPaths,    // blinded_paths
  RestIdPaths,  // u64 htlc_id and a blinded_path, many times
  RestBigSizes,
  RestPairs,  // u32 and u32, many times
};
struct FieldShape {
  const char* name;
  Form form;
  std::size_t size = 0;  // of Form::Bytes
};
struct RecordShape {
  std::uint64_t type;
  const char* name;
  std::vector<FieldShape> fields;
};
struct MessageShape {
  std::uint16_t type;
  const char* name;
  std::vector<FieldShape> fields;
  bool has_tlvs;  // the BOLT names a TLV stream for it; any other message may have unknown records behind its fields
  std::vector<RecordShape> records;
};

/// Those of wire/messages.h and of wire/messages_other.h, by type.
[[nodiscard]] const std::vector<MessageShape>& message_shapes();
/// nullptr: no message that we know.
[[nodiscard]] const MessageShape* shape_of(std::uint16_t type);

}  // namespace doze::wire
