#pragma once
/// Who executes independent tasks, of an operation or a trainer: here, the thread that calls, in turn.
///
/// An executor has `parallel` and `for_each(count, task)`, which calls `task(0) ... task(count - 1)`, in any order and
/// on any thread, and returns when all are done. Tasks write to separate places and throw nothing.

#include <lacuna/core/config.hpp>

LACUNA_BEGIN

/// One after the other.
struct in_turn {
  static constexpr bool parallel = false;
  template <class Task>
  LACUNA_INLINE constexpr void for_each(extent_t count, Task&& task) const noexcept {
    for (extent_t i = 0; i < count; ++i) task(i);
  }
};

LACUNA_END
