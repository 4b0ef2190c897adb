// Gradients of models whose keys are not tokens alone, against central differences: every parameter, f64.
#include "support/gradient_check.hpp"

#include <doctest/doctest.h>

TEST_CASE("gradients of sources: mixed rows, spans, sinks") {
  const auto report = check_gradients<recipes::sources>(61, linear_loss);
  CHECK(report.size() > 5);
  const auto worst = worst_of(report);
  INFO(worst.path << ": largest gradient " << worst.largest << ", relative difference " << worst.difference);
  CHECK(worst.difference <= 1e-6);
}
