// The script interpreter on any script, bare, wrapped and in witnesses: it answers, and always the same.
#include "bitcoin/script.h"
#include "bitcoin/address.h"
#include "bitcoin/interpreter.h"
#include "crypto/crypto.h"
#include "samples.h"

using namespace doze;

// How it is wrapped (u8), locktime, sequence, script_sig with its length (u8), number of witness items, each with its
// length (u8), the script.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Reader in({data, size});
  auto mode = in.u8() % 4;
  bitcoin::Transaction spend;
  spend.locktime = in.u32();
  spend.inputs.resize(2);
  auto& input = spend.inputs[0];
  input.previous_output.index = 1;
  input.sequence = in.u32();
  input.script_sig = to_bytes(in.bytes(in.u8()));
  for (auto count = in.u8() % 16; count > 0 && in.ok(); --count) input.witness.push_back(to_bytes(in.bytes(in.u8())));
  if (!in.ok()) return 0;
  auto script = to_bytes(in.rest());
  spend.outputs = {{Sat(1'000), bitcoin::p2wpkh_script(fuzz::point(1))}};

  for (Reader rest(script); rest.remaining() != 0;) {
    auto instruction = bitcoin::next_instruction(rest);
    if (!instruction) break;
    if (instruction->is_push() && bitcoin::is_minimal_push(*instruction) &&
        instruction->opcode <= bitcoin::OP_PUSHDATA4) {
      auto pushed = bitcoin::ScriptBuilder().push(instruction->data).take();
      FUZZ_CHECK(equal(pushed, ByteView(script).subspan(rest.at() - pushed.size(), pushed.size())));
    }
  }
  if (auto number = bitcoin::read_script_number(script, 8)) FUZZ_CHECK(bitcoin::script_number(*number) == script);
  for (const auto* hrp : {"bc", "bcrt"})
    if (auto address = bitcoin::address_of_script(script, hrp)) {
      auto named = bitcoin::script_of_address(*address, hrp);
      FUZZ_CHECK(named && *named == script);
    }
  (void)bitcoin::is_valid_shutdown_script(script, true);
  FUZZ_CHECK(bitcoin::dust_limit(script) <= Sat(546));

  auto locking = script;
  auto p2sh = [](ByteView redeem) { return bitcoin::p2sh_script(crypto::hash160(redeem)); };
  if (mode == 1) {  // P2SH
    append(input.script_sig, bitcoin::ScriptBuilder().push(script).take());
    locking = p2sh(script);
  } else if (mode >= 2) {  // P2WSH, alone or in P2SH
    input.witness.push_back(script);
    locking = bitcoin::p2wsh_script(script);
    if (mode == 3) {
      input.script_sig = bitcoin::ScriptBuilder().push(locking).take();
      locking = p2sh(locking);
    }
  }
  std::vector<bitcoin::TxOut> spent{{Sat(2'000), locking}, {Sat(3'000), {}}};
  auto first = bitcoin::verify_input(spend, 0, spent);
  auto second = bitcoin::verify_input(spend, 0, spent);
  FUZZ_CHECK(first.has_value() == second.has_value());
  if (!first) {
    FUZZ_CHECK(first.error() == second.error());
    FUZZ_CHECK(*bitcoin::name(first.error()) != 0);
  }
  auto whole = bitcoin::verify_transaction(spend, spent);
  FUZZ_CHECK(first || !whole);
  return 0;
}

static fuzz::Seeds seeds() {
  fuzz::Seeds out;
  std::uint8_t mode = 0;
  // Scripts of the published tests, each behind the one before it as its script_sig.
  Bytes before;
  std::size_t number = 0;
  for (auto& bytes : fuzz::vector_bytes("bitcoin/script_tests.json")) {
    if (bytes.size() > 250 || ++number % 8 > 1) continue;
    Writer seed;
    seed.u8(mode++ % 4).u32(0).u32(0xfffffffe).u8(static_cast<std::uint8_t>(before.size())).bytes(before);
    seed.u8(2).u8(1).u8(1).u8(static_cast<std::uint8_t>(before.size())).bytes(before).bytes(bytes);
    out.push_back(seed.take());
    before = std::move(bytes);
  }
  return out;
}
DOZE_FUZZ_TARGET(script, 40'000);
