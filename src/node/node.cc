#include "node/node.h"

#include <deque>

#include "channel/channels.h"
#include "effects/hearers.h"
#include "effects/limits.h"
#include "effects/tags.h"
#include "forwarding/forwards.h"
#include "gossip/gossip.h"
#include "invoicing/invoicing.h"
#include "node/chain_tail.h"
#include "node/queries.h"
#include "node/state.h"
#include "onion_message/onion_messages.h"
#include "payment/payments.h"
#include "peer/peers.h"
#include "wallet/wallet.h"

namespace doze::node {

namespace {
/// Words of which each was caused by the one before. A channel that is usable again takes its 483 HTLCs one after the
/// other, three words each; beyond this machines talk in a circle. How many words there are says nothing: a block may
/// end the HTLCs of a thousand channels.
constexpr std::size_t kMaxDepth = 10'000;
/// What ends with whoever hears it, however many there are: rows, messages to many peers, lines of the log.
template <class T>
constexpr bool ends = OneOf<T, Put, Erase, WriteBytes, Dial, Hangup, Broadcast, LookUpOutput, WatchMempool, ReadRows,
                            ReadRange, Reply, Notify, StopNode, Watch, Unwatch, SendMessage, PingPeer>;
}  // namespace

/// One step under way: the words not yet heard, and what will leave.
class Corridor {
 public:
  Corridor(Node::Inside& node, Now now, Rng& rng) : node_(node), now_(now), rng_(rng) {}

  Outbox run(const Input& input) {
    std::visit([&](const auto& in) { hear(in); }, input);
    drain();
    for (std::size_t rounds = 0;; ++rounds) {
      LN_ASSERT(rounds < kMaxDepth);
      depth_ = 0;
      tell(node_.channels, channel::Input(channel::EndOfStep{}));
      if (queue_.empty()) break;
      drain();
    }
    peers(peer::EndOfStep{});
    drain();
    node_.last_hops = hops_;
    return std::move(out_);
  }

 private:
  template <class Machine, class MachineInput>
  void tell(Machine& machine, const MachineInput& input) {
    Views views = node_.views();
    Context context{now_.mono, now_.wall, node_.height(), rng_, node_.config, views, node_.signer, node_.parallel};
    auto transition = step(std::move(machine), input, context);
    machine = std::move(transition.next);
    for (auto& effect : transition.effects) queue_.push_back({std::move(effect), depth_ + 1});
  }
  template <class In>
  void peers(const In& in) {
    tell(node_.peers, peer::Input(in));
  }
  template <class In>
  void channels(const In& in) {
    tell(node_.channels, channel::Input(in));
  }
  template <class In>
  void wallet(const In& in) {
    tell(node_.wallet, wallet::Input(in));
  }
  template <class In>
  void gossip(const In& in) {
    tell(node_.gossip, gossip::Input(in));
  }
  template <class In>
  void onion_messages(const In& in) {
    tell(node_.onion_messages, onion_message::Input(in));
  }
  template <class In>
  void invoicing(const In& in) {
    tell(node_.invoicing, invoicing::Input(in));
  }
  template <class In>
  void forwarding(const In& in) {
    tell(node_.forwarding, forwarding::Input(in));
  }
  template <class In>
  void payments(const In& in) {
    tell(node_.payments, payment::Input(in));
  }

  void drain() {
    while (!queue_.empty()) {
      auto [effect, depth] = std::move(queue_.front());
      queue_.pop_front();
      depth_ = depth;
      std::visit(
          [&]<class Word>(Word& word) {
            if constexpr (!ends<Word>) {
              ++hops_;
              LN_ASSERT(depth < kMaxDepth);
            }
            hear(word);
          },
          effect);
    }
  }

