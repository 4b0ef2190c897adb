// Gradients of decoders that a seed composed: see support/sampled_recipes.hpp.
#include "support/sampled_check.hpp"

TEST_CASE("gradients of decoders that nobody chose") {
  static_assert(sampled::decoders::combinations > 10'000'000);
  sampled::check_variants<sampled::decoders, 0, 15>();
}
