// Gradients of more decoders that a seed composed, in a file of its own for the compiler's sake.
#include "support/sampled_check.hpp"

TEST_CASE("gradients of more decoders that nobody chose") {
  static_assert(sampled::decoders::size == 30);
  sampled::check_variants<sampled::decoders, 15, 15>();
}
