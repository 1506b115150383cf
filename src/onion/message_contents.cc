#include "onion/message_contents.h"

#include "wire/tlv.h"

namespace doze::onion {

namespace {
using wire::numbers;

Bytes framed(Profile profile, Bytes stream) {
  if (!numbers(profile).length_prefixed) return stream;
  Writer out;
  wire::write_bigsize(out, stream.size());
  return out.bytes(stream).take();
}

struct Body {
  ByteView stream;
  Profile profile;
};
/// Reads both forms: one that begins with a fitting length is LDK's. Bytes behind LDK's form are ignored, as LDK does.
Result<Body, ParseError> unframe(ByteView value, Profile bare) {
  Reader in(value);
  auto length = wire::read_bigsize(in);
  if (in.ok() && length <= in.remaining()) {
    auto stream = in.bytes(static_cast<std::size_t>(length));
    if (wire::parse_tlv_stream(stream)) return Body{stream, Profile::Ldk};
  }
  return Body{value, bare};
}

/// The form follows from the number of the contents: 7554x has a length before the stream, 6554x has none.
Result<std::vector<wire::TlvRecord>, ParseError> records_of(Profile profile, ByteView value,
                                                            std::initializer_list<std::uint64_t> known) {
  auto stream = value;
  if (numbers(profile).length_prefixed) {
    Reader in(value);
    auto length = wire::read_bigsize(in);
    if (!in.ok() || length > in.remaining()) return fail(ParseError{ParseCode::Truncated, 0, "length of the body"});
    stream = in.bytes(static_cast<std::size_t>(length));
  }
  LN_TRY(records, wire::parse_tlv_stream(stream));
  LN_CHECK(wire::refuse_unknown_even(records, known));
  return records;
}

Result<MessageContents, ParseError> decode_request(Profile profile, ByteView value) {
  LN_TRY(records, records_of(profile, value, {0}));
  const auto* slot = wire::find(records, 0);
  if (slot == nullptr) return fail(ParseError{ParseCode::MissingField, 0, "invoice_slot"});
  Reader in(slot->value);
  OfferPathsRequest out{in.u16(), profile};
  if (!in.done()) return fail(ParseError{ParseCode::BadLength, 0, "invoice_slot"});
  return MessageContents(out);
}

Result<MessageContents, ParseError> decode_paths(Profile profile, ByteView value) {
  LN_TRY(records, records_of(profile, value, {0, 2}));
  const auto* paths = wire::find(records, 0);
  if (paths == nullptr) return fail(ParseError{ParseCode::MissingField, 0, "paths"});
  OfferPaths out{{}, std::nullopt, profile};
  LN_TRY(read, wire::read_blinded_paths(paths->value));
  out.paths = std::move(read);
  if (const auto* expiry = wire::find(records, 2)) {
    Reader in(expiry->value);
    out.paths_absolute_expiry = UnixTime(in.u64());
    if (!in.done()) return fail(ParseError{ParseCode::BadLength, 2, "paths_absolute_expiry"});
  }
  return MessageContents(std::move(out));
}

Result<MessageContents, ParseError> decode_serve(Profile profile, ByteView value) {
  LN_TRY(records, records_of(profile, value, {0, 2}));
  const auto *invoice = wire::find(records, 0), *path = wire::find(records, 2);
  if (invoice == nullptr) return fail(ParseError{ParseCode::MissingField, 0, "invoice"});
  if (path == nullptr) return fail(ParseError{ParseCode::MissingField, 2, "forward_invoice_request_path"});
  Reader in(path->value);
  LN_TRY(read, wire::read_blinded_path(in));
  if (!in.done()) return fail(ParseError{ParseCode::TrailingBytes, 2, "forward_invoice_request_path"});
  return MessageContents(ServeStaticInvoice{to_bytes(invoice->value), std::move(read), profile});
}

Result<MessageContents, ParseError> decode_persisted(Profile profile, ByteView value) {
  LN_CHECK(records_of(profile, value, {}));
  return MessageContents(StaticInvoicePersisted{profile});
}

/// 72 and 74 have the same number in both profiles: an empty value is the draft's, `00` is LDK's.
template <class T>
Result<MessageContents, ParseError> decode_empty(ByteView value) {
  if (value.empty()) return MessageContents(T{Profile::Draft});
  LN_TRY(body, unframe(value, Profile::Draft));
  LN_TRY(records, wire::parse_tlv_stream(body.stream));
  LN_CHECK(wire::refuse_unknown_even(records, {}));
  return MessageContents(T{body.profile});
}
}  // namespace

ContentsTlv encode(const MessageContents& contents) {
  return std::visit(
      []<class T>(const T& c) -> ContentsTlv {
        if constexpr (std::is_same_v<T, InvoiceRequest>) return {wire::kOmInvoiceRequest, c.bytes};
        if constexpr (std::is_same_v<T, Invoice>) return {wire::kOmInvoice, c.bytes};
        if constexpr (std::is_same_v<T, StaticInvoice>) return {wire::kOmStaticInvoice, c.bytes};
        if constexpr (std::is_same_v<T, InvoiceError>) return {wire::kOmInvoiceError, framed(c.profile, c.bytes)};
        if constexpr (std::is_same_v<T, HeldHtlcAvailable>) return {wire::kOmHeldHtlcAvailable, framed(c.profile, {})};
        if constexpr (std::is_same_v<T, ReleaseHeldHtlc>) return {wire::kOmReleaseHeldHtlc, framed(c.profile, {})};
        if constexpr (std::is_same_v<T, OfferPathsRequest>)
          return {numbers(c.profile).offer_paths_request,
                  framed(c.profile, wire::TlvWriter().add_u16(0, c.invoice_slot).take())};
        if constexpr (std::is_same_v<T, OfferPaths>) {
          wire::TlvWriter out;
          out.add(0, wire::to_bytes(c.paths));
          if (c.paths_absolute_expiry) out.add_u64(2, c.paths_absolute_expiry->value());
          return {numbers(c.profile).offer_paths, framed(c.profile, out.take())};
        }
        if constexpr (std::is_same_v<T, ServeStaticInvoice>)
          return {
              numbers(c.profile).serve_static_invoice,
              framed(
                  c.profile,
                  wire::TlvWriter().add(0, c.invoice).add(2, wire::to_bytes(c.forward_invoice_request_path)).take())};
        if constexpr (std::is_same_v<T, StaticInvoicePersisted>)
          return {numbers(c.profile).static_invoice_persisted, framed(c.profile, {})};
      },
      contents);
}

Result<MessageContents, ParseError> decode_contents(std::uint64_t type, ByteView value) {
  if (type == wire::kOmInvoiceRequest) return MessageContents(InvoiceRequest{to_bytes(value)});
  if (type == wire::kOmInvoice) return MessageContents(Invoice{to_bytes(value)});
  if (type == wire::kOmStaticInvoice) return MessageContents(StaticInvoice{to_bytes(value)});
  if (type == wire::kOmInvoiceError) {
    LN_TRY(body, unframe(value, Profile::Draft));
    return MessageContents(InvoiceError{to_bytes(body.stream), body.profile});
  }
  if (type == wire::kOmHeldHtlcAvailable) return decode_empty<HeldHtlcAvailable>(value);
  if (type == wire::kOmReleaseHeldHtlc) return decode_empty<ReleaseHeldHtlc>(value);
  for (auto profile : {Profile::Ldk, Profile::Draft}) {
    if (type == numbers(profile).offer_paths_request) return decode_request(profile, value);
    if (type == numbers(profile).offer_paths) return decode_paths(profile, value);
    if (type == numbers(profile).serve_static_invoice) return decode_serve(profile, value);
    if (type == numbers(profile).static_invoice_persisted) return decode_persisted(profile, value);
  }
  return fail(ParseError{ParseCode::UnknownEven, type, "onion message contents"});
}

const char* name(const MessageContents& contents) {
  static constexpr const char* kNames[] = {"invoice_request",      "invoice",
                                           "invoice_error",        "static_invoice",
                                           "held_htlc_available",  "release_held_htlc",
                                           "offer_paths_request",  "offer_paths",
                                           "serve_static_invoice", "static_invoice_persisted"};
  return kNames[contents.index()];
}

}  // namespace doze::onion