  // ---- inputs ----
  void hear(const Started& in) {
    wallet(in);
    gossip(in);
    channels(in);
    onion_messages(in);
    invoicing(in);
    forwarding(in);
    payments(in);
    peers(in);
  }
  void hear(const PeerConnected& in) { peers(in); }
  void hear(const DialFailed& in) { peers(in); }
  void hear(const BytesReceived& in) { peers(in); }
  void hear(const PeerDisconnected& in) { peers(in); }
  void hear(const OutputWaits& in) { peers(in); }
  void hear(const BlockConnected& in) {
    node_.connect(in, out_.durable);
    wallet(in);
    channels(in);
    gossip(in);
    forwarding(in);
    payments(in);
  }
  void hear(const BlockHasMore& in) {
    wallet(in);
    channels(in);
    gossip(in);
  }
  void hear(const BlockDisconnected& in) {
    node_.disconnect(in, out_.durable);
    wallet(in);
    channels(in);
    gossip(in);
  }
  void hear(const ChainStatus& in) {
    node_.note_chain(in, now_.wall);
    wallet(in);
    channels(in);
    forwarding(in);
    payments(in);
  }
  void hear(const FeeEstimate& in) {
    wallet(in);
    channels(in);
  }
  void hear(const OutputLookedUp& in) { gossip(in); }
  void hear(const BroadcastResult& in) {
    wallet(in);
    channels(in);
  }
  void hear(const MempoolSeen& in) { wallet(in); }
  void hear(const RowsRead& in) {
    switch (owner_of(in.tag)) {
      case TagOwner::OnionMessage:
        return onion_messages(in);
      case TagOwner::Payment:
        return payments(in);
      case TagOwner::Forwarding:
        return forwarding(in);
      case TagOwner::Channel:
        return channels(in);
      case TagOwner::Invoicing:
        return;  // it keeps nothing on disk alone
    }
  }
  void hear(const DeadlineReached& in) {
    peers(in);
    channels(in);
    gossip(in);
    onion_messages(in);
    invoicing(in);
    forwarding(in);
    payments(in);
  }
  void hear(const RequestGone& in) { payments(in); }
  void hear(const CommandReceived& in) {
    std::visit([&](const auto& command) { route(in, command); }, in.command);
  }

  // ---- commands ----
  using C = CommandReceived;
  template <class Command>
  void route(const C& in, const Command& command) {
    if constexpr (NodeCommand<Command>)
      answer(in, command);
    else if constexpr (PeerCommand<Command>)
      peers(in);
    else if constexpr (ChannelCommand<Command>)
      channels(in);
    else if constexpr (WalletCommand<Command>)
      wallet(in);
    else if constexpr (InvoicingCommand<Command>)
      invoicing(in);
    else if constexpr (ForwardingCommand<Command>)
      forwarding(in);
    else if constexpr (PaymentCommand<Command>)
      payments(in);
    else if constexpr (OnionMessageCommand<Command>)
      onion_messages(in);
    else
      static_assert(kInNoGroup<Command>, "no machine answers this command: effects/hearers.h");
  }
  void answer(const C& in, const command::GetInfo&) { reply(in.request, describe_node(node_)); }
  void answer(const C& in, const command::Stop&) {
    reply(in.request, Value().set("stopping", true));
    out_.after.push_back(StopNode{"asked to stop"});
  }
  void reply(RequestId request, Value value) { out_.after.push_back(Reply{request, std::move(value)}); }

  // ---- durable and outward ----
  void hear(Put& put) { out_.durable.emplace_back(std::move(put)); }
  void hear(Erase& erase) { out_.durable.emplace_back(std::move(erase)); }
  void hear(Watch& watch) { out_.watch.emplace_back(std::move(watch)); }
  void hear(Unwatch& unwatch) { out_.watch.emplace_back(std::move(unwatch)); }
  template <class T>
  void leave(T& action) {
    out_.after.emplace_back(std::move(action));
  }
  void hear(WriteBytes& action) { leave(action); }
  void hear(Dial& action) { leave(action); }
  void hear(Hangup& action) { leave(action); }
  void hear(Broadcast& action) { leave(action); }
  void hear(LookUpOutput& action) { leave(action); }
  void hear(WatchMempool& action) { leave(action); }
  void hear(ReadRows& action) {
    LN_ASSERT(action.keys.size() <= kMaxRowsPerRead);
    leave(action);
  }
  void hear(ReadRange& action) {
    LN_ASSERT(action.most <= kMaxRowsPerRead);
    leave(action);
  }
  void hear(Reply& action) { leave(action); }
  void hear(Notify& action) { leave(action); }
  void hear(StopNode& action) { leave(action); }

