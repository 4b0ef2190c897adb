// Gradients of mixtures of experts and of their losses, against central differences, f64.
#include "support/gradient_law.hpp"

#include <doctest/doctest.h>

namespace {

/// No adjoint of the logits: what is left are the losses of the recipe.
const auto no_loss = [](auto, auto adjoint) {
  adjoint.fill(0);
  return 0.0;
};

}  // namespace

TEST_CASE("gradients of mixtures of experts") {
  check<recipes::mixtures>(51, linear_loss);
  check<recipes::mixtures>(52, next_token_loss);
}
TEST_CASE("gradients of the losses of mixtures alone") {
  const auto report = check_gradients<recipes::mixtures>(53, no_loss);
  double router = 0;
  for (const auto& of : report) {
    INFO(of.path);
    CHECK(of.difference <= 1e-7);
    if (of.path == "blocks.0.mixture.router.weight") router = of.largest;
  }
  CHECK(router > 1e-2);
}
