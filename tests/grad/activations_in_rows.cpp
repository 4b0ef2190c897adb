// Gradients of activations with parameters and of those that see whole rows, against central differences, f64.
#include "support/gradient_law.hpp"

#include <doctest/doctest.h>

TEST_CASE("gradients of row activations, plain and as gates") {
  check<recipes::rows>(41, linear_loss);
  check<recipes::rows>(42, next_token_loss);
}
