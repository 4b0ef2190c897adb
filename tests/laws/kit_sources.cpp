// The universal checks (support/attention_kit.hpp) on attentions whose keys and values are not tokens alone.
#include "support/attention_kit.hpp"

#if __has_include(<xsimd/xsimd.hpp>)
#include <lacuna/with_simd.hpp>
#endif

namespace {
namespace lc = lacuna;
using attention_kit::check;
using attention_kit::sum;
#if __has_include(<xsimd/xsimd.hpp>)
using fast = lc::simd;
#else
using fast = lc::reference;
#endif

template <class Route, class... Policies>
using over = lc::attention<lc::heads<2>, Route, Policies...>;

}  // namespace

TEST_CASE("mixed rows in the place of tokens") {
  check<over<lc::full, lc::low_rank<6>>, fast>("low_rank", {.causal = false, .weights = sum::anything});
}
TEST_CASE("learned sinks") {
  using local = lc::both<lc::causal, lc::window<9>>;
  check<over<local, lc::learned_sinks<2>, lc::rope<>>, fast>("sinks",
                                                             {.weights = sum::anything, .sees = lc::allows<local>});
}
TEST_CASE("summaries of the past") {
  check<over<lc::causal, lc::summarised<lc::segments<7>>>, fast>("segments", {.sees = lc::allows<lc::causal>});
  check<over<lc::causal, lc::summarised<lc::doubling_blocks>, lc::rope<>>, fast>("doubling blocks",
                                                                                 {.sees = lc::allows<lc::causal>});
}
