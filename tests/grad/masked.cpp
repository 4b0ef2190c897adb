// Gradients of masked weights that are derivatives, against central differences in f64.
#include "support/gradient_law.hpp"

TEST_CASE("gradients of masked weights: of kept entries, and times the share of the rest") {
  for (const std::uint64_t seed : {1u, 5u}) check<recipes::masked>(seed, linear_loss);
}
