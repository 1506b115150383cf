// BOLT 8: the handshake (Noise_XK_secp256k1_ChaChaPoly_SHA256) and the encrypted frames behind it. Bytes in, bytes out.
//
// `Transport` is a whole connection: feed it what arrives, take messages and the bytes to write. It buffers one frame
// at most beyond what was fed. The ephemeral key is an argument; the node key stays behind `Ecdh`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace doze::transport {

/// ECDH of our node key with a point: SHA256 of the compressed product.
using Ecdh = std::function<SharedSecret(const PublicKey&)>;

inline constexpr std::size_t kActOneBytes = 50, kActTwoBytes = 50, kActThreeBytes = 66;
inline constexpr std::size_t kMaxMessageBytes = 65535;
inline constexpr std::uint64_t kRotateAfter = 1000;  // nonces per key: BOLT 8, "Lightning Message Key Rotation"

enum class NoiseError : std::uint8_t {
  BadVersion,  // first byte of an act is not 0
  BadKey,      // 33 bytes that are not a point
  BadTag,      // a MAC is wrong: another key, or bytes changed in transit
};
[[nodiscard]] const char* name(NoiseError error);
struct Refusal {
  NoiseError error;
  std::uint8_t act = 0;  // 1 to 3; 0: an encrypted frame
};

/// One direction of the cipher.
class CipherState {
 public:
  CipherState() = default;
  CipherState(const Secret& key, const Secret& chaining_key) : key_(key), chaining_key_(chaining_key) {}
  [[nodiscard]] Bytes encrypt(ByteView plain);
  [[nodiscard]] std::optional<Bytes> decrypt(ByteView cipher);

 private:
  void advance();
  Secret key_, chaining_key_;
  std::uint64_t nonce_ = 0;
};

class Transport {
 public:
  /// We dialled: act one is in take_output() at once.
  [[nodiscard]] static Transport initiator(const NodeId& remote, const NodeId& local, Ecdh ecdh,
                                           const PrivateKey& ephemeral);
  [[nodiscard]] static Transport responder(const NodeId& local, Ecdh ecdh, const PrivateKey& ephemeral);

  /// Bytes that arrived. After a Refusal the connection must be closed; nothing more is accepted.
  [[nodiscard]] Status<Refusal> feed(ByteView bytes);
  /// Complete messages so far, decrypted, in order.
  [[nodiscard]] std::vector<Bytes> take_messages();
  [[nodiscard]] Bytes take_output();
  /// Both sides have authenticated.
  [[nodiscard]] bool ready() const { return ready_; }
  /// The first act of the other side was valid.
  [[nodiscard]] bool begun() const { return wait_ != Wait::ActOne; }
  /// Known from the start for an initiator, after act three for a responder.
  [[nodiscard]] const std::optional<NodeId>& remote() const { return remote_; }
  /// Adds an encrypted frame to the output. Only when ready, kMaxMessageBytes at most.
  void send(ByteView message);
  /// Bytes held of an incomplete act or frame.
  [[nodiscard]] std::size_t buffered() const { return in_.size(); }

 private:
  Transport(const NodeId& local, Ecdh ecdh, const PrivateKey& ephemeral);
  void mix_hash(ByteView data);
  void mix_key(const SharedSecret& secret);
  void start(const NodeId& responder);
  void split(bool initiator);
  [[nodiscard]] Bytes seal(std::uint64_t nonce, ByteView plain);
  [[nodiscard]] std::optional<Bytes> open(std::uint64_t nonce, ByteView cipher);
  [[nodiscard]] Status<Refusal> on_act_one(ByteView act);
  [[nodiscard]] Status<Refusal> on_act_two(ByteView act);
  [[nodiscard]] Status<Refusal> on_act_three(ByteView act);
  [[nodiscard]] Status<Refusal> on_frames();

  enum class Wait : std::uint8_t { ActOne, ActTwo, ActThree, Frames };
  /// State until both sides have authenticated, dropped then, because most connections are idle.
  struct Handshake {
    NodeId local;
    Ecdh ecdh;
    PrivateKey ephemeral;
    PublicKey remote_ephemeral;
    Hash32 hash;
    Secret chaining_key, temp_key;
  };
  Wait wait_ = Wait::ActOne;
  std::optional<NodeId> remote_;
  std::unique_ptr<Handshake> shake_;
  CipherState send_, receive_;
  std::optional<std::uint16_t> frame_;  // length of the frame whose body is awaited
  Bytes in_, out_;
  std::vector<Bytes> messages_;
  bool ready_ = false, failed_ = false;
};

}  // namespace doze::transport
