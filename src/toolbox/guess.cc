#include "toolbox/guess.h"

#include "bitcoin/psbt.h"
#include "crypto/crypto.h"
#include "offers/invoice_request.h"
#include "onion/sphinx.h"
#include "toolbox/decode.h"
#include "toolbox/messages.h"
#include "toolbox/onions.h"
#include "toolbox/streams.h"
#include "toolbox/transactions.h"
#include "wire/messages.h"

namespace doze::toolbox {

namespace {

/// The types of a stream up to where its structure breaks.
std::vector<std::uint64_t> types_of(ByteView bytes) {
  std::vector<std::uint64_t> out;
  Reader in(bytes);
  while (in.remaining() != 0) {
    auto type = wire::read_bigsize(in);
    auto length = wire::read_bigsize(in);
    if (!in.ok() || (!out.empty() && type <= out.back())) break;
    out.push_back(type);
    if (length > in.remaining()) break;
    (void)in.bytes(static_cast<std::size_t>(length));
  }
  return out;
}

bool has(const std::vector<std::uint64_t>& types, std::uint64_t type) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

Stream stream_like(const std::vector<std::uint64_t>& types) {
  if (has(types, 236) || has(types, 178)) return Stream::StaticInvoice;
  bool request = has(types, 0) || has(types, 88);
  if (has(types, 160) || has(types, 164) || has(types, 176)) return request ? Stream::Invoice : Stream::StaticInvoice;
  return request ? Stream::InvoiceRequest : Stream::Offer;
}

bool is_packet_size(std::size_t size) {
  return size == onion::kPacketOverhead + onion::kPaymentPayloads ||
         size == onion::kPacketOverhead + onion::kLargeMessagePayloads;
}

std::optional<Problem> by_length(ByteView bytes) {
  if (bytes.size() == 32)
    return problem("", "32 bytes: a hash, a txid, a preimage or a private key, which cannot be told apart",
                   "If it is a private key, others may know it by now.");
  if (bytes.size() == 64) return problem("", "64 bytes: probably a signature, which cannot be checked alone", "");
  if (bytes.size() == 65 && bytes[0] == 4)
    return problem("node id", "this is an uncompressed point; Lightning uses the compressed form of 33 bytes", "");
  return std::nullopt;
}

}  // namespace

Result<Value, Problem> decode_guessed(ByteView bytes) {
  bool point_like = bytes.size() == 33 && (bytes[0] == 2 || bytes[0] == 3);
  if (point_like) return decode_bytes(bytes, "node_id");
  if (bytes.size() < 4) return fail(problem("", "too short for any Lightning object", ""));
  if (bitcoin::is_psbt(bytes)) return decode_psbt(bytes);
  if (is_packet_size(bytes.size()))
    if (auto packet = decode_packet(bytes)) return packet;
  for (auto kind : {"transaction", "static_invoice", "invoice", "invoice_request", "offer", "raw_invitation",
                    "blinded_path", "invitation"})
    if (auto read = decode_bytes(bytes, kind)) return read;
  if (is_message_type(bytes))
    if (auto message = decode_message(bytes); message && message->find("extension") == nullptr) return message;
  for (bool last : {true, false})
    for (bool through : {true, false})
      if (auto payload = decode_payment_payload(bytes, last, through)) return payload;
  Reader in(bytes);  // a payload as in a packet, with its length first
  if (auto length = wire::read_bigsize(in); in.ok() && length == in.remaining() && length != 0)
    for (bool last : {true, false})
      for (bool through : {true, false})
        if (auto payload = decode_payment_payload(bytes.subspan(in.at()), last, through)) return payload;
  if (auto error = decode_bytes(bytes, "invoice_error")) return error;

  // Valid as nothing: whose error helps?
  if (auto told = by_length(bytes)) return fail(*std::move(told));
  if (is_packet_size(bytes.size())) return decode_packet(bytes);
  auto types = types_of(bytes);
  bool version = bytes[0] >= 1 && bytes[0] <= 3 && bytes[1] == 0 && bytes[2] == 0 && bytes[3] == 0;
  if (version) return decode_transaction(bytes);
  if (is_message_type(bytes) && (types.size() < 4 || bytes[0] != 0)) return decode_message(bytes);
  if (types.size() >= 2) return decode_stream(stream_like(types), bytes);
  if (bytes[0] == 2 || bytes[0] == 3) return decode_bytes(bytes, "blinded_path");
  if (bytes[0] == 0 && bytes[1] != 0 && bytes[1] <= 16) return decode_bytes(bytes, "raw_invitation");
  auto out = problem("", "these " + std::to_string(bytes.size()) + " bytes are no known object",
                     "Name its kind with --as KIND to see which rule it breaks.");
  return fail(std::move(out));
}

}  // namespace doze::toolbox
