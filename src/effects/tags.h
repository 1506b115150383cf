// The top byte of a ping's token, of an onion message's tag and of a question to the store names the machine that asked
// and gets the answer.
#pragma once

#include <cstdint>

namespace doze {

enum class TagOwner : std::uint8_t { OnionMessage = 1, Payment = 2, Invoicing = 3, Forwarding = 4, Channel = 5 };
[[nodiscard]] constexpr std::uint64_t make_tag(TagOwner owner, std::uint64_t number) {
  return (std::uint64_t{static_cast<std::uint8_t>(owner)} << 56) | (number & 0x00ff'ffff'ffff'ffffULL);
}
[[nodiscard]] constexpr TagOwner owner_of(std::uint64_t tag) {
  return static_cast<TagOwner>(tag >> 56);
}

}  // namespace doze
