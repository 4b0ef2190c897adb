// Gradients through features that are corrected on some keys, of rows of two kinds and of branches, against central
// differences: every parameter, f64.
#include "support/gradient_law.hpp"

#include <doctest/doctest.h>

TEST_CASE("gradients of rows of two kinds") {
  check<recipes::row_classes>(60, linear_loss);
  check<recipes::row_classes>(61, next_token_loss);
}
TEST_CASE("gradients of branches") {
  check<recipes::branched>(62, linear_loss);
  check<recipes::branched>(63, next_token_loss);
}
TEST_CASE("gradients through corrected features") {
  check<recipes::corrected>(58, linear_loss);
  check<recipes::corrected>(59, next_token_loss);
}
