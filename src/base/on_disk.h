// Enums in durable records. The file holds their numbers, so the declaration writes each number, and a new value is
// added last. An enum without DOZE_ON_DISK does not compile in a record.
#pragma once

#include <type_traits>

namespace doze {

template <class E>
struct OnDisk;

/// Write it in namespace doze, below the enum: the numbers from First to Last may be in records.
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
