// Gradients of models that read a graph, against central differences: every parameter, f64.
#include "support/gradient_law.hpp"

#include <doctest/doctest.h>

TEST_CASE("gradients along the edges of a graph") {
  check<recipes::graphs>(58, linear_loss);
  check<recipes::graphs>(59, next_token_loss);
}
