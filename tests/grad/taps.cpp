// Gradients of losses on taps, through a whole model, against central differences, f64.
#include "support/gradient_law.hpp"

#include <doctest/doctest.h>

TEST_CASE("gradients of losses on taps") {
  check<recipes::tapped_rows>(61, linear_loss);
  check<recipes::tapped_rows>(62, next_token_loss);
}
TEST_CASE("gradients of losses on taps alone") {
  check<recipes::tapped_rows>(63, [](auto, auto adjoint) {
    adjoint.fill(0);
    return 0.0;
  });
}
