// Gradients of all placements of norms and of shared depth against central differences: every parameter, f64.
#include "support/gradient_law.hpp"

#include <doctest/doctest.h>

namespace {
namespace lc = lacuna;

/// Groups, a cycle, an alternating stack.
using groups =
    lc::decoder<lc::vocabulary<11>, lc::width<6>, lc::context<20>,
                lc::repeat<2, lc::shared<2, lc::peri_norm<lc::layer_norm<>, recipes::placed_ffn>>>,
                lc::shared<2, lc::stack<lc::post_norm<lc::rms_norm<>, recipes::placed_attention>,
                                        lc::repeat<2, lc::pre_norm<lc::layer_norm<>, recipes::placed_ffn>>>>,
                lc::repeat<2, lc::stack<lc::pre_norm<lc::rms_norm<>, lc::skip, recipes::placed_ffn>,
                                        lc::parallel<lc::rms_norm<>, recipes::placed_attention, recipes::placed_ffn>>>,
                lc::pre_norm<lc::rms_norm<>, lc::skip>>;

}  // namespace

TEST_CASE("gradients of a model with every placement of norms") {
  check<recipes::placements>(41, linear_loss);
  check<recipes::placements>(42, next_token_loss);
}
TEST_CASE("gradients of adapters and what is behind them") {
  check<recipes::adapters>(46, linear_loss);
  check<recipes::adapters>(47, next_token_loss);
}
TEST_CASE("gradients of blocks that are recomputed") { check<recipes::recomputed_blocks>(45, next_token_loss); }
TEST_CASE("gradients of shared depth in groups and cycles") {
  check<groups>(43, linear_loss);
  check<groups>(44, next_token_loss);
}
