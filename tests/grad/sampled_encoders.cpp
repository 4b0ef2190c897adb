// Gradients of encoders that a seed composed, each of several sequences in one stream.
#include "support/sampled_check.hpp"

TEST_CASE("gradients of encoders that nobody chose") {
  static_assert(sampled::encoders::size == 12);
  sampled::check_variants<sampled::encoders, 0, 12>();
}