  // ---- words ----
  void hear(const SendMessage& word) { peers(word); }
  void hear(const PingPeer& word) { peers(word); }
  void hear(const DropPeer& word) { peers(word); }
  void hear(const WantPeer& word) { peers(word); }
  void hear(const PeerReady& word) {
    channels(word);
    gossip(word);
    onion_messages(word);
    invoicing(word);
    forwarding(word);
  }
  void hear(const PeerGone& word) {
    channels(word);
    gossip(word);
    onion_messages(word);
    invoicing(word);
    forwarding(word);
  }
  void hear(const PeerUnreachable& word) { onion_messages(word); }
  void hear(const MessageReceived& word) {
    std::visit([&](const auto& message) { route(word, message); }, word.message);
  }
  template <class Message>
  void route(const MessageReceived& word, const Message&) {
    if constexpr (ChannelMessage<Message>)
      channels(word);
    else if constexpr (GossipMessage<Message>)
      gossip(word);
    else if constexpr (std::is_same_v<Message, wire::OnionMessage>)
      onion_messages(word);
    else
      static_assert(ConnectionMessage<Message>, "no machine handles this message: effects/hearers.h");
  }
  void hear(const PongReceived& word) {
    owner_of(word.token) == TagOwner::Payment ? payments(word) : onion_messages(word);
  }
  void hear(const AddHtlc& word) { channels(word); }
  void hear(const FulfillHtlc& word) { channels(word); }
  void hear(const FailHtlc& word) { channels(word); }
  void hear(const FailMalformedHtlc& word) { channels(word); }
  /// Whose HTLC it is about.
  template <class Word>
  void by_origin(const Word& word) {
    std::visit(Overloaded{[&](const LocalOrigin&) { payments(word); }, [&](const ForwardOrigin&) { forwarding(word); }},
               word.origin);
  }
  /// What the owner of a forward does not wait for: it is told when the HTLC is gone.
  template <class Word>
  void if_local(const Word& word) {
    if (std::holds_alternative<LocalOrigin>(word.origin)) payments(word);
  }
  void hear(const HtlcAdded& word) { by_origin(word); }
  void hear(const HtlcRefused& word) { by_origin(word); }
  void hear(const OfferedHtlcCommitted& word) { if_local(word); }
  void hear(const ReleasePathsReceived& word) { if_local(word); }
  void hear(const HtlcReceived& word) { forwarding(word); }
  void hear(const HtlcArrived& word) { payments(word); }
  void hear(const HtlcFulfilled& word) { by_origin(word); }
  void hear(const HtlcFailed& word) { by_origin(word); }
  void hear(const ReceivedHtlcGone& word) {
    forwarding(word);
    payments(word);
  }
  void hear(const ChannelUsable& word) {
    peers(word);
    gossip(word);
    forwarding(word);
    payments(word);
    invoicing(word);
    onion_messages(word);
  }
  void hear(const ChannelUnusable& word) {
    gossip(word);
    forwarding(word);
    payments(word);
    invoicing(word);
  }
  void hear(const ChannelNeedsUpdate& word) { gossip(word); }
  void hear(const ChannelAnnounced& word) { gossip(word); }
  void hear(const ChannelClosed& word) {
    gossip(word);
    forwarding(word);
    payments(word);
  }
  void hear(const OpenChannelNow& word) { channels(word); }
  void hear(const PrepareFunding& word) { wallet(word); }
  void hear(const FundingPrepared& word) { channels(word); }
  void hear(const FundingFailed& word) { channels(word); }
  void hear(const ReserveCoins& word) { wallet(word); }
  void hear(const CoinsReserved& word) { channels(word); }
  void hear(const ReleaseCoins& word) { wallet(word); }
  void hear(const ReleaseFunding& word) { wallet(word); }
  void hear(const FundingRefused& word) { channels(word); }
  void hear(const SendOnionMessage& word) { onion_messages(word); }
  void hear(const OnionMessageOutcome& word) {
    switch (owner_of(word.tag)) {
      case TagOwner::Payment:
        return payments(word);
      case TagOwner::Invoicing:
        return invoicing(word);
      case TagOwner::OnionMessage:
      case TagOwner::Forwarding:
      case TagOwner::Channel:
        return;
    }
  }
  void hear(const OnionMessageReceived& word) {
    std::visit([&](const auto& contents) { route(word, contents); }, word.contents);
  }
  template <class Contents>
  void route(const OnionMessageReceived& word, const Contents&) {
    if constexpr (ForwardingContents<Contents>) forwarding(word);
    if constexpr (PaymentContents<Contents>)
      payments(word);
    else if constexpr (InvoicingContents<Contents>)
      invoicing(word);
    else
      static_assert(kInNoGroup<Contents>, "no machine handles these contents: effects/hearers.h");
  }
  void hear(const SendOurGossip& word) { gossip(word); }
  void hear(const ClientAwake& word) { forwarding(word); }
  void hear(const RequestInvoice& word) { invoicing(word); }
  void hear(const CancelInvoiceRequest& word) { invoicing(word); }
  void hear(const InvoiceObtained& word) { payments(word); }
  void hear(const StaticInvoiceObtained& word) { payments(word); }
  void hear(const InvoiceFailed& word) { payments(word); }
  void hear(const OfferPaid& word) { invoicing(word); }

