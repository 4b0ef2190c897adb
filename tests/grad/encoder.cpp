// Gradients of several sequences in one stream, and of encoders, against central differences: every parameter, f64.
#include "support/gradient_law.hpp"

#include <doctest/doctest.h>

TEST_CASE("gradients of sequences in one stream") {
  check<recipes::packed_sequences>(81, linear_loss);
  check<recipes::packed_sequences>(82, next_token_loss);
}
TEST_CASE("gradients of encoders") {
  check<recipes::mean_encoding>(83, linear_loss);
  check<recipes::first_encoding>(84, linear_loss);
  check<recipes::learned_encoding>(85, linear_loss);
}
