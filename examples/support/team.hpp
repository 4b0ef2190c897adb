#pragma once
// Who shares the parts of a batch: threads where the program was built with them, the caller alone elsewhere.

#include <lacuna/lacuna.hpp>
#if LACUNA_EXAMPLES_HAVE_THREADS
#include <lacuna/with_threads.hpp>
#endif

namespace examples {

#if LACUNA_EXAMPLES_HAVE_THREADS
using team = lacuna::thread_team;
#else
struct team : lacuna::in_turn {
  explicit team(unsigned) {}
};
#endif

}  // namespace examples
