// A variant of many types that is compiled once. Copying, moving and destroying a std::variant is code for each of its
// types, made anew in every file that uses it: for the structs of src/effects that was half of the compiler's work.
//
//   struct Shape : std::variant<Circle, Square> {     // in the header
//     using variant::variant;
//     DOZE_COMPILED_ONCE(Shape)
//   };
//   DOZE_COMPILED_HERE(Shape)                         // in one .cc
//
// std::visit, std::get, std::get_if and std::holds_alternative take it as they take a std::variant; what needs the type
// itself (std::variant_size_v) takes Shape::variant.
#pragma once

#include <variant>

#define DOZE_COMPILED_ONCE(Name)             \
  Name() = default;                          \
  Name(const Name&);                         \
  Name(Name&&) noexcept;                     \
  Name& operator=(const Name&); /* NOLINT */ \
  Name& operator=(Name&&) noexcept;          \
  ~Name();

#define DOZE_COMPILED_HERE(Name)                    \
  Name::Name(const Name&) = default;                \
  Name::Name(Name&&) noexcept = default;            \
  Name& Name::operator=(const Name&) = default;     \
  Name& Name::operator=(Name&&) noexcept = default; \
  Name::~Name() = default;

namespace doze {

/// std::visit with one lambda per type.
template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace doze
