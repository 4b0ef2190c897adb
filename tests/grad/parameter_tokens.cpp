// Gradients of maps made of tokens and of local enhancement, against central differences: every parameter, f64.
#include "support/gradient_law.hpp"

#include <doctest/doctest.h>

TEST_CASE("gradients of maps made of tokens") {
  check<recipes::maps_of_tokens>(61, linear_loss);
  check<recipes::maps_of_tokens>(62, next_token_loss);
}
TEST_CASE("gradients of values of near tokens") {
  check<recipes::enhanced>(63, linear_loss);
  check<recipes::enhanced>(64, next_token_loss);
}
