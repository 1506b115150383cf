// TLV streams and the numbers in them have one form: what is read is written again byte for byte.
#include "wire/tlv.h"

#include "samples.h"

using namespace doze;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView input(data, size);
  Reader in(input);
  auto number = wire::read_bigsize(in);
  if (in.ok()) {
    Writer out;
    wire::write_bigsize(out, number);
    FUZZ_CHECK(out.size() == wire::bigsize_length(number));
    FUZZ_CHECK(equal(out.view(), input.first(in.at())));
  }
  for (std::size_t width : {2U, 4U, 8U})
    if (auto value = wire::read_tu(input, width)) FUZZ_CHECK(equal(wire::tu(*value), input));
  auto records = wire::parse_tlv_stream(input);
  if (!records) return 0;
  wire::TlvWriter out;
  for (const auto& record : *records) {
    out.add(record.type, record.value);
    FUZZ_CHECK(wire::find(*records, record.type) == &record);
  }
  FUZZ_CHECK(equal(out.take(), input));
  auto refused = wire::refuse_unknown_even(*records, {2, 4});
  bool unknown = false;
  for (const auto& record : *records)
    unknown = unknown || (record.type % 2 == 0 && record.type != 2 && record.type != 4);
  FUZZ_CHECK(refused.has_value() == !unknown);
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out{hex("00"),
                  hex("fc"),
                  hex("fd00fd"),
                  hex("fe00010000"),
                  hex("ff0000000100000000"),
                  hex("01020304"),
                  hex("010105020106"),
                  hex("0100fd00ff00fe00010000020001")};
  out.push_back(fuzz::offer().bytes());
  out.push_back(fuzz::invoice().bytes());
  return out;
}
DOZE_FUZZ_TARGET(tlv, 200'000);
