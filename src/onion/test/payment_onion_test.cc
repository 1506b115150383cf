// Payloads of payment onions, record by record. BOLT 4, "Payload Format".
#include "onion/payment_onion.h"

#include <gtest/gtest.h>

#include <map>

#include "crypto/crypto.h"
#include "onion/failures.h"
#include "wire/tlv.h"

namespace doze::onion {
namespace {

enum class Where { Forwarder, Last, InsideForwarder, InsideLast, IntroductionForwarder, IntroductionLast };

/// What a payload says, with one record more, another, or without it.
struct Records {
  std::map<std::uint64_t, Bytes> records;
  Records& put(std::uint64_t type, Bytes value) {
    records[type] = std::move(value);
    return *this;
  }
  Records& drop(std::uint64_t type) {
    records.erase(type);
    return *this;
  }
  [[nodiscard]] Bytes bytes() const {
    wire::TlvWriter out;
    for (const auto& [type, value] : records) out.add(type, value);
    return out.take();
  }
};

PublicKey a_point() {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(5);
  return crypto::public_key(PrivateKey(bytes));
}

Records good(Where where) {
  Records out;
  bool last = where == Where::Last || where == Where::InsideLast || where == Where::IntroductionLast;
  bool blinded = where != Where::Forwarder && where != Where::Last;
  if (!blinded || last) out.put(2, wire::tu(1'000)).put(4, wire::tu(500));
  if (where == Where::Forwarder) out.put(6, Bytes(8, 1));
  if (where == Where::Last) out.put(8, Bytes(33, 7));
  if (blinded) out.put(10, Bytes(40, 9));
  if (where == Where::IntroductionForwarder || where == Where::IntroductionLast)
    out.put(12, to_bytes(a_point().view()));
  if (blinded && last) out.put(18, wire::tu(1'000));
  return out;
}

std::optional<ParseError> problem(Where where, const Records& records) {
  bool last = where == Where::Last || where == Where::InsideLast || where == Where::IntroductionLast;
  bool through_path_key = where == Where::InsideForwarder || where == Where::InsideLast;
  auto payload = decode_payload(records.bytes(), last, through_path_key);
  return payload ? std::nullopt : std::optional(payload.error());
}
std::optional<ParseError> without(Where where, std::uint64_t type) {
  return problem(where, good(where).drop(type));
}
std::optional<ParseError> with(Where where, std::uint64_t type, Bytes value) {
  return problem(where, good(where).put(type, std::move(value)));
}

constexpr Where kEverywhere[] = {
    Where::Forwarder,       Where::Last, Where::InsideForwarder, Where::InsideLast, Where::IntroductionForwarder,
    Where::IntroductionLast};

// [B4-read-19]
TEST(PaymentPayload, good_ones_are_read_everywhere) {
  for (auto where : kEverywhere) EXPECT_EQ(problem(where, good(where)), std::nullopt) << static_cast<int>(where);
}

// [B4-read-13, B4-read-16, B4-read-17]
TEST(PaymentPayload, amount_and_expiry_are_needed_outside_of_blinded_paths_and_at_the_end) {
  for (auto where : {Where::Forwarder, Where::Last, Where::InsideLast, Where::IntroductionLast}) {
    EXPECT_EQ(without(where, 2), (ParseError{ParseCode::MissingField, 2}));
    EXPECT_EQ(without(where, 4), (ParseError{ParseCode::MissingField, 4}));
  }
  EXPECT_EQ(without(Where::InsideLast, 18), (ParseError{ParseCode::MissingField, 18}));
  EXPECT_EQ(without(Where::IntroductionLast, 18), (ParseError{ParseCode::MissingField, 18}));
  EXPECT_EQ(without(Where::Forwarder, 6), (ParseError{ParseCode::MissingField, 6}));
}

// [B4-read-01, B4-read-02, B4-read-15]
TEST(PaymentPayload, a_path_key_comes_once_with_the_htlc_or_in_the_payload) {
  auto point = to_bytes(a_point().view());
  for (auto where : {Where::InsideForwarder, Where::InsideLast}) {
    EXPECT_EQ(with(where, 12, point), (ParseError{ParseCode::UnexpectedField, 12}));
    EXPECT_EQ(without(where, 10), (ParseError{ParseCode::MissingField, 10}));
  }
  for (auto where : {Where::IntroductionForwarder, Where::IntroductionLast}) {
    EXPECT_EQ(without(where, 12), (ParseError{ParseCode::MissingField, 12}));
    EXPECT_EQ(with(where, 12, Bytes(33, 5)), (ParseError{ParseCode::BadPoint, 12}));
  }
  for (auto where : {Where::Forwarder, Where::Last})
    EXPECT_EQ(with(where, 12, point), (ParseError{ParseCode::UnexpectedField, 12}));
  // Not of a blinded path, and an HTLC that says so all the same.
  EXPECT_EQ(decode_payload(good(Where::Forwarder).bytes(), false, true).error(),
            (ParseError{ParseCode::MissingField, 10}));
}

// [B4-read-09]
TEST(PaymentPayload, a_forwarder_in_a_blinded_path_gets_no_other_record) {
  for (auto where : {Where::InsideForwarder, Where::IntroductionForwarder}) {
    for (std::uint64_t type : {2, 4, 6, 8, 16, 18})
      EXPECT_EQ(with(where, type, Bytes(8, 1)), (ParseError{ParseCode::UnexpectedField, type}));
    for (std::uint64_t type : {1, 7, 13, 19, 65'537, 77'777})  // nobody knows them, or only the last hop may have them
      EXPECT_EQ(with(where, type, Bytes(8, 1)), (ParseError{ParseCode::UnexpectedField, type}));
  }
}

TEST(PaymentPayload, the_end_of_a_blinded_path_gets_no_record_of_other_payments) {
  for (auto where : {Where::InsideLast, Where::IntroductionLast})
    for (std::uint64_t type : {6, 8, 16})
      EXPECT_EQ(with(where, type, Bytes(40, 1)), (ParseError{ParseCode::UnexpectedField, type}));
}

TEST(PaymentPayload, unknown_even_records_are_refused_and_odd_ones_are_not_at_the_end) {
  for (auto where : kEverywhere) EXPECT_EQ(with(where, 65'536, Bytes{1}), (ParseError{ParseCode::UnknownEven, 65'536}));
  for (auto where : {Where::Last, Where::InsideLast, Where::IntroductionLast})
    EXPECT_EQ(with(where, 65'537, Bytes{1}), std::nullopt);
}

// [B4-write-07, B4-write-08]
TEST(PaymentPayload, payment_data_and_metadata_go_there_and_back_with_the_amount_that_is_sent) {
  FinalPayload sent;
  sent.amt_to_forward = sent.total_amount_msat.emplace(12'345);
  sent.outgoing_cltv_value = CltvExpiry(700);
  sent.payment_secret = Hash32{};
  sent.payment_secret->bytes.fill(8);
  sent.payment_metadata = Bytes(600, 4);
  auto stream = encode(Payload(sent));
  auto records = wire::parse_tlv_stream(stream);
  EXPECT_EQ(wire::find(*records, 6), nullptr);
  EXPECT_EQ(doze::to_bytes(wire::find(*records, 8)->value),
            Writer().bytes(sent.payment_secret->view()).bytes(wire::tu(12'345)).take());
  auto read = decode_payload(stream, true, false);
  ASSERT_TRUE(read.has_value());
  const auto& back = std::get<FinalPayload>(*read);
  EXPECT_EQ(back.payment_secret, sent.payment_secret);
  EXPECT_EQ(back.payment_metadata, sent.payment_metadata);
  EXPECT_EQ(back.total_amount_msat, sent.total_amount_msat);
}

// [B4-write-01, B4-write-02, B4-write-05, B4-write-06]
TEST(PaymentPayload, what_goes_to_each_hop_of_a_blinded_path_is_no_more_than_it_needs) {
  auto types = [](const Payload& payload) {
    auto bytes = encode(payload);
    auto records = wire::parse_tlv_stream(bytes);
    std::vector<std::uint64_t> out;
    for (const auto& record : *records) out.push_back(record.type);
    return out;
  };
  using Types = std::vector<std::uint64_t>;
  EXPECT_EQ(types(BlindedForwardPayload{Bytes(9, 1), std::nullopt}), (Types{10}));
  EXPECT_EQ(types(BlindedForwardPayload{Bytes(9, 1), a_point()}), (Types{10, 12}));
  FinalPayload last;
  last.amt_to_forward = Msat(5);
  last.outgoing_cltv_value = CltvExpiry(6);
  last.encrypted_recipient_data = Bytes(9, 1);
  EXPECT_EQ(types(last), (Types{2, 4, 10, 18}));
  last.current_path_key = a_point();
  EXPECT_EQ(types(last), (Types{2, 4, 10, 12, 18}));
  EXPECT_EQ(types(ForwardPayload{Msat(5), CltvExpiry(6), ShortChannelId(7)}), (Types{2, 4, 6}));
}

// ---- failures ----

// [B4-err-01, B4-err-02]
TEST(Failure, is_padded_to_one_size_whatever_it_says) {
  const SharedSecret secret;
  for (std::size_t size : {0, 1, 100, 254})
    EXPECT_EQ(create_failure(secret, failure_message(kTemporaryNodeFailure, Bytes(size, 1))).size(), 32U + 2 + 2 + 256)
        << size;
  EXPECT_EQ(create_failure(secret, Bytes(300, 1)).size(), 32U + 2 + 2 + 300);
}

// [B4-orig-01]
TEST(Failure, bytes_behind_those_of_its_code_hurt_nothing) {
  const SharedSecret secret;
  auto message = failure_message(kIncorrectOrUnknownPaymentDetails, Writer().u64(5).u32(6).bytes(Bytes(20, 7)).take());
  auto read = decode_failure({secret}, create_failure(secret, message));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->code, kIncorrectOrUnknownPaymentDetails);
  EXPECT_EQ(read->data.size(), 32U);
}

}  // namespace
}  // namespace doze::onion
