#include "onion/release_path.h"

#include "crypto/crypto.h"
#include "onion/own_path.h"

namespace doze::onion {

namespace {
constexpr std::uint8_t kLayoutVersion = 1;
constexpr std::uint8_t kReleasePurpose = 0x72;
}  // namespace

std::vector<wire::BlindedPath> release_paths(const Secret& secret, const OwnNode& our_node, const HeldHtlc& htlc,
                                             Profile profile) {
  auto context = Writer().bytes(htlc.channel_id.view()).u64(htlc.htlc_id).take();
  auto path_id = seal_context(secret, kReleasePurpose, context);  // [AP-held-04]
  RecipientData last;
  last.path_id = path_id;
  auto plaintext = encode(last);
  std::vector<wire::BlindedPath> out;
  for (std::uint8_t index = 0; index < (profile == Profile::Draft ? 2 : 1); ++index) {
    auto header = Writer().u8(kLayoutVersion).bytes(context).u8(index).take();
    // A hash is not a valid key with probability 2^-128. Then the counter leads to another one.
    std::optional<PrivateKey> session_key;
    for (std::uint8_t counter = 0; !session_key; ++counter)
      session_key = crypto::parse_private_key(
          crypto::hmac_sha256(secret.reveal(), {header, ByteView(&counter, 1), plaintext}).view());
    auto path = path_to_self(*session_key, our_node, path_id);
    LN_ASSERT(path.has_value());  // our own node id is a valid point
    out.push_back(*std::move(path));
  }
  return out;
}

std::optional<HeldHtlc> read_release_context(const Secret& secret, ByteView path_id) {
  auto data = open_context(secret, kReleasePurpose, path_id);
  if (!data) return std::nullopt;
  Reader in(*data);
  HeldHtlc out;
  out.channel_id.bytes = in.array<32>();
  out.htlc_id = in.u64();
  return in.done() ? std::optional(out) : std::nullopt;
}

}  // namespace doze::onion
