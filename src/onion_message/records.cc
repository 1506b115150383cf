// Rows of Table::Mailbox: client ‖ sequence -> one parked message.
#include "effects/record_io.h"
#include "onion_message/inside.h"

namespace doze::onion_message {

namespace {
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kKeyBytes = 33 + 8;
}  // namespace

Bytes mail_key(const NodeId& client, std::uint64_t sequence) {
  return Writer().bytes(client.view()).u64(sequence).take();
}

Bytes encode(const Mail& mail) {
  return RecordWriter(kVersion)
      .all(mail.source, mail.stored_at, mail.message.path_key, mail.message.onion_message_packet)
      .take();
}

Result<Mail, ParseError> decode(ByteView value) {
  RecordReader in(value);
  if (in.version() != kVersion) return fail(ParseError{ParseCode::UnknownVersion, in.version(), "mail"});
  Mail mail;
  in.all(mail.source, mail.stored_at, mail.message.path_key, mail.message.onion_message_packet);
  LN_CHECK(in.finish("mail"));
  return mail;
}

Result<OnionMessages, LoadError> load(std::span<const Row> rows) {
  OnionMessages out;
  auto& self = *out.inside;
  for (const auto& row : rows) {
    if (row.table != Table::Mailbox) continue;
    if (row.key.size() != kKeyBytes)
      return fail(LoadError{row.table, row.key, {ParseCode::BadLength, row.key.size(), "client and sequence"}});
    auto mail = decode(row.value);
    if (!mail) return fail(LoadError{row.table, row.key, mail.error()});
    Reader key(row.key);
    NodeId client;
    client.bytes = key.array<33>();
    auto sequence = key.u64();
    self.mailboxes[client].mail.emplace(sequence, *std::move(mail));  // counted at Started
    self.next_sequence = std::max(self.next_sequence, sequence + 1);
  }
  return out;
}

}  // namespace doze::onion_message
