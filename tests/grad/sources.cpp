// Gradients of models whose keys are not tokens alone, against central differences: every parameter, f64.
#include "support/gradient_law.hpp"

#include <doctest/doctest.h>

TEST_CASE("gradients of sources: mixed rows, spans, sinks") {
  check<recipes::sources>(61, linear_loss);
  check<recipes::sources>(62, next_token_loss);
}
