#include "onion_message/records.h"

#include "effects/record_io.h"

namespace doze::onion_message {

namespace {
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kKeyBytes = 33 + 8;
}  // namespace

Bytes mail_key(const NodeId& client, std::uint64_t sequence) {
  return Writer().bytes(client.view()).u64(sequence).take();
}

std::optional<std::pair<NodeId, std::uint64_t>> read_mail_key(ByteView key) {
  if (key.size() != kKeyBytes) return std::nullopt;
  Reader in(key);
  std::pair<NodeId, std::uint64_t> out;
  out.first.bytes = in.array<33>();
  out.second = in.u64();
  return out;
}

Bytes encode(const StoredMail& mail) {
  return RecordWriter(kVersion)
      .all(mail.source, mail.stored_at, mail.message.path_key, mail.message.onion_message_packet)
      .take();
}

Result<StoredMail, ParseError> decode(ByteView value) {
  RecordReader in(value);
  if (in.version() != kVersion) return fail(ParseError{ParseCode::UnknownVersion, in.version(), "mail"});
  StoredMail mail;
  in.all(mail.source, mail.stored_at, mail.message.path_key, mail.message.onion_message_packet);
  LN_CHECK(in.finish("mail"));
  return mail;
}

Result<OnionMessages, LoadError> load(std::span<const Row> rows) {
  OnionMessages out;
  auto& self = *out.inside;
  for (const auto& row : rows) {
    if (row.table != Table::Mailbox) continue;
    auto key = read_mail_key(row.key);
    if (!key) return fail(LoadError{row.table, row.key, {ParseCode::BadLength, row.key.size(), "client and sequence"}});
    auto stored = decode(row.value);
    if (!stored) return fail(LoadError{row.table, row.key, stored.error()});
    const auto& [client, sequence] = *key;
    auto packet_bytes = static_cast<std::uint32_t>(stored->message.onion_message_packet.size());
    self.mailboxes[client].mail.emplace(sequence,
                                        Mail{stored->source, stored->stored_at, packet_bytes});  // counted at Started
    self.next_sequence = std::max(self.next_sequence, sequence + 1);
  }
  return out;
}

}  // namespace doze::onion_message
