// Gradients of models with every member of the attention family, against central differences: every parameter, f64.
#include "support/gradient_law.hpp"

#include <doctest/doctest.h>

TEST_CASE("gradients with every normaliser") {
  check<recipes::normalisers>(51, linear_loss);
  check<recipes::normalisers>(52, next_token_loss);
}
TEST_CASE("gradients with gates and other scores") { check<recipes::gates>(53, linear_loss); }
TEST_CASE("gradients through feature maps") {
  check<recipes::features>(54, linear_loss);
  check<recipes::features>(55, next_token_loss);
}
TEST_CASE("gradients of routes that queries and keys decide") { check<recipes::dynamic>(56, linear_loss); }
TEST_CASE("gradients of shared queries and keys") { check<recipes::shared_projections>(57, linear_loss); }
