// Compiled once per instruction set by lacuna_add_dispatch.
#include "dispatched.hpp"
#include "tiny.hpp"

const dispatched_functions& LACUNA_DISPATCHED() {
  static constexpr dispatched_functions of_this_architecture{lc::architecture_name, &tiny_logit};
  return of_this_architecture;
}
