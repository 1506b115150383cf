#include "transport/noise.h"

#include "crypto/crypto.h"

namespace doze::transport {

namespace {
constexpr std::string_view kProtocol = "Noise_XK_secp256k1_ChaChaPoly_SHA256";
constexpr std::string_view kPrologue = "lightning";
constexpr std::size_t kTag = 16, kHeader = 2 + kTag;

/// 4 zero bytes, then the counter little endian.
std::array<std::uint8_t, 12> nonce_bytes(std::uint64_t nonce) {
  std::array<std::uint8_t, 12> out{};
  for (std::size_t i = 0; i < 8; ++i) out[4 + i] = static_cast<std::uint8_t>(nonce >> (8 * i));
  return out;
}

/// HKDF with two outputs of 32 bytes.
std::pair<Secret, Secret> two_keys(const Secret& salt, ByteView ikm) {
  auto both = crypto::hkdf_sha256(salt.reveal(), ikm, {}, 64);
  auto out = std::pair(*Secret::from(ByteView(both).first(32)), *Secret::from(ByteView(both).subspan(32)));
  crypto::wipe(both);
  return out;
}
}  // namespace

const char* name(NoiseError error) {
  switch (error) {
    case NoiseError::BadVersion:
      return "unknown handshake version";
    case NoiseError::BadKey:
      return "not a valid point";
    case NoiseError::BadTag:
      return "bad MAC";
  }
  return "unknown";
}

Bytes CipherState::encrypt(ByteView plain) {
  auto out = crypto::aead_encrypt(key_.reveal(), nonce_bytes(nonce_), {}, plain);
  advance();
  return out;
}

std::optional<Bytes> CipherState::decrypt(ByteView cipher) {
  auto out = crypto::aead_decrypt(key_.reveal(), nonce_bytes(nonce_), {}, cipher);
  if (out) advance();
  return out;
}

void CipherState::advance() {
  if (++nonce_ < kRotateAfter) return;
  auto [chaining_key, key] = two_keys(chaining_key_, key_.reveal());
  chaining_key_ = chaining_key;
  key_ = key;
  nonce_ = 0;
}

Transport::Transport(const NodeId& local, Ecdh ecdh, const PrivateKey& ephemeral)
    : shake_(std::make_unique<Handshake>(Handshake{local, std::move(ecdh), ephemeral, {}, {}, {}, {}})) {}

void Transport::start(const NodeId& responder) {
  shake_->hash = crypto::sha256(bytes_of(kProtocol));
  shake_->chaining_key = Secret(shake_->hash.bytes);
  mix_hash(bytes_of(kPrologue));
  mix_hash(responder.view());
}

void Transport::mix_hash(ByteView data) {
  shake_->hash = crypto::sha256({shake_->hash.view(), data});
}

void Transport::mix_key(const SharedSecret& secret) {
  auto [chaining_key, key] = two_keys(shake_->chaining_key, secret.reveal());
  shake_->chaining_key = chaining_key;
  shake_->temp_key = key;
}

Bytes Transport::seal(std::uint64_t nonce, ByteView plain) {
  auto out = crypto::aead_encrypt(shake_->temp_key.reveal(), nonce_bytes(nonce), shake_->hash.view(), plain);
  mix_hash(out);
  return out;
}

std::optional<Bytes> Transport::open(std::uint64_t nonce, ByteView cipher) {
  auto out = crypto::aead_decrypt(shake_->temp_key.reveal(), nonce_bytes(nonce), shake_->hash.view(), cipher);
  mix_hash(cipher);
  return out;
}

Transport Transport::initiator(const NodeId& remote, const NodeId& local, Ecdh ecdh, const PrivateKey& ephemeral) {
  Transport out(local, std::move(ecdh), ephemeral);
  out.remote_ = remote;
  out.wait_ = Wait::ActTwo;
  out.start(remote);
  auto point = crypto::public_key(ephemeral);
  out.mix_hash(point.view());
  if (!crypto::is_valid(remote)) {
    out.failed_ = true;  // feed() returns BadKey: no private key exists for it
    return out;
  }
  out.mix_key(crypto::ecdh(ephemeral, remote));
  out.out_.push_back(0);
  append(out.out_, point.view());
  append(out.out_, out.seal(0, {}));
  return out;
}

Transport Transport::responder(const NodeId& local, Ecdh ecdh, const PrivateKey& ephemeral) {
  Transport out(local, std::move(ecdh), ephemeral);
  out.start(local);
  return out;
}

Status<Refusal> Transport::on_act_one(ByteView act) {
  if (act[0] != 0) return fail(Refusal{NoiseError::BadVersion, 1});
  auto point = crypto::parse_point(act.subspan(1, 33));
  if (!point) return fail(Refusal{NoiseError::BadKey, 1});
  shake_->remote_ephemeral = *point;
  mix_hash(point->view());
  mix_key(shake_->ecdh(*point));
  if (!open(0, act.subspan(34))) return fail(Refusal{NoiseError::BadTag, 1});

  auto ours = crypto::public_key(shake_->ephemeral);
  mix_hash(ours.view());
  mix_key(crypto::ecdh(shake_->ephemeral, shake_->remote_ephemeral));
  out_.push_back(0);
  append(out_, ours.view());
  append(out_, seal(0, {}));
  wait_ = Wait::ActThree;
  return Done{};
}

Status<Refusal> Transport::on_act_two(ByteView act) {
  if (act[0] != 0) return fail(Refusal{NoiseError::BadVersion, 2});
  auto point = crypto::parse_point(act.subspan(1, 33));
  if (!point) return fail(Refusal{NoiseError::BadKey, 2});
  mix_hash(point->view());
  mix_key(crypto::ecdh(shake_->ephemeral, *point));
  if (!open(0, act.subspan(34))) return fail(Refusal{NoiseError::BadTag, 2});

  out_.push_back(0);
  append(out_, seal(1, shake_->local.view()));
  mix_key(shake_->ecdh(*point));
  append(out_, seal(0, {}));
  split(true);
  return Done{};
}

Status<Refusal> Transport::on_act_three(ByteView act) {
  if (act[0] != 0) return fail(Refusal{NoiseError::BadVersion, 3});
  auto key = open(1, act.subspan(1, 49));
  if (!key) return fail(Refusal{NoiseError::BadTag, 3});
  auto remote = crypto::parse_point(*key);
  if (!remote) return fail(Refusal{NoiseError::BadKey, 3});
  mix_key(crypto::ecdh(shake_->ephemeral, *remote));
  if (!open(0, act.subspan(50))) return fail(Refusal{NoiseError::BadTag, 3});
  remote_ = *remote;
  split(false);
  return Done{};
}

void Transport::split(bool initiator) {
  auto [first, second] = two_keys(shake_->chaining_key, {});
  send_ = CipherState(initiator ? first : second, shake_->chaining_key);
  receive_ = CipherState(initiator ? second : first, shake_->chaining_key);
  shake_.reset();
  wait_ = Wait::Frames;
  ready_ = true;
}

Status<Refusal> Transport::on_frames() {
  std::size_t at = 0;
  for (;;) {
    auto need = frame_ ? *frame_ + kTag : kHeader;
    if (in_.size() - at < need) break;
    auto plain = receive_.decrypt(ByteView(in_).subspan(at, need));
    if (!plain) return fail(Refusal{NoiseError::BadTag, 0});
    at += need;
    if (frame_) {
      messages_.push_back(*std::move(plain));
      frame_.reset();
    } else {
      frame_ = static_cast<std::uint16_t>((*plain)[0] << 8 | (*plain)[1]);
    }
  }
  // Thousands of connections may be idle: the buffer is only as large as the data that has arrived.
  if (at != 0) in_ = Bytes(in_.begin() + static_cast<std::ptrdiff_t>(at), in_.end());
  return Done{};
}

Status<Refusal> Transport::feed(ByteView bytes) {
  if (failed_) return fail(Refusal{NoiseError::BadKey, 1});
  in_.reserve(in_.size() + bytes.size());
  append(in_, bytes);
  while (wait_ != Wait::Frames) {
    auto need = wait_ == Wait::ActThree ? kActThreeBytes : kActOneBytes;
    if (in_.size() < need) return Done{};
    Bytes act(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(need));
    in_ = Bytes(in_.begin() + static_cast<std::ptrdiff_t>(need), in_.end());
    auto status = wait_ == Wait::ActOne ? on_act_one(act) : wait_ == Wait::ActTwo ? on_act_two(act) : on_act_three(act);
    if (!status) {
      failed_ = true;
      return status;
    }
  }
  auto status = on_frames();
  if (!status) failed_ = true;
  return status;
}

std::vector<Bytes> Transport::take_messages() {
  return std::exchange(messages_, {});
}
Bytes Transport::take_output() {
  return std::exchange(out_, {});
}

void Transport::send(ByteView message) {
  LN_ASSERT(ready_ && message.size() <= kMaxMessageBytes);
  const std::uint8_t length[] = {static_cast<std::uint8_t>(message.size() >> 8),
                                 static_cast<std::uint8_t>(message.size() & 0xff)};
  append(out_, send_.encrypt(length));
  append(out_, send_.encrypt(message));
}

}  // namespace doze::transport