  Node::Inside& node_;
  Now now_;
  Rng& rng_;
  struct Queued {
    Effect effect;
    std::size_t depth = 0;
  };
  std::deque<Queued> queue_;
  std::size_t depth_ = 0;  // of the word that is heard
  Outbox out_;
  std::size_t hops_ = 0;
};

// ---- Node ----

namespace {
/// The rows of some tables, for as long as their room reads them.
std::vector<Row> rows_of(const ReadTable& read, std::initializer_list<Table> tables) {
  std::vector<Row> out;
  if (!read) return out;
  for (auto table : tables) {
    auto rows = read(table);
    if (out.empty())
      out = std::move(rows);
    else
      std::move(rows.begin(), rows.end(), std::back_inserter(out));
  }
  return out;
}
}  // namespace

Result<Node, LoadError> Node::load(const Config& config, const Signer& signer, const ReadTable& read,
                                   const ParallelMap& parallel) {
  auto of = [&](std::initializer_list<Table> tables) { return rows_of(read, tables); };
  std::deque<Tip> tail;
  for (const auto& row : of({Table::Meta})) {
    if (!equal(row.key, bytes_of("tail"))) continue;
    auto known = read_tail(row.value);
    if (!known) return fail(LoadError{row.table, row.key, known.error()});
    tail = *std::move(known);
  }
  LN_TRY(peers, peer::load(of({Table::PeerAddress})));
  LN_TRY(channels, channel::load(of({Table::Channel, Table::Close}), signer));
  LN_TRY(wallet, wallet::load(of({Table::Coin, Table::WalletState}), signer));
  LN_TRY(gossip, gossip::load(of({Table::GossipNode, Table::GossipChannel, Table::PeerPolicy})));
  LN_TRY(onion_messages, onion_message::load(of({Table::Mailbox})));
  LN_TRY(invoicing, invoicing::load(of({Table::Offer, Table::Invitation, Table::Joined, Table::StaticInvoice})));
  LN_TRY(forwarding, forwarding::load(of({Table::Forward, Table::Count})));
  LN_TRY(payments, payment::load(of({Table::OutgoingPayment, Table::IncomingPayment, Table::ReleaseDue,
                                     Table::InvoiceSent, Table::PaidInvoice, Table::Count})));
  return Node(std::unique_ptr<Inside>(new Inside{
      config, signer, parallel, std::move(peers), std::move(channels), std::move(wallet), std::move(gossip),
      std::move(onion_messages), std::move(invoicing), std::move(forwarding), std::move(payments), std::move(tail)}));
}

Node::Node(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Node::~Node() = default;
Node::Node(Node&&) noexcept = default;
Node& Node::operator=(Node&&) noexcept = default;
void Node::record_messages() {
  peer::record_messages(inside_->peers);
}

Outbox Node::step(const Input& input, Now now, Rng& rng) {
  return Corridor(*inside_, now, rng).run(input);
}

std::optional<MonoTime> Node::deadline() const {
  std::optional<MonoTime> earliest;
  for (auto candidate :
       {peer::deadline(inside_->peers), channel::deadline(inside_->channels), gossip::deadline(inside_->gossip),
        onion_message::deadline(inside_->onion_messages), invoicing::deadline(inside_->invoicing),
        forwarding::deadline(inside_->forwarding), payment::deadline(inside_->payments)})
    if (candidate && (!earliest || *candidate < *earliest)) earliest = candidate;
  return earliest;
}

std::optional<Tip> Node::tip() const {
  if (inside_->chain_tail.empty()) return std::nullopt;
  return inside_->chain_tail.back();
}
std::vector<Tip> Node::chain_tail() const {
  return {inside_->chain_tail.begin(), inside_->chain_tail.end()};
}
const std::map<ChannelId, ChannelView>& Node::channels() const {
  return channel::views(inside_->channels);
}
const std::map<NodeId, PeerView>& Node::peers() const {
  return peer::views(inside_->peers);
}
std::size_t Node::last_hops() const {
  return inside_->last_hops;
}

}  // namespace doze::node
