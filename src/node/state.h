// The node's own state: the machines, and the tail of the chain. Only node/ includes this.
#pragma once

#include <deque>

#include "channel/channels.h"
#include "forwarding/forwards.h"
#include "gossip/gossip.h"
#include "invoicing/invoicing.h"
#include "node/limits.h"
#include "node/node.h"
#include "onion_message/onion_messages.h"
#include "payment/payments.h"
#include "peer/peers.h"
#include "wallet/wallet.h"

namespace doze::node {

struct Node::Inside {
  const Config& config;
  const Signer& signer;
  const ParallelMap& parallel;
  peer::Peers peers;
  channel::Channels channels;
  wallet::Wallet wallet;
  gossip::Gossip gossip;
  onion_message::OnionMessages onion_messages;
  invoicing::Invoicing invoicing;
  forwarding::Forwarding forwarding;
  payment::Payments payments;
  std::deque<Tip> chain_tail;  // oldest first, the tip last
  ChainStatus chain;
  std::optional<UnixTime> chain_since;          // it has been as it is, the reading of single blocks apart
  std::optional<UnixTime> chain_reading_since;  // connected, no trouble, and blocks are being read
  std::size_t last_hops = 0;

  [[nodiscard]] BlockHeight height() const { return chain_tail.empty() ? BlockHeight(0) : chain_tail.back().height; }
  [[nodiscard]] Views views() const {
    return Views{gossip::graph(gossip),
                 channel::views(channels),
                 channel::index(channels),
                 peer::views(peers),
                 gossip::policies(gossip),
                 invoicing::offers(invoicing),
                 invoicing::invited(invoicing),
                 chain.synced,
                 wallet::next_closing_script(wallet)};
  }
  void note_chain(const ChainStatus& in, UnixTime now);
  void connect(const BlockConnected& in, Batch& durable);
  void disconnect(const BlockDisconnected& in, Batch& durable);
};

}  // namespace doze::node
