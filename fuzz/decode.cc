// Anything that somebody pastes, and any bytes as each kind: an answer or a problem with a rule, and a place inside.
#include "toolbox/decode.h"

#include "samples.h"
#include "wire/test/shape_bytes.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  auto rest = ByteView(data, size).subspan(1);
  if (auto message = wire::decode(rest)) {
    // What peers understand is shown, unless a record that machines leave alone is broken.
    auto shown = toolbox::decode_bytes(rest, "message");
    bool known = !std::holds_alternative<wire::UnknownMessage>(*message);
    FUZZ_CHECK(shown.has_value() || !known || shown.error().at.has_value());
  }
  const auto& kinds = toolbox::kinds();
  auto read = data[0] < 128   ? toolbox::decode(fuzz::as_text(rest))
              : data[0] < 160 ? toolbox::decode(to_hex(rest))
                              : toolbox::decode_bytes(rest, kinds[data[0] % kinds.size()]);
  if (read) {
    FUZZ_CHECK(read->find("type") != nullptr);
    return 0;
  }
  FUZZ_CHECK(!read.error().rule.empty());
  FUZZ_CHECK(!read.error().at || *read.error().at <= size * 2);
  FUZZ_CHECK(!read.error().text().empty());
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  auto text = [&](const std::string& each) { out.push_back(fuzz::with_prefix({0}, bytes_of(each))); };
  for (const auto& each :
       {fuzz::offer().text(), "lightning:" + fuzz::offer().text(), "bitcoin:?lno=" + fuzz::offer().text(),
        "{\"x\":\"" + fuzz::offer().text() + "\"}", fuzz::invoice().text(), to_hex(fuzz::offer().bytes()),
        std::string("alice@shop.example"), std::string("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080")})
    text(each);
  auto bytes = [&](ByteView each) {
    for (int mode = 159; mode < 160 + static_cast<int>(toolbox::kinds().size()); ++mode)
      out.push_back(fuzz::with_prefix({static_cast<std::uint8_t>(mode)}, each));
  };
  bytes(fuzz::offer().bytes());
  bytes(fuzz::invoice_request().bytes());
  bytes(fuzz::static_invoice(Profile::Ldk).bytes());
  bytes(wire::to_bytes(fuzz::path(9)));
  for (const auto& message : fuzz::messages()) out.push_back(fuzz::with_prefix({128}, wire::encode(message)));
  for (const auto& shape : wire::message_shapes())
    out.push_back(fuzz::with_prefix({128}, wire::message_of(shape, fuzz::point(5))));
  return out;
}
DOZE_FUZZ_TARGET(decode, 20'000);
