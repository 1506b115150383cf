#include "bitcoin/address.h"

#include "base/bech32.h"
#include "bitcoin/base58.h"
#include "bitcoin/script.h"

namespace doze::bitcoin {

namespace {
struct Base58Versions {
  std::uint8_t p2pkh, p2sh;
};
Base58Versions address_versions_of(std::string_view hrp) {
  return hrp == kHrpMainnet ? Base58Versions{0x00, 0x05} : Base58Versions{0x6f, 0xc4};
}

/// Version 0 keeps the first checksum, later ones take the second. BIP 350.
Bech32Kind kind_of(int version) {
  return version == 0 ? Bech32Kind::Bech32 : Bech32Kind::Bech32m;
}

Result<Bytes, ParseError> segwit_script(const Bech32& address, std::string_view hrp) {
  if (address.hrp != hrp) return fail(ParseError{ParseCode::BadValue, 0, "address of another network"});
  auto where = hrp.size() + 1;
  if (address.groups.empty() || address.groups[0] > 16)
    return fail(ParseError{ParseCode::BadValue, where, "witness version"});
  int version = address.groups[0];
  if (kind_of(version) != address.kind)
    return fail(ParseError{ParseCode::BadChecksum, where, "checksum of another witness version"});
  auto program = to_eight_bits(ByteView(address.groups).subspan(1));
  if (!program) return fail(ParseError{ParseCode::BadEncoding, where, "witness program padding"});

  Writer script;
  script.u8(static_cast<std::uint8_t>(version == 0 ? OP_0 : OP_1 + version - 1));
  script.u8(static_cast<std::uint8_t>(program->size())).bytes(*program);
  bool good_length = version != 0 || program->size() == 20 || program->size() == 32;
  if (!good_length || !witness_program(script.view()))
    return fail(ParseError{ParseCode::BadValue, where, "witness program length"});
  return script.take();
}

Result<Bytes, ParseError> base58_script(std::string_view address, std::string_view hrp) {
  LN_TRY(payload, base58check_decode(address));
  auto hash = payload.empty() ? std::nullopt : Hash20::from(ByteView(payload).subspan(1));
  if (!hash) return fail(ParseError{ParseCode::BadValue, 0, "address length"});
  if (payload[0] == address_versions_of(hrp).p2pkh) return p2pkh_script(*hash);
  if (payload[0] == address_versions_of(hrp).p2sh) return p2sh_script(*hash);
  return fail(ParseError{ParseCode::BadValue, 0, "address of another network"});
}

std::string base58_address(std::uint8_t version, ByteView hash) {
  Writer payload;
  payload.u8(version).bytes(hash);
  return base58check_encode(payload.view());
}
}  // namespace

Result<Bytes, ParseError> script_of_address(std::string_view address, std::string_view hrp) {
  auto segwit = bech32_decode(address);
  if (segwit) return segwit_script(*segwit, hrp);
  // Base58 has no fixed front. Text that starts like a segwit address is one, and its own mistake is told.
  for (std::string_view front : {"bc1", "tb1", "bcrt1"}) {
    auto lower = bech32_lower(address.substr(0, front.size()));
    if (lower && *lower == front) return fail(std::move(segwit).error());
  }
  return base58_script(address, hrp);
}

std::optional<std::string> address_of_script(ByteView script_pubkey, std::string_view hrp) {
  if (is_p2pkh(script_pubkey)) return base58_address(address_versions_of(hrp).p2pkh, script_pubkey.subspan(3, 20));
  if (is_p2sh(script_pubkey)) return base58_address(address_versions_of(hrp).p2sh, script_pubkey.subspan(2, 20));
  auto program = witness_program(script_pubkey);
  if (!program) return std::nullopt;
  if (program->version == 0 && program->program.size() != 20 && program->program.size() != 32) return std::nullopt;
  Bech32 out{kind_of(program->version), std::string(hrp), {static_cast<std::uint8_t>(program->version)}};
  append(out.groups, to_five_bits(program->program));
  return bech32_encode(out);
}

}  // namespace doze::bitcoin
