#pragma once
/// Watching a run: every operation a model calls, the backend that served it, and its arguments, read-only.

#include <lacuna/op/attend.hpp>
#include <lacuna/op/choose_experts.hpp>
#include <lacuna/op/dispatch.hpp>
#include <lacuna/op/embed.hpp>
#include <lacuna/op/evaluate.hpp>
#include <lacuna/op/keep_largest.hpp>
#include <lacuna/op/multiply.hpp>
#include <lacuna/op/multiply_active.hpp>
#include <lacuna/op/rotate.hpp>

LACUNA_BEGIN

/// A backend that runs `Backend` and then calls `watcher.after(operation, ran_on, arguments...)`.
/// `model.try_forward_watched(watched{backend, watcher}, tokens, each)` gives the bits that `try_forward` gives.
template <class Backend, class Watcher>
struct watched {
  using observed_backend = Backend;
  const Backend& inner;
  Watcher& watcher;
};
template <class Backend, class Watcher>
watched(const Backend&, Watcher&) -> watched<Backend, Watcher>;

/// A backend that runs nothing. It calls `watcher.after(operation, ran_on, arguments...)` with the tag whose kernel
/// `Backend` would run, which the types of the arguments say, so that this costs no arithmetic and is known in constant
/// expressions: see model/served.hpp. What values decide is decided by those that stood there before.
template <class Backend, class Watcher>
struct surveyed {
  using surveyed_backend = Backend;
  Watcher& watcher;
};

/// Counts multiply-adds as the operations report them: equal to the constexpr cost formula of the recipe, or
/// less where the tokens decide (capacity, hashing, neurons and inputs that are left out).
struct work_counter {
  std::uint64_t multiply_adds = 0;
  template <class Operation, class Backend, class... Arguments>
  constexpr void after(Operation, ran_on<Backend>, const Arguments&... arguments) {
    multiply_adds += Operation::multiply_adds(arguments...);
  }
};

/// Notes for each operation by name whether a backend of its own served it or the reference.
struct backend_report {
  struct line {
    const char* operation = nullptr;
    const char* backend = nullptr;
    std::uint64_t calls = 0;
  };
  static constexpr extent_t most = 32;
  line lines[most]{};
  extent_t count = 0;

  template <class Operation, class Backend, class... Arguments>
  constexpr void after(Operation, ran_on<Backend>, const Arguments&...) {
    for (extent_t i = 0; i < count; ++i)
      if (lines[i].operation == Operation::name.c_str() && lines[i].backend == Backend::name.c_str()) {
        ++lines[i].calls;
        return;
      }
    if (count < most) lines[count++] = {Operation::name.c_str(), Backend::name.c_str(), 1};
  }
};

LACUNA_END
