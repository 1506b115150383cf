#include "toolbox/messages.h"

#include "toolbox/show_fields.h"
#include "wire/messages_other.h"
#include "wire/shapes.h"
#include "wire/tlv.h"

namespace doze::toolbox {

namespace {

using wire::MessageShape;
using wire::RecordShape;

/// nullopt: the value does not fit the record.
std::optional<Value> show_record(const RecordShape& record, ByteView value) {
  Reader in(value);
  Value out = Fields{};
  if (record.fields.empty()) out = true;
  if (record.fields.size() == 1) out = show_field(record.fields[0], in);
  if (record.fields.size() > 1)
    for (const auto& field : record.fields) set_field(out, field, in);
  return in.done() ? std::optional(std::move(out)) : std::nullopt;
}

const RecordShape* find_record(const MessageShape& shape, std::uint64_t type) {
  for (const auto& record : shape.records)
    if (record.type == type) return &record;
  return nullptr;
}

/// Records by name, unknown ones as "unknown_TYPE". What has a form in each profile is one field.
Result<Done, Problem> show_records(Value& out, const MessageShape& shape, ByteView stream, std::size_t at) {
  auto records = wire::parse_tlv_stream(stream);
  if (!records) {
    if (!shape.has_tlvs) {
      out.set("extension", to_hex(stream))
          .set("note", "the bytes after the fields are not a TLV stream: to be ignored");
      return Done{};
    }
    auto bad = problem("message", rule_of(records.error()));
    bad.at = at + static_cast<std::size_t>(records.error().where);
    return fail(std::move(bad));
  }
  const char* hold = nullptr;
  std::optional<List> paths;
  for (const auto& record : *records) {
    const auto* known = find_record(shape, record.type);
    if (known == nullptr) {
      out.set("unknown_" + std::to_string(record.type), to_hex(record.value));
      continue;
    }
    auto value = show_record(*known, record.value);
    if (!value) {
      auto bad = problem("message", std::string(known->name) + ": " + doze::name(ParseCode::BadLength));
      bad.field = record.type;
      bad.at = at + static_cast<std::size_t>(record.value.data() - stream.data());
      return fail(std::move(bad));
    }
    if (std::string_view(known->name) == "hold_htlc") {
      hold = doze::name(record.type == wire::kLdk.add_hold_htlc ? Profile::Ldk : Profile::Draft);
    } else if (std::string_view(known->name) == "release_paths") {
      if (!paths) paths.emplace();
      for (const auto& path : std::get<List>(value->inner())) paths->push_back(path);
    } else {
      out.set(known->name, *std::move(value));
    }
  }
  if (hold != nullptr) out.set("hold_htlc", hold);
  if (paths) out.set("release_paths", *std::move(paths));
  return Done{};
}

/// Where the fields of a message begin, as far as it reaches, and the bytes after them.
struct Places {
  std::vector<std::pair<const char*, std::size_t>> starts;
  std::optional<std::size_t> tlvs;
};
Places places_of(ByteView bytes, const MessageShape& shape) {
  Places out;
  Reader in(bytes);
  (void)in.u16();
  for (const auto& field : shape.fields) {
    out.starts.emplace_back(field.name, in.at());
    (void)show_field(field, in);
    if (!in.ok()) return out;
  }
  out.tlvs = in.at();
  return out;
}

Problem locate(ByteView bytes, const MessageShape& shape, const ParseError& error) {
  auto out = problem("message", rule_of(error));
  auto places = places_of(bytes, shape);
  const std::string_view what = error.what;
  bool unknown = error.code == ParseCode::UnknownEven && what == "TLV type";
  if (what.starts_with("TLV") && places.tlvs && !unknown) {
    out.at = *places.tlvs + static_cast<std::size_t>(error.where);
    return out;
  }
  if (unknown) out.rule += ": an unknown even type must be refused";
  if (unknown) out.field = error.where;
  // The reader counts behind the type, and says where it stood when it noticed: behind the field, or at the cut.
  auto noticed = static_cast<std::size_t>(error.where) + 2;
  if (places.tlvs && (unknown || noticed > *places.tlvs)) {
    auto at = *places.tlvs;
    if (auto records = wire::parse_tlv_stream(bytes.subspan(at)))
      for (const auto& record : *records) {
        auto end = at + record.whole.size();
        if (unknown ? record.type == error.where : at < noticed && noticed <= end) {
          out.field = record.type;
          out.at = end - record.value.size();
        }
        at = end;
      }
    return out;
  }
  for (const auto& [name, start] : places.starts) {
    if (start < noticed || (start == noticed && error.code == ParseCode::Truncated)) {
      out.at = start;
      out.rule = std::string(name) + ": " + doze::name(error.code);
    }
  }
  if (error.code == ParseCode::Truncated) out.at = bytes.size();
  return out;
}

std::uint16_t type_in(ByteView bytes) {
  return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

/// By the reader of the machines that speak it, or of those messages that none does.
std::optional<ParseError> refusal(ByteView bytes) {
  if (auto spoken = wire::decode(bytes); !spoken) {
    if (spoken.error().code != ParseCode::UnknownEven || std::string_view(spoken.error().what) != "message type")
      return spoken.error();
  } else if (!std::holds_alternative<wire::UnknownMessage>(*spoken)) {
    return std::nullopt;
  }
  auto other = wire::decode_other(bytes);
  return other ? std::nullopt : std::optional(other.error());
}

Problem at_start(std::string rule) {
  auto out = problem("message", std::move(rule));
  out.at = 0;
  return out;
}

}  // namespace

bool is_message_type(ByteView bytes) {
  return bytes.size() >= 2 && wire::shape_of(type_in(bytes)) != nullptr;
}

Result<Value, Problem> decode_message(ByteView bytes) {
  if (bytes.size() < 2) return fail(at_start("expected two bytes of type"));
  auto type = type_in(bytes);
  const auto* shape = wire::shape_of(type);
  Value out;
  out.set("type", "message").set("message", shape == nullptr ? "unknown" : shape->name).set("message_type", type);
  auto error = refusal(bytes);
  if (shape == nullptr) {
    if (error && error->code != ParseCode::UnexpectedField)
      return fail(at_start(rule_of(*error) + " " + std::to_string(type)));
    out.set("body", to_hex(bytes.subspan(2)));
    return out.set("note", "an unknown odd type: to be ignored");
  }
  if (error) return fail(locate(bytes, *shape, *error));
  Reader in(bytes);
  (void)in.u16();
  for (const auto& field : shape->fields) set_field(out, field, in);
  auto at = in.at();
  LN_CHECK(show_records(out, *shape, in.rest(), at));
  return out;
}

}  // namespace doze::toolbox
