#include "node/meta.h"

#include "node/inside.h"

namespace doze::node {

namespace {
constexpr std::uint8_t kTailVersion = 1;
}

Put tail_record(const std::deque<Tip>& tail) {
  Writer out;
  out.u8(kTailVersion).u16(static_cast<std::uint16_t>(tail.size()));
  for (const auto& tip : tail) out.u32(tip.height.value()).bytes(tip.hash.view());
  return Put{Table::Meta, to_bytes(bytes_of("tail")), out.take()};
}

Result<std::deque<Tip>, ParseError> read_tail(ByteView value) {
  Reader in(value);
  if (in.u8() != kTailVersion) return fail(ParseError{ParseCode::UnknownVersion, 0, "chain tail"});
  std::deque<Tip> tail;
  for (auto count = in.u16(); count > 0 && in.ok(); --count) {
    Tip tip;
    tip.height = BlockHeight(in.u32());
    tip.hash.bytes = in.array<32>();
    tail.push_back(tip);
  }
  if (!in.done()) return fail(ParseError{ParseCode::BadLength, in.at(), "chain tail"});
  return tail;
}

void Node::Inside::note_chain(const ChainStatus& in, UnixTime now) {
  bool reading = in.connected && in.trouble.empty() && !in.synced;
  bool other = in.connected != chain.connected || in.trouble != chain.trouble;
  bool read_long = chain_reading_since && chain_reading_since->value() + kReadingS < now.value();
  if (!chain_since || other || (in.synced && read_long)) chain_since = now;
  if (!reading) chain_reading_since.reset();
  if (reading && !chain_reading_since) chain_reading_since = now;
  chain = in;
}

void Node::Inside::connect(const BlockConnected& in, Batch& durable) {
  chain_tail.push_back(Tip{in.height, in.hash});
  while (chain_tail.size() > kChainTail) chain_tail.pop_front();
  durable.emplace_back(tail_record(chain_tail));
}

void Node::Inside::disconnect(const BlockDisconnected& in, Batch& durable) {
  while (!chain_tail.empty() && chain_tail.back().height >= in.height) chain_tail.pop_back();
  durable.emplace_back(tail_record(chain_tail));
}

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

}  // namespace doze::node
