// Why an HTLC failed, in the clear, field by field. BOLT 4, "Failure Messages".
#pragma once

#include <span>

#include "toolbox/problem.h"
#include "wire/shapes.h"

namespace doze::toolbox {

struct FailureShape {
  std::uint16_t code;
  std::vector<wire::FieldShape> data;
};
[[nodiscard]] std::span<const FailureShape> failure_shapes();

/// failuremsg of a return packet: the code with its flags, and its data.
[[nodiscard]] Result<Value, Problem> decode_failure_message(ByteView bytes);

}  // namespace doze::toolbox
