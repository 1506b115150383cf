#include "bitcoin/descriptor.h"

#include <array>

namespace doze::bitcoin {

namespace {

constexpr std::string_view kCharacters =
    "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ ";
constexpr std::string_view kChecksumCharacters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t kChecksumLength = 8;
constexpr std::array<std::uint64_t, 5> kGenerator{0xf5dee51989, 0xa9fdca3312, 0x1bab10e32d, 0x3706b1677a, 0x644d626ffd};

void feed(std::uint64_t& checksum, std::uint64_t symbol) {
  auto top = checksum >> 35;
  checksum = (checksum & 0x7'ffff'ffffULL) << 5 ^ symbol;
  for (std::size_t bit = 0; bit < kGenerator.size(); ++bit)
    if ((top >> bit & 1) != 0) checksum ^= kGenerator[bit];
}

std::string path_text(std::span<const std::uint32_t> path) {
  std::string out;
  for (auto step : path) out += "/" + std::to_string(step & ~kHardened) + ((step & kHardened) != 0 ? "h" : "");
  return out;
}

std::string fingerprint_text(const ExtendedKey& key) {
  return to_hex(Writer().u32(fingerprint(key)).view());
}

}  // namespace

std::optional<std::string> descriptor_checksum(std::string_view script) {
  std::uint64_t checksum = 1, groups = 0;
  std::size_t in_group = 0;
  for (char c : script) {
    auto at = kCharacters.find(c);
    if (at == std::string_view::npos) return std::nullopt;
    feed(checksum, at & 31);
    groups = groups * 3 + (at >> 5);
    if (++in_group < 3) continue;
    feed(checksum, groups);
    groups = in_group = 0;
  }
  if (in_group > 0) feed(checksum, groups);
  for (std::size_t i = 0; i < kChecksumLength; ++i) feed(checksum, 0);
  checksum ^= 1;
  std::string out;
  for (std::size_t i = kChecksumLength; i-- > 0;) out += kChecksumCharacters[checksum >> 5 * i & 31];
  return out;
}

Result<std::string_view, ParseError> checked_descriptor(std::string_view text) {
  auto mark = text.find('#');
  if (mark == std::string_view::npos) return fail(ParseError{ParseCode::MissingField, text.size(), "checksum"});
  auto script = text.substr(0, mark), given = text.substr(mark + 1);
  if (given.size() != kChecksumLength) return fail(ParseError{ParseCode::BadLength, mark + 1, "checksum"});
  auto expected = descriptor_checksum(script);
  if (!expected) return fail(ParseError{ParseCode::BadEncoding, 0, "descriptor"});
  if (given != *expected) return fail(ParseError{ParseCode::BadChecksum, mark + 1, "checksum"});
  return script;
}

std::optional<std::string> account_descriptor(DescriptorKind kind, const ExtendedKey& master,
                                              std::span<const std::uint32_t> account, std::uint32_t chain,
                                              std::string_view hrp, bool with_private_key) {
  auto key = derive_path(master, account);
  if (!key) return std::nullopt;
  std::string out = kind == DescriptorKind::Wpkh ? "wpkh(" : "tr(";
  out += "[" + fingerprint_text(master) + path_text(account) + "]";
  out += with_private_key ? to_xprv(*key, hrp) : to_xpub(*key, hrp);
  out += "/" + std::to_string(chain) + "/*)";
  return out + "#" + *descriptor_checksum(out);
}

}  // namespace doze::bitcoin
