// Gradients of regressors against central differences: every parameter and the window itself, f64.
#include "support/gradient_law.hpp"

#include <doctest/doctest.h>

namespace {

/// The mean of squares from a target that depends on place.
const auto squares = [](auto forecast, auto adjoint) {
  double sum = 0;
  for (std::size_t i = 0; i < forecast.count * forecast.columns; ++i) {
    const double off = forecast.data[i] - lacuna::random_normal(9, 3, i);
    adjoint.data[i] = 2 * off;
    sum += off * off;
  }
  return sum;
};

}  // namespace

TEST_CASE("gradients of regressors") {
  check<recipes::inverted>(91, linear_loss);
  check<recipes::inverted>(92, squares);
  check<recipes::inverted_plain>(93, linear_loss);
}
