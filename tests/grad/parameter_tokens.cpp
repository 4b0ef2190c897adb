// Gradients of maps made of tokens and of local enhancement, against central differences: every parameter, f64.
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

TEST_CASE("gradients of maps made of tokens") {
  check<recipes::maps_of_tokens>(61, linear_loss);
  check<recipes::maps_of_tokens>(62, next_token_loss);
}
TEST_CASE("gradients of values of near tokens") {
  check<recipes::enhanced>(63, linear_loss);
  check<recipes::enhanced>(64, next_token_loss);
}
