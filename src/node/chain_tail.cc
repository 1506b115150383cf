#include "node/chain_tail.h"

#include "node/state.h"

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

}  // namespace doze::node
