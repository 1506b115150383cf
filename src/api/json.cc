#include "api/json.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/version.h"

namespace doze::api {

namespace json = boost::json;

json::value to_json(const Value& value) {
  return std::visit(
      []<class T>(const T& inner) -> json::value {
        if constexpr (std::is_same_v<T, std::monostate>) {
          return nullptr;
        } else if constexpr (std::is_same_v<T, List>) {
          json::array out;
          for (const auto& item : inner) out.push_back(to_json(item));
          return out;
        } else if constexpr (std::is_same_v<T, Fields>) {
          json::object out;
          for (const auto& [name, item] : inner) out[name] = to_json(item);
          return out;
        } else if constexpr (std::is_same_v<T, std::string>) {
          return json::string(inner);
        } else {
          return inner;
        }
      },
      value.inner());
}

std::string json_text(const json::value& value) {
  return printable_json(json::serialize(value));
}

json::value to_json(const CommandError& error) {
  json::object out{{"code", name(error.code)}, {"message", error.message}};
  for (const auto& [name, value] : error.numbers) out[name] = to_json(value);
  return json::object{{"error", std::move(out)}};
}

Result<Arguments, CommandError> parse_body(std::string_view body) {
  auto bad = [](std::string message) {
    return fail(CommandError{CommandErrorCode::BadRequest, std::move(message), {}});
  };
  Arguments out;
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return out;
  json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code error;
  auto value = json::parse(body, error, {}, options);
  if (error) return bad("body: expected JSON: " + error.message());
  const auto* object = value.if_object();
  if (object == nullptr) return bad("body: expected one JSON object with the arguments");
  for (const auto& member : *object) {
    std::string key(member.key());
    if (member.value().is_null()) continue;
    if (const auto* flag = member.value().if_bool()) {
      out.emplace(key, *flag);
    } else if (const auto* number = member.value().if_uint64()) {
      out.emplace(key, *number);
    } else if (const auto* signed_number = member.value().if_int64(); signed_number != nullptr && *signed_number >= 0) {
      out.emplace(key, static_cast<std::uint64_t>(*signed_number));
    } else if (const auto* text = member.value().if_string()) {
      out.emplace(key, std::string(*text));
    } else {
      return bad(escape_untrusted(key) + ": expected a text, a whole number, true or false");
    }
  }
  return out;
}

namespace {
/// One schema per event: what the line of the log holds.
void add_events(json::object& schemas) {
  for (const auto& row : kEvents) {
    json::object properties;
    json::array required;
    each_field(row.fields, [&](std::string_view name, bool optional) {
      const auto& field = kEventFields[event_field_at(name)];
      const char* type = field.kind == EventFieldKind::Number ? "integer"
                         : field.kind == EventFieldKind::Flag ? "boolean"
                                                              : "string";
      properties[name] = json::object{{"type", type}, {"description", field.meaning}};
      if (!optional) required.emplace_back(name);
    });
    json::object schema{{"type", "object"},           {"title", row.name},
                        {"description", row.meaning}, {"x-event-number", row.number},
                        {"x-event-level", row.level}, {"properties", std::move(properties)}};
    if (!required.empty()) schema["required"] = std::move(required);
    schemas["Event." + std::string(row.name)] = std::move(schema);
  }
}
}  // namespace

json::value openapi() {
  json::object paths;
  for (const auto& method : methods()) {
    json::object properties;
    json::array required;
    for (const auto& param : method.params) {
      properties[param.name] = json::object{{"type", name(param.kind)}, {"description", param.help}};
      if (param.required) required.emplace_back(param.name);
    }
    json::object schema{{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
    if (!required.empty()) schema["required"] = std::move(required);
    auto answer = [](const char* what, const char* schema_name) {
      return json::object{
          {"description", what},
          {"content", json::object{{"application/json",
                                    json::object{{"schema", json::object{{"$ref", std::string("#/components/schemas/") +
                                                                                      schema_name}}}}}}}};
    };
    json::object post{
        {"operationId", method.name},
        {"summary", method.summary},
        {"requestBody",
         json::object{{"content", json::object{{"application/json", json::object{{"schema", std::move(schema)}}}}}}},
        {"responses", json::object{{"200", answer("The answer", "Answer")},
                                   {"400", answer("An argument is wrong", "Error")},
                                   {"401", json::object{{"description", "The token is missing or wrong"}}},
                                   {"404", answer("No object with this id", "Error")},
                                   {"409", answer("Not possible now; the message gives the reason", "Error")},
                                   {"422", answer("The payment cannot be made; the message gives the reason", "Error")},
                                   {"429", answer("A limit was reached; the message names it", "Error")},
                                   {"504", answer("No answer in time; the command may still take effect", "Error")}}}};
    paths["/v1/" + method.name] = json::object{{"post", std::move(post)}};
  }
  json::object error_schema{
      {"type", "object"},
      {"properties",
       json::object{{"error", json::object{{"type", "object"},
                                           {"properties", json::object{{"code", json::object{{"type", "string"}}},
                                                                       {"message", json::object{{"type", "string"}}}}},
                                           {"required", json::array{"code", "message"}}}}}},
      {"required", json::array{"error"}}};
  json::object schemas{{"Answer", json::object{{"type", "object"}}}, {"Error", std::move(error_schema)}};
  add_events(schemas);
  return json::object{
      {"openapi", "3.0.3"},
      {"info", json::object{{"title", "Doze"},
                            {"version", kVersion},
                            {"description",
                             "One POST per method, arguments as a JSON object. All amounts are integers. "
                             "Authorization: Bearer TOKEN (the file api-token in the node's folder)."}}},
      {"servers", json::array{json::object{{"url", "http://127.0.0.1:9737"}}}},
      {"security", json::array{json::object{{"token", json::array{}}}}},
      {"paths", std::move(paths)},
      {"components",
       json::object{{"securitySchemes", json::object{{"token", json::object{{"type", "http"}, {"scheme", "bearer"}}}}},
                    {"schemas", std::move(schemas)}}}};
}

}  // namespace doze::api
