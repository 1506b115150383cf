// Signatures and keys in scripts: their allowed encodings (BIP 66, BIP 146, BIP 143) and their verification.
#include <algorithm>

#include "bitcoin/script.h"
#include "bitcoin/script_machine.h"
#include "crypto/crypto.h"

namespace doze::bitcoin {

namespace {
constexpr std::uint8_t kSequenceTag = 0x30, kIntegerTag = 0x02;  // DER
/// Half of the group order: the larger of s and -s is above it.
constexpr std::array<std::uint8_t, 32> kHalfOrder{0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                  0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4,
                                                  0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0};
constexpr std::array<std::uint8_t, 32> kOrder{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                              0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
                                              0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};

/// One DER integer: not empty, not negative, without needless zeros.
std::optional<ByteView> read_der_integer(Reader& in) {
  if (in.u8() != kIntegerTag) return std::nullopt;
  auto value = in.bytes(in.u8());
  if (!in.ok() || value.empty() || (value[0] & 0x80) != 0) return std::nullopt;
  if (value.size() > 1 && value[0] == 0 && (value[1] & 0x80) == 0) return std::nullopt;
  return value;
}

/// The s of a strictly encoded signature (without its flag); nullopt if the encoding is not strict.
std::optional<ByteView> strict_der_s(ByteView der) {
  constexpr std::size_t kMaxDer = 72;
  Reader in(der);
  if (der.size() > kMaxDer || in.u8() != kSequenceTag || in.u8() != in.remaining()) return std::nullopt;
  if (!read_der_integer(in)) return std::nullopt;
  auto s = read_der_integer(in);
  return s && in.done() ? s : std::nullopt;
}

/// Values above the order are not a signature at all, hence not high.
bool is_high_s(ByteView s) {
  if (s[0] == 0) s = s.subspan(1);
  if (s.size() != 32) return false;
  auto above = [s](const auto& limit) {
    return std::lexicographical_compare(limit.begin(), limit.end(), s.begin(), s.end());
  };
  return above(kHalfOrder) && !above(kOrder) && !equal(s, kOrder);
}

Result<Sighash, ScriptError> check_signature_encoding(ByteView signature) {
  auto s = strict_der_s(signature.first(signature.size() - 1));
  if (!s) return fail(ScriptError::BadSignatureEncoding);
  if (is_high_s(*s)) return fail(ScriptError::HighS);
  auto flag = parse_sighash(signature.back());
  if (!flag) return fail(ScriptError::BadSignatureEncoding);
  return *flag;
}

bool is_compressed(ByteView key) {
  return key.size() == 33 && (key[0] == 2 || key[0] == 3);
}
bool is_uncompressed(ByteView key) {
  return key.size() == 65 && key[0] == 4;
}
}  // namespace

Result<bool, ScriptError> check_signature(const Spend& spend, ScriptKind kind, ByteView script_code, ByteView signature,
                                          ByteView key) {
  std::optional<Sighash> flag;
  if (!signature.empty()) {
    LN_TRY(found, check_signature_encoding(signature));
    flag = found;
  }
  bool good_key = is_compressed(key) || (kind == ScriptKind::Legacy && is_uncompressed(key));
  if (!good_key) return fail(ScriptError::BadPublicKey);
  if (!flag) return false;

  auto point = is_compressed(key) ? crypto::parse_point(key) : crypto::compress_point(key);
  auto compact = crypto::from_der(signature.first(signature.size() - 1));
  if (!point || !compact) return false;
  auto digest = kind == ScriptKind::Witness
                    ? segwit_sighash(spend.transaction, spend.input, script_code, spend.amount, *flag, &spend.shared)
                    : legacy_sighash(spend.transaction, spend.input, script_code, *flag);
  return crypto::ecdsa_verify(*point, digest, *compact);
}

bool contains_signature(ByteView script, ByteView signature) {
  Writer push;  // never in one of the number opcodes
  if (signature.size() < OP_PUSHDATA1)
    push.u8(static_cast<std::uint8_t>(signature.size()));
  else if (signature.size() <= 0xff)
    push.u8(OP_PUSHDATA1).u8(static_cast<std::uint8_t>(signature.size()));
  else
    push.u8(OP_PUSHDATA2).u16_le(static_cast<std::uint16_t>(signature.size()));
  push.bytes(signature);

  Reader in(script);
  while (in.remaining() > 0) {
    auto here = script.subspan(in.at());
    if (here.size() >= push.size() && equal(here.first(push.size()), push.view())) return true;
    if (!next_instruction(in)) return false;
  }
  return false;
}

}  // namespace doze::bitcoin
