#include "wire/shapes.h"

#include "wire/fields.h"

namespace doze::wire {

const std::vector<MessageShape>& message_shapes() {
  static const auto kShapes = [] {
    std::vector<MessageShape> out;
    add_message_shapes(out);
    add_other_shapes(out);
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.type < b.type; });
    return out;
  }();
  return kShapes;
}

const MessageShape* shape_of(std::uint16_t type) {
  for (const auto& shape : message_shapes())
    if (shape.type == type) return &shape;
  return nullptr;
}

}  // namespace doze::wire
