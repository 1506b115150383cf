#include "channel/announcing.h"

#include <utility>

#include "channel/awaiting_ready.h"
#include "channel/reactions.h"
#include "channel/records.h"
#include "crypto/crypto.h"
#include "wire/chains.h"

namespace doze::channel {
namespace {

using Code = commitment::ViolationCode;

wire::ChannelAnnouncement announcement(const Context& context, const Channel& channel) {
  wire::ChannelAnnouncement out;
  out.chain_hash = wire::chain_hash(context.config.network);
  out.short_channel_id = channel.scid();
  bool first = context.signer.node_id() < channel.peer;
  out.node_id_1 = first ? context.signer.node_id() : channel.peer;
  out.node_id_2 = first ? channel.peer : context.signer.node_id();
  out.bitcoin_key_1 = first ? channel.params().local.keys.funding : channel.params().remote.keys.funding;
  out.bitcoin_key_2 = first ? channel.params().remote.keys.funding : channel.params().local.keys.funding;
  return out;
}

}  // namespace

void announce(Work& work, Channel& channel) {
  if (!channel.announce || channel.announced || !channel.is<Normal>() || channel.talking() == nullptr ||
      !deep(channel, work.context.tip, kAnnounceDepth))
    return;

  auto message = announcement(work.context, channel);
  auto digest = wire::signature_hash(message);
  auto node = work.context.signer.sign_with_node_key(digest);
  auto bitcoin = channel.signer->sign_announcement(digest);
  if (!channel.sent_announcement) {
    channel.sent_announcement = true;
    save(work, channel);
    work.send(channel.peer, wire::AnnouncementSignatures{channel.id, channel.scid(), node, bitcoin});
  }
  if (!channel.remote_node_signature || !channel.remote_bitcoin_signature) return;

  bool good = crypto::ecdsa_verify(channel.peer, digest, *channel.remote_node_signature) &&
              crypto::ecdsa_verify(channel.params().remote.keys.funding, digest, *channel.remote_bitcoin_signature);
  if (!good) {
    channel.remote_node_signature.reset();
    channel.remote_bitcoin_signature.reset();
    save(work, channel);
    return react(work, channel, {Code::AnnouncementSignatureWrong});
  }

  bool first = work.context.signer.node_id() < channel.peer;
  message.node_signature_1 = first ? node : *channel.remote_node_signature;
  message.node_signature_2 = first ? *channel.remote_node_signature : node;
  message.bitcoin_signature_1 = first ? bitcoin : *channel.remote_bitcoin_signature;
  message.bitcoin_signature_2 = first ? *channel.remote_bitcoin_signature : bitcoin;
  channel.announced = true;
  save(work, channel);
  work.say(ChannelAnnounced{channel.id, std::move(message)});
}

void take_announcement(Work& work, Channel& channel, const wire::AnnouncementSignatures& m) {
  if (!channel.announce) return;
  if (channel.confirmed() && m.short_channel_id != channel.scid())
    return react(work, channel, {Code::AnnouncementShortChannelId, m.short_channel_id.value(), channel.scid().value()});
  if (channel.announced) {
    // The peer lost ours, so it gets them again; once per connection, or two Doze nodes would never stop.
    auto* session = channel.talking();
    if (session == nullptr || std::exchange(session->resent_announcement, true)) return;
    channel.sent_announcement = false;
    channel.announced = false;
  }
  bool again =
      channel.remote_node_signature == m.node_signature && channel.remote_bitcoin_signature == m.bitcoin_signature;
  if (!again && !may_rewrite(channel)) return;
  channel.remote_node_signature = m.node_signature;
  channel.remote_bitcoin_signature = m.bitcoin_signature;
  if (!again) save(work, channel);
  announce(work, channel);
}

}  // namespace doze::channel
