#include "forwarding/records.h"

#include "effects/record_io.h"
#include "wire/messages.h"

namespace doze::forwarding {

namespace {
constexpr std::uint8_t kVersion = 1;

/// The fields in order, for reading and for writing.
template <class Io, class T>
void forward_fields(Io& io, T& f) {
  io.all(f.incoming.channel_id, f.incoming.htlc_id, f.state, f.hold, f.payment_hash, f.amount_in, f.amount_out,
         f.expiry_in, f.expiry_out, f.fail_back, f.next_channel, f.next_onion, f.next_path_key, f.role, f.shared_secret,
         f.sha256_of_onion, f.outgoing_htlc, f.received_at, f.ended_at, f.failure);
}
}  // namespace

Put record(const Forward& forward) {
  RecordWriter out(kVersion);
  forward_fields(out, forward);
  return Put{Table::Forward, key_of(forward.incoming), out.take()};
}
Result<Forward, ParseError> read_forward(ByteView value) {
  RecordReader in(value);
  if (in.version() != kVersion) return fail(ParseError{ParseCode::UnknownVersion, in.version(), "forward"});
  Forward forward;
  forward_fields(in, forward);
  if (is_parked(forward) && forward.next_onion.size() != wire::kPaymentOnionBytes) in.refuse();
  LN_CHECK(in.finish("forward"));
  return forward;
}

}  // namespace doze::forwarding
