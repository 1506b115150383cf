// Messages that no machine of ours speaks, and what all messages have in common.
#include "wire/messages_other.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "shape_bytes.h"
#include "wire/shapes.h"
#include "wire/tlv.h"

namespace doze::wire {
namespace {

ChannelId channel_id() {
  ChannelId out;
  out.bytes.fill(7);
  return out;
}

template <class M>
M opening() {
  M out;
  out.funding_pubkey = out.revocation_basepoint = out.payment_basepoint = out.delayed_payment_basepoint =
      out.htlc_basepoint = out.first_per_commitment_point = out.second_per_commitment_point = kPoint;
  out.funding_satoshis = Sat(200'000'000);
  out.upfront_shutdown_script = hex("0014");
  out.channel_type = FeatureBits{kStaticRemotekey, kAnchors};
  out.require_confirmed_inputs = true;
  return out;
}

std::vector<OtherMessage> other_samples() {
  auto c = channel_id();
  ClosingComplete closing;
  closing.channel_id = c;
  closing.closer_scriptpubkey = hex("0014aa");
  closing.closee_scriptpubkey = hex("0014bb");
  closing.fee_satoshis = Sat(300);
  closing.locktime = 800'000;
  closing.closer_output_only = closing.closer_and_closee_outputs = Signature{};
  ClosingSig answer;
  answer.channel_id = c;
  answer.closee_output_only = Signature{};
  return {PeerStorage{hex("aabb"), {}},
          PeerStorageRetrieval{Bytes(65'531), {}},
          TxAddInput{c, 20, hex("0200"), 1, 0xfffffffd, std::nullopt, {}},
          TxAddInput{c, 20, {}, 1, 0xfffffffd, Txid{}, hex("fe0010000101aa")},
          TxAddOutput{c, 30, Sat(49'999'845), hex("0014"), {}},
          TxRemoveInput{c, 4, {}},
          TxRemoveOutput{c, 5, {}},
          TxComplete{c, {}},
          TxSignatures{c, {}, {hex("0101aa"), hex("00")}, std::nullopt, {}},
          TxSignatures{c, {}, {}, Signature{}, {}},
          TxInitRbf{c, 120, FeeratePerKw(500), -5, true, {}},
          TxAckRbf{c, 21'000'000, false, {}},
          TxAbort{c, hex("6869"), {}},
          opening<OpenChannel2>(),
          opening<AcceptChannel2>(),
          Stfu{c, 1, {}},
          SpliceInit{c, -100'000, FeeratePerKw(253), 0, kPoint, true, {}},
          SpliceAck{c, 0, kPoint, false, {}},
          SpliceLocked{c, {}, {}},
          closing,
          answer,
          StartBatch{c, 3, 132, {}}};
}

TEST(OtherMessages, EachReadsBackAsItWasWritten) {
  std::set<std::size_t> kinds;
  for (const auto& message : other_samples()) {
    auto bytes = encode_other(message);
    auto read = decode_other(bytes);
    ASSERT_TRUE(read) << message.index() << ": " << describe(read.error());
    EXPECT_EQ(read->index(), message.index());
    EXPECT_EQ(to_hex(encode_other(*read)), to_hex(bytes));
    kinds.insert(message.index());
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<OtherMessage>);
}

TEST(OtherMessages, CutAtAnyByteIsAnErrorOrAShorterMessage) {
  for (const auto& message : other_samples()) {
    auto bytes = encode_other(message);
    if (bytes.size() > 2'000) continue;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      auto cut = ByteView(bytes).first(size);
      auto read = decode_other(cut);
      if (!read) continue;  // else the cut is right before optional records
      EXPECT_EQ(to_hex(encode_other(*read)), to_hex(cut)) << message.index();
    }
    EXPECT_FALSE(decode_other(ByteView(bytes).first(3)));
  }
}

TEST(OtherMessages, APeerThatSendsOneGetsTheAnswerForUnknownTypes) {
  for (const auto& message : other_samples()) {
    auto bytes = encode_other(message);
    auto type = bytes[0] << 8 | bytes[1];
    auto read = decode(bytes);
    if (type % 2 == 1) {
      ASSERT_TRUE(read);
      EXPECT_TRUE(std::holds_alternative<UnknownMessage>(*read)) << type;
    } else {
      ASSERT_FALSE(read);
      EXPECT_EQ(read.error(), (ParseError{ParseCode::UnknownEven, static_cast<std::uint64_t>(type)}));
    }
  }
  EXPECT_EQ(decode_other(hex("0011")).error().code, ParseCode::UnexpectedField);
  EXPECT_EQ(decode_other(hex("0010")).error().code, ParseCode::UnknownEven);
}

TEST(OtherMessages, AnUnknownOddRecordIsKeptAndAnEvenOneRefusedInAStream) {
  for (const auto& message : other_samples()) {
    auto bytes = encode_other(message);
    if (bytes.size() > 65'000) continue;  // full already
    auto odd = bytes, even = bytes;
    append(odd, hex("fe0020000101bb"));
    append(even, hex("fe0020000201bb"));
    auto read = decode_other(odd);
    ASSERT_TRUE(read) << message.index();
    EXPECT_EQ(to_hex(encode_other(*read)), to_hex(odd));
    auto type = static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
    EXPECT_EQ(decode_other(even).has_value(), !shape_of(type)->has_tlvs) << type;
  }
}

TEST(OtherMessages, ARecordOfAnotherSizeIsRefused) {
  auto ack = encode_other(SpliceAck{channel_id(), 0, kPoint, false, {}});
  append(ack, hex("020100"));
  EXPECT_EQ(decode_other(ack).error().code, ParseCode::BadLength);
  auto batch = encode_other(StartBatch{channel_id(), 3, std::nullopt, {}});
  append(batch, hex("0103000084"));
  auto read = decode_other(batch);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ParseCode::BadLength);
  EXPECT_EQ(read.error().where + 2, batch.size() - 1);  // behind the u16
}

TEST(OtherMessages, ATransactionHas252WitnessesAtMost) {
  TxSignatures message{channel_id(), {}, std::vector<Bytes>(252, hex("00")), std::nullopt, {}};
  EXPECT_TRUE(decode_other(encode_other(message)));
  message.witnesses.emplace_back();
  EXPECT_EQ(decode_other(encode_other(message)).error().code, ParseCode::BadValue);
}

TEST(OtherMessages, AnOutputHas21MillionBitcoinAtMost) {
  TxAddOutput message{channel_id(), 1, Sat::max_money(), {}, {}};
  EXPECT_TRUE(decode_other(encode_other(message)));
  message.sats = Sat(Sat::max_money().value() + 1);
  EXPECT_FALSE(decode_other(encode_other(message)));
}

// BOLT 3, Appendix G: the opener's change.
TEST(OtherMessages, AnOutputOfTheDualFundingVectors) {
  TxAddOutput message{channel_id(), 30, Sat(49'999'845), hex("00141ca1cca8855bad6bc1ea5436edd8cff10b7e448b"), {}};
  EXPECT_EQ(to_hex(encode_other(message)), "0043" + channel_id().hex() +
                                               "000000000000001e"
                                               "0000000002faefe5"
                                               "001600141ca1cca8855bad6bc1ea5436edd8cff10b7e448b");
}

// BOLT 1, Appendix D; s64 is the only signed type that messages use.
TEST(OtherMessages, SignedAmountsAreTwosComplement) {
  for (auto [value, bytes] : {std::pair{std::int64_t{2'147'483'648}, "0000000080000000"},
                              {-2'147'483'649, "ffffffff7fffffff"},
                              {500'000'000'000, "000000746a528800"},
                              {-500'000'000'000, "ffffff8b95ad7800"},
                              {std::numeric_limits<std::int64_t>::max(), "7fffffffffffffff"},
                              {std::numeric_limits<std::int64_t>::min(), "8000000000000000"}}) {
    auto written = encode_other(TxAckRbf{channel_id(), value, false, {}});
    EXPECT_EQ(to_hex(ByteView(written).subspan(34)), std::string("0008") + bytes);
    auto read = decode_other(written);
    ASSERT_TRUE(read);
    EXPECT_EQ(std::get<TxAckRbf>(*read).funding_output_contribution, value);
  }
}

TEST(Shapes, EveryTypeAndRecordHasOneAndNamesAreUnique) {
  EXPECT_EQ(message_shapes().size(), std::variant_size_v<Message::variant> - 1 + std::variant_size_v<OtherMessage>);
  std::set<std::string> names;
  for (const auto& shape : message_shapes()) {
    EXPECT_EQ(shape_of(shape.type), &shape);
    EXPECT_TRUE(names.insert(shape.name).second) << shape.name;
    std::uint64_t last = 0;
    for (const auto& record : shape.records) {
      EXPECT_TRUE(record.type > last || record.type == 0) << shape.name;
      last = record.type;
    }
  }
  EXPECT_EQ(shape_of(3), nullptr);
}

TEST(Shapes, ARecordThatMachinesLeaveAloneHasANameToo) {
  const auto* shape = shape_of(131);
  ASSERT_NE(shape, nullptr);
  ASSERT_EQ(shape->records.size(), 1u);
  EXPECT_STREQ(shape->records[0].name, "attribution_data");
  EXPECT_EQ(shape->records[0].fields[1].size, 840u);
}

}  // namespace
}  // namespace doze::wire
