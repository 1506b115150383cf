// Enums in durable records. Their numbers are the file's: each is written where the enum is declared, and a new value
// comes last. Nothing else gets into a record: an enum without this line does not compile there.
#pragma once

#include <type_traits>

namespace doze {

template <class E>
struct OnDisk;

/// Takes the place of a comment "numbers are in durable records". Stands in namespace doze, below the enum.
#define DOZE_ON_DISK(E, First, Last)                     \
  template <>                                            \
  struct OnDisk<E> {                                     \
    static constexpr E first = E::First, last = E::Last; \
  };

template <class E>
concept Durable = std::is_enum_v<E> && requires {
  OnDisk<E>::first;
  OnDisk<E>::last;
};

}  // namespace doze
