// One field as it lies on the wire: shown, and its type in the BOLTs' words.
#pragma once

#include "toolbox/show.h"
#include "wire/shapes.h"

namespace doze::toolbox {

/// `in` has failed if the bytes do not fit.
[[nodiscard]] Value show_field(const wire::FieldShape& field, Reader& in);
/// Under its name; times as set_time does it.
void set_field(Value& out, const wire::FieldShape& field, Reader& in);
/// "u16", "32*byte", "u16*byte" (a length in front), "...*byte" (to the end). Amounts, times and texts are their bytes.
[[nodiscard]] std::string type_text(const wire::FieldShape& field);

}  // namespace doze::toolbox
