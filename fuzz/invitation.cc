// Invitations, as links and raw: read and written, they say the same. First byte: the text as it is, or the bytes that
// a link, or LDK's raw form, stands for.
#include "offers/invitation.h"

#include "offers/text.h"
#include "samples.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  ByteView input = ByteView(data, size).subspan(1);
  auto text = fuzz::as_text(input);
  if (data[0] % 3 == 1) text = offers::encode_text(offers::kInvitationPrefix, input);
  if (data[0] % 3 == 2) text = to_hex(input);
  auto invitation = offers::Invitation::parse(text);
  if (!invitation) return 0;
  FUZZ_CHECK(!invitation->paths.empty() && invitation->paths.size() <= offers::kMaxServerPaths);
  FUZZ_CHECK(invitation->token.size() <= offers::kMaxTokenBytes);
  auto raw = offers::Invitation::parse(invitation->raw_text());
  FUZZ_CHECK(raw && raw->raw && raw->paths == invitation->paths && raw->profile == Profile::Ldk);
  if (invitation->server) {
    auto link = offers::Invitation::parse(invitation->text());
    FUZZ_CHECK(link.has_value());
    link->raw = invitation->raw;
    FUZZ_CHECK(*link == *invitation);
  }
  return 0;
}

static fuzz::Seeds seeds() {
  offers::Invitation invitation;
  invitation.server = fuzz::point(3);
  invitation.addresses = {*wire::parse_address("203.0.113.7:9735")};
  invitation.paths = {fuzz::path(4), fuzz::path(5)};
  invitation.absolute_expiry = fuzz::kNow;
  invitation.token = Bytes(16, 9);
  fuzz::Seeds out{fuzz::with_prefix({0}, bytes_of(invitation.text())),
                  fuzz::with_prefix({0}, bytes_of(invitation.raw_text()))};
  for (auto profile : {Profile::Ldk, Profile::Draft}) {
    invitation.profile = profile;
    out.push_back(fuzz::with_prefix({1}, *offers::decode_text(offers::kInvitationPrefix, invitation.text())));
  }
  out.push_back(fuzz::with_prefix({2}, hex(invitation.raw_text())));
  return out;
}
DOZE_FUZZ_TARGET(invitation, 10'000);
