#include "toolbox/flags.h"

#include <charconv>

#include "crypto/crypto.h"

namespace doze::toolbox {

bool is_set(const Flags& flags, const std::string& name) {
  auto it = flags.find(name);
  return it != flags.end() && (!std::holds_alternative<bool>(it->second) || std::get<bool>(it->second));
}

std::string text_of(const Flags& flags, const std::string& name) {
  auto it = flags.find(name);
  if (it == flags.end()) return "";
  if (const auto* number = std::get_if<std::uint64_t>(&it->second)) return std::to_string(*number);
  const auto* text = std::get_if<std::string>(&it->second);
  return text == nullptr ? "" : *text;
}

std::optional<std::uint64_t> number_of(const Flags& flags, const std::string& name) {
  auto it = flags.find(name);
  const auto* number = it == flags.end() ? nullptr : std::get_if<std::uint64_t>(&it->second);
  return number == nullptr ? std::nullopt : std::optional(*number);
}

std::vector<std::string> list_of(const Flags& flags, const std::string& name) {
  std::vector<std::string> out;
  auto text = text_of(flags, name);
  for (std::size_t at = 0; at < text.size();) {
    auto end = std::min(text.find(',', at), text.size());
    if (end != at) out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

Hash32 derived(const Flags& flags, const std::string& what) {
  auto seed = is_set(flags, "seed") ? text_of(flags, "seed") : std::string("doze");
  return crypto::hmac_sha256(bytes_of(seed), bytes_of(what));
}

Made<PrivateKey> key_of(const Flags& flags, const std::string& text) {
  if (text.empty()) return fail(problem("key", "missing: expected 64 hex digits or a name"));
  if (text.size() == 64)
    if (auto bytes = from_hex(text)) {
      if (auto key = crypto::parse_private_key(*bytes)) return *key;
      return fail(problem("key", "the number is outside the range of private keys"));
    }
  // A hash that is not a valid key has probability 2^-128; the counter makes the function total.
  for (int counter = 0;; ++counter)
    if (auto key = crypto::parse_private_key(
            derived(flags, "key " + text + (counter == 0 ? "" : " " + std::to_string(counter))).view()))
      return *key;
}

Made<PublicKey> point_of(const Flags& flags, const std::string& text) {
  if (text.size() == 66)
    if (auto bytes = from_hex(text)) {
      if (auto point = crypto::parse_point(*bytes)) return *point;
      return fail(problem("public key", text + " is not a point on the curve"));
    }
  LN_TRY(key, key_of(flags, text));
  return crypto::public_key(key);
}

Made<Bytes> hex_of(const Flags& flags, const std::string& name) {
  auto bytes = from_hex(text_of(flags, name));
  if (!bytes) return fail(bad_flag(name, "expected hex"));
  return *std::move(bytes);
}

Made<std::vector<wire::BlindedPath>> paths_of(const Flags& flags, const std::string& name) {
  std::vector<wire::BlindedPath> out;
  for (const auto& text : list_of(flags, name)) {
    auto bytes = from_hex(text);
    if (!bytes) return fail(bad_flag(name, "expected hex"));
    auto paths = wire::read_blinded_paths(*bytes);
    if (!paths) return fail(bad_flag(name, rule_of(paths.error())));
    out.insert(out.end(), paths->begin(), paths->end());
  }
  return out;
}

Made<Profile> profile_of(const Flags& flags) {
  auto text = text_of(flags, "profile");
  if (text.empty() || text == name(Profile::Ldk)) return Profile::Ldk;
  if (text == name(Profile::Draft)) return Profile::Draft;
  return fail(bad_flag("profile", "expected 'ldk' or 'draft'"));
}

std::optional<ShortChannelId> parse_scid(std::string_view text) {
  std::uint32_t parts[3] = {};
  for (int i = 0; i < 3; ++i) {
    auto end = i == 2 ? text.size() : text.find('x');
    if (end == std::string_view::npos) return std::nullopt;
    auto [last, error] = std::from_chars(text.data(), text.data() + end, parts[i]);
    if (error != std::errc() || last != text.data() + end) return std::nullopt;
    if (i < 2) text.remove_prefix(end + 1);
  }
  if (parts[0] >= 1U << 24 || parts[1] >= 1U << 24 || parts[2] > 0xffff) return std::nullopt;
  return ShortChannelId::of(parts[0], parts[1], static_cast<std::uint16_t>(parts[2]));
}

Problem bad_flag(const std::string& name, const std::string& why) {
  // As help calls them: amounts have their unit behind the number.
  std::string flag = "--" + name.substr(0, name.ends_with("_msat") ? name.size() - 5 : name.size());
  for (auto& c : flag)
    if (c == '_') c = '-';
  return problem("", flag + ": " + why);
}

std::optional<Problem> without(const Flags& flags, const std::string& needed,
                               std::initializer_list<const char*> names) {
  if (is_set(flags, needed)) return std::nullopt;
  for (const auto* name : names)
    if (is_set(flags, name)) return bad_flag(name, "expected only together with --" + needed);
  return std::nullopt;
}

Made<Value> keys(const Flags& flags) {
  List out;
  auto names = list_of(flags, "names");
  if (names.empty()) names = {"alice"};
  for (const auto& each : names) {
    LN_TRY(key, key_of(flags, each));
    auto point = crypto::public_key(key);
    Value one;
    one.set("name", escape_untrusted(each)).set("private_key", to_hex(key.reveal()));
    one.set("public_key", point.hex()).set("x_only", crypto::x_only(point).hex());
    out.push_back(std::move(one));
  }
  return Value().set("keys", std::move(out));
}

}  // namespace doze::toolbox
