// Gradients of models whose positions have no parameters, against central differences: every parameter, f64.
#include "support/gradient_law.hpp"

#include <doctest/doctest.h>

namespace {
namespace lc = lacuna;

using with_alibi = lc::substitute<recipes::llama, lc::rope<>, lc::alibi>;
/// Both policies, heads that are no power of two, a route that sees ahead, an odd width.
using with_both = lc::decoder<
    lc::vocabulary<11>, lc::width<9>, lc::context<20>, lc::sinusoidal<lc::theta{100.f}>,
    lc::repeat<2, lc::pre_norm<lc::layer_norm<>, lc::attention<lc::heads<3>, lc::alibi, lc::window<4>, lc::bias>,
                               lc::ffn<lc::hidden<7>, lc::gelu>>>,
    lc::linear_head<>>;
using with_sinusoidal = lc::substitute<recipes::gpt, lc::learned_position, lc::sinusoidal<>>;

}  // namespace

TEST_CASE("gradients of a model with alibi") {
  check<with_alibi>(31, linear_loss);
  check<with_alibi>(32, next_token_loss);
}
TEST_CASE("gradients of a model with sinusoidal positions") {
  check<with_sinusoidal>(33, linear_loss);
  check<with_sinusoidal>(34, next_token_loss);
}
TEST_CASE("gradients of a model with both, in both directions") { check<with_both>(35, linear_loss); }
