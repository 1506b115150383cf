#include "toolbox/vectors.h"

#include "offers/offer.h"
#include "toolbox/check.h"
#include "toolbox/create.h"
#include "toolbox/decode.h"
#include "toolbox/onion_tools.h"
#include "toolbox/onions.h"
#include "toolbox/vector_parts.h"

namespace doze::toolbox {

namespace {

bool flag_in(const Value& value, std::string_view name) {
  const auto* found = value.find(name);
  const auto* flag = found == nullptr ? nullptr : std::get_if<bool>(&found->inner());
  return flag != nullptr && *flag;
}
const List& list_in(const Value& value, std::string_view name) {
  static const List kNone;
  const auto* found = value.find(name);
  const auto* list = found == nullptr ? nullptr : std::get_if<List>(&found->inner());
  return list == nullptr ? kNone : *list;
}

/// What differs, as a path of names; empty: everything expected is there. More fields than expected do not matter.
std::string difference(const Value& expected, const Value& found, const std::string& where) {
  const auto* fields = std::get_if<Fields>(&expected.inner());
  if (fields != nullptr) {
    for (const auto& [name, value] : *fields) {
      const auto* there = found.find(name);
      if (there == nullptr) return where + name + ": missing";
      if (auto inner = difference(value, *there, where + name + "."); !inner.empty()) return inner;
    }
    return "";
  }
  if (const auto* list = std::get_if<List>(&expected.inner())) {
    const auto* there = std::get_if<List>(&found.inner());
    if (there == nullptr || there->size() != list->size()) return where + " different number of entries";
    for (std::size_t i = 0; i < list->size(); ++i)
      if (auto inner = difference((*list)[i], (*there)[i], where + std::to_string(i) + "."); !inner.empty())
        return inner;
    return "";
  }
  if (expected.inner().index() != found.inner().index()) return where + " different kind of value";
  bool same = std::visit(
      [&]<class T>(const T& inner) {
        if constexpr (std::is_same_v<T, List> || std::is_same_v<T, Fields>)
          return false;
        else
          return inner == std::get<T>(found.inner());
      },
      expected.inner());
  return same ? "" : where + " different value";
}

Result<Value, Problem> read_check(ByteView input, const Value& one) {
  auto offer = from_hex(text_in(one, "offer"));
  if (!offer) return fail(problem("", "offer: expected hex"));
  auto checked = check_static_invoice_rules(*offer, input, UnixTime(number_in(one, "time")));
  for (const auto& rule : checked.rules)
    if (!rule.passed) return fail(problem("static_invoice", rule.what));
  return Value().set("passed", true).set("profile", checked.profile);
}

/// Every layer in turn; the last one's answer.
Result<Value, Problem> read_layers(ByteView input, const Value& one) {
  Flags flags{{"packet", to_hex(input)}, {"associated_data", text_in(one, "associated_data")}};
  if (auto path_key = text_in(one, "path_key"); !path_key.empty()) flags["path_key"] = path_key;
  Value last = Fields{};
  for (const auto& layer : list_in(one, "layers")) {
    LN_TRY(peeled, peel_layer(flags, text_in(layer, "node_private_key")));
    if (const auto* expected = layer.find("expect"))
      if (auto what = difference(*expected, peeled, ""); !what.empty())
        return fail(problem("", "a layer differs: " + what));
    last = std::move(peeled);
  }
  return last;
}

/// What `build` makes of each kind, and which field of the answer has its hex.
struct Builder {
  const char* kind;
  Made<Value> (*build)(const Flags& flags);
  const char* field;
};
constexpr Builder kBuilders[] = {{"offer", create_offer, "hex"},
                                 {"invoice", create_invoice, "hex"},
                                 {"static_invoice", create_static_invoice, "hex"},
                                 {"onion_message", onion_build, "onion_message"},
                                 {"payment_onion", onion_build, "packet"}};

/// What was built must be the input.
std::string rebuild(const std::string& kind, const Value& build, const std::string& input) {
  Flags flags;
  const auto* fields = std::get_if<Fields>(&build.inner());
  if (fields == nullptr) return "'build' is no object";
  for (const auto& [name, value] : *fields) {
    if (const auto* text = std::get_if<std::string>(&value.inner())) flags[name] = *text;
    if (const auto* number = std::get_if<std::uint64_t>(&value.inner())) flags[name] = *number;
    if (const auto* flag = std::get_if<bool>(&value.inner())) flags[name] = *flag;
  }
  for (const auto& builder : kBuilders) {
    if (kind != builder.kind) continue;
    auto built = builder.build(flags);
    if (!built) return "cannot be built: " + built.error().text();
    return text_in(*built, builder.field) == input ? "" : "is built differently";
  }
  return "'build' is not for " + kind;
}

/// It has this member, but of another type.
template <class T>
bool is_other(const Value& one, const char* member) {
  const auto* value = one.find(member);
  return value != nullptr && !std::holds_alternative<T>(value->inner());
}

/// What is wrong with the optional members of a case; empty: nothing.
std::string other_types(const Value& one) {
  for (const auto* member : {"error", "reason", "offer", "associated_data", "path_key"})
    if (is_other<std::string>(one, member)) return std::string(member) + ": expected a text";
  for (const auto* member : {"time", "tlv_type"})
    if (is_other<std::uint64_t>(one, member)) return std::string(member) + ": expected a number";
  for (const auto* member : {"last", "through_path_key"})
    if (is_other<bool>(one, member)) return std::string(member) + ": expected true or false";
  if (is_other<List>(one, "layers")) return "layers: expected a list";
  return "";
}

}  // namespace

Made<Value> peel_layer(Flags& flags, const std::string& key) {
  flags["key"] = key;
  LN_TRY(peeled, onion_peel(flags));
  if (auto what = text_in(peeled, "payload_problem"); !what.empty()) return fail(problem("onion payload", what));
  auto message = text_in(peeled, "onion_message"), path_key = text_in(peeled, "next_path_key");
  flags["packet"] = message.empty() ? text_in(peeled, "next_packet") : message;
  flags.erase("path_key");
  if (!path_key.empty()) flags["path_key"] = path_key;
  return peeled;
}

Result<Value, Problem> read_case(const std::string& kind, ByteView input, const Value& one) {
  if (kind == "static_invoice_check") return read_check(input, one);
  if (kind == "onion_message_contents") return decode_message_contents(number_in(one, "tlv_type"), input);
  if (kind == "payment_onion_payload")
    return decode_payment_payload(input, flag_in(one, "last"), flag_in(one, "through_path_key"));
  if (kind == "onion_message" || kind == "payment_onion") return read_layers(input, one);
  return decode_bytes(input, kind);
}

CaseResult run_case(const Value& one) {
  CaseResult out{text_in(one, "name"), flag_in(one, "valid"), false, ""};
  auto kind = text_in(one, "kind"), hex_input = text_in(one, "input");
  auto input = from_hex(hex_input);
  auto is_text = [&](const char* member) {
    const auto* value = one.find(member);
    return value != nullptr && std::holds_alternative<std::string>(value->inner());
  };
  const auto* valid = one.find("valid");
  bool says_valid = valid != nullptr && std::holds_alternative<bool>(valid->inner());
  if (out.name.empty() || kind.empty() || !input || !is_text("input") || !says_valid) {
    out.why = "a case needs name, kind, valid (true or false), and input in hex";
    return out;
  }
  if (out.why = other_types(one); !out.why.empty()) return out;
  auto read = read_case(kind, *input, one);
  if (!out.valid) {
    auto wanted = text_in(one, "error");
    if (read)
      out.why = "accepted, though: " + text_in(one, "reason");
    else if (read.error().rule.find(wanted) == std::string::npos)
      out.why = "refused, but for another reason: " + read.error().rule + " (expected: " + wanted + ")";
    out.passed = out.why.empty();
    return out;
  }
  if (!read)
    out.why = "refused: " + read.error().text();
  else if (const auto* expected = one.find("expect"))
    out.why = difference(*expected, *read, "");
  if (const auto* build = one.find("build"); build != nullptr && out.why.empty())
    out.why = rebuild(kind, *build, hex_input);
  out.passed = out.why.empty();
  return out;
}

namespace {
/// The BOLTs' own lists of offers: "bolt12" or "string", and "valid". BOLT 12, test vectors.
std::vector<CaseResult> run_bolt12_list(const List& list) {
  std::vector<CaseResult> out;
  for (const auto& one : list) {
    auto text = text_in(one, one.find("bolt12") != nullptr ? "bolt12" : "string");
    auto name = text_in(one, one.find("description") != nullptr ? "description" : "comment");
    auto read = offers::Offer::parse(text);
    CaseResult result{name, flag_in(one, "valid"), false, ""};
    if (result.valid && !read) result.why = "refused: " + rule_of(read.error());
    if (!result.valid && read) result.why = "accepted";
    result.passed = result.why.empty() && one.find("valid") != nullptr;
    out.push_back(std::move(result));
  }
  return out;
}
}  // namespace

Result<std::vector<CaseResult>, std::string> run_vectors(const Value& file) {
  if (const auto* list = std::get_if<List>(&file.inner()); list != nullptr && !list->empty()) {
    if (list->front().find("bolt12") != nullptr || list->front().find("string") != nullptr)
      return run_bolt12_list(*list);
  }
  if (text_in(file, "schema") != kVectorSchema)
    return fail(std::string("no file of test vectors: \"schema\" must be \"") + kVectorSchema + "\"");
  if (list_in(file, "cases").empty()) return fail(std::string("no cases"));
  std::vector<CaseResult> out;
  for (const auto& one : list_in(file, "cases")) out.push_back(run_case(one));
  return out;
}

}  // namespace doze::toolbox
