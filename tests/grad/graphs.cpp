// Gradients of models that read a graph, against central differences: every parameter, f64.
#include "support/gradient_check.hpp"

#include <doctest/doctest.h>

namespace {

template <class Recipe, class Loss>
void check(std::uint64_t seed, Loss&& loss) {
  const auto report = check_gradients<Recipe>(seed, loss);
  CHECK(report.size() > 5);
  const auto worst = worst_of(report);
  INFO(worst.path << ": largest gradient " << worst.largest << ", relative difference " << worst.difference);
  CHECK(worst.difference <= 1e-6);
}

}  // namespace

TEST_CASE("gradients along the edges of a graph") {
  check<recipes::graphs>(58, linear_loss);
  check<recipes::graphs>(59, next_token_loss);
}
