#include "onchain/records.h"

#include "crypto/crypto.h"
#include "effects/record_io.h"

namespace doze::onchain {
namespace {

constexpr std::uint8_t kCloseVersion = 1, kOutputVersion = 1;
constexpr std::size_t kOutputKey = 32 + 32 + 4;

Bytes key_of(const ChannelId& id) {
  return to_bytes(id.view());
}
Bytes key_of(const ChannelId& id, const Outpoint& outpoint) {
  return Writer().bytes(id.view()).bytes(outpoint.txid.view()).u32(outpoint.index).take();
}

// Every type that the rows consist of, once for writing and once for reading.
struct Out {
  RecordWriter& out;
  template <class T>
  void one(const T& value) {
    out.put(value);
  }
  void one(const std::optional<commitment::HtlcFacts>& htlc) {
    out.put(htlc.has_value());
    if (htlc) out.all(htlc->id.offered, htlc->id.id, htlc->hash160, htlc->cltv_expiry);
  }
  void one(const bitcoin::TxOut& output) { out.all(output.amount, output.script_pubkey); }
  void one(const std::optional<commitment::SecondStage>& stage) {
    out.put(stage.has_value());
    if (!stage) return;
    one(stage->output);
    out.put(stage->signature);
  }
  void one(const std::optional<Spend>& spend) {
    out.put(spend.has_value());
    if (spend) out.all(spend->txid, spend->height, spend->ours);
  }
  void one(const std::optional<Sent>& sent) {
    out.put(sent.has_value());
    if (sent)
      out.all(sent->txid, sent->attempt.feerate, sent->attempt.first, sent->attempt.last, sent->fee, sent->times);
  }
  void one(const std::map<std::uint64_t, Open>& open) {
    out.put(static_cast<std::uint32_t>(open.size()));
    for (const auto& [id, htlc] : open) out.all(id, htlc.hash160, htlc.output, htlc.elsewhere);
  }
  void one(const std::map<std::uint64_t, bool>& ids) {
    out.put(static_cast<std::uint32_t>(ids.size()));
    for (const auto& [id, in_balance] : ids) out.all(id, in_balance);
  }
  void one(const std::vector<Unread>& unread) {
    out.put(static_cast<std::uint32_t>(unread.size()));
    for (const auto& item : unread) out.all(item.height, item.transaction);
  }
  void one(const std::map<Hash20, Preimage>& preimages) {
    out.put(static_cast<std::uint32_t>(preimages.size()));
    for (const auto& [hash, preimage] : preimages) out.put(preimage);
  }
};
struct In {
  RecordReader& in;
  template <class T>
  void one(T& value) {
    in.get(value);
  }
  template <class T>
  void maybe(std::optional<T>& value, auto read) {
    bool has = false;
    in.get(has);
    value.reset();
    if (!has || !in.ok()) return;
    T item;
    read(item);
    value = std::move(item);
  }
  void one(std::optional<commitment::HtlcFacts>& htlc) {
    maybe(htlc, [&](auto& item) { in.all(item.id.offered, item.id.id, item.hash160, item.cltv_expiry); });
  }
  void one(bitcoin::TxOut& output) { in.all(output.amount, output.script_pubkey); }
  void one(std::optional<commitment::SecondStage>& stage) {
    maybe(stage, [&](auto& item) {
      one(item.output);
      in.get(item.signature);
    });
  }
  void one(std::optional<Spend>& spend) {
    maybe(spend, [&](auto& item) { in.all(item.txid, item.height, item.ours); });
  }
  void one(std::optional<Sent>& sent) {
    maybe(sent, [&](auto& item) {
      in.all(item.txid, item.attempt.feerate, item.attempt.first, item.attempt.last, item.fee, item.times);
    });
  }
  void one(std::map<std::uint64_t, Open>& open) {
    std::uint32_t count = 0;
    for (in.get(count); count > 0 && in.ok(); --count) {
      std::uint64_t id = 0;
      Open htlc;
      in.all(id, htlc.hash160, htlc.output, htlc.elsewhere);
      if (!open.emplace(id, std::move(htlc)).second) in.refuse();
    }
  }
  void one(std::map<std::uint64_t, bool>& ids) {
    std::uint32_t count = 0;
    for (in.get(count); count > 0 && in.ok(); --count) {
      std::uint64_t id = 0;
      bool in_balance = false;
      in.all(id, in_balance);
      ids.emplace(id, in_balance);
    }
  }
  void one(std::vector<Unread>& unread) {
    std::uint32_t count = 0;
    for (in.get(count); count > 0 && in.ok(); --count) {
      Unread item;
      in.all(item.height, item.transaction);
      unread.push_back(std::move(item));
    }
  }
  void one(std::map<Hash20, Preimage>& preimages) {
    std::uint32_t count = 0;
    for (in.get(count); count > 0 && in.ok(); --count) {
      Preimage preimage;
      in.get(preimage);
      preimages.emplace(crypto::hash160(preimage.reveal()), preimage);
    }
  }
};

template <class Archive, class C>
void close_fields(Archive&& a, C& close) {
  auto all = [&](auto&... values) { (a.one(values), ...); };
  auto& published = close.published;
  all(published.whose, published.number, published.point, close.txid, close.height, close.script, close.open,
      close.received, close.preimages, close.unread);
}
template <class Archive, class O, class S>
void output_fields(Archive&& a, O& output, S& sent) {
  auto all = [&](auto&... values) { (a.one(values), ...); };
  auto& facts = output.facts;
  all(facts.kind, facts.format, facts.output, facts.witness_script, facts.csv_delay, facts.htlc, facts.second_stage,
      output.height, output.spend, sent);
}

Result<Close, ParseError> read_close(ByteView value) {
  RecordReader in(value);
  if (in.version() != kCloseVersion) return fail(ParseError{ParseCode::UnknownVersion, in.version(), "close"});
  Close close;
  close_fields(In{in}, close);
  LN_CHECK(in.finish("close"));
  return close;
}

Status<ParseError> read_output(ByteView key, ByteView value, Close& close) {
  Reader name(key.subspan(32));
  Outpoint outpoint;
  outpoint.txid.bytes = name.array<32>();
  outpoint.index = name.u32();
  RecordReader in(value);
  if (in.version() != kOutputVersion) return fail(ParseError{ParseCode::UnknownVersion, in.version(), "close output"});
  Output output;
  output.facts.outpoint = outpoint;
  std::optional<Sent> sent;
  output_fields(In{in}, output, sent);
  LN_CHECK(in.finish("close output"));
  if (!output.facts.output.amount.is_money()) return fail(ParseError{ParseCode::BadValue, 0, "close output: amount"});
  if (sent) close.sent[outpoint] = *sent;
  close.outputs.emplace(outpoint, std::move(output));
  return Done{};
}

}  // namespace

std::map<Bytes, Bytes> records(const ChannelId& id, const Close& close) {
  std::map<Bytes, Bytes> out;
  RecordWriter writer(kCloseVersion);
  close_fields(Out{writer}, close);
  out[key_of(id)] = writer.take();
  for (const auto& [outpoint, output] : close.outputs) {
    auto found = close.sent.find(outpoint);
    auto sent = found == close.sent.end() ? std::nullopt : std::optional(found->second);
    RecordWriter row(kOutputVersion);
    output_fields(Out{row}, output, sent);
    out[key_of(id, outpoint)] = row.take();
  }
  return out;
}

Result<std::map<ChannelId, Close>, LoadError> read(std::span<const Row> rows) {
  std::map<ChannelId, Close> out;
  auto refuse = [](const Row& row, const ParseError& error) { return fail(LoadError{row.table, row.key, error}); };
  auto bad = [&](const Row& row, const char* what) { return refuse(row, {ParseCode::BadValue, 0, what}); };
  for (const auto& row : rows) {
    if (row.table != Table::Close || row.key.size() == kOutputKey) continue;
    if (row.key.size() != 32) return bad(row, "close: key");
    auto close = read_close(row.value);
    if (!close) return refuse(row, close.error());
    ChannelId id;
    std::copy(row.key.begin(), row.key.end(), id.bytes.begin());
    out.emplace(id, *std::move(close));
  }
  for (const auto& row : rows) {
    if (row.table != Table::Close || row.key.size() != kOutputKey) continue;
    ChannelId id;
    std::copy_n(row.key.begin(), 32, id.bytes.begin());
    auto close = out.find(id);
    if (close == out.end()) return bad(row, "close output: without its channel");
    if (auto read = read_output(row.key, row.value, close->second); !read) return refuse(row, read.error());
  }
  for (const auto& row : rows) {
    if (row.table != Table::Close || row.key.size() != 32) continue;
    ChannelId id;
    std::copy(row.key.begin(), row.key.end(), id.bytes.begin());
    const auto& close = out.at(id);
    for (const auto& [number, htlc] : close.open)
      if (htlc.output && !close.outputs.contains(*htlc.output)) return bad(row, "close: an output is missing");
  }
  return out;
}

}  // namespace doze::onchain
