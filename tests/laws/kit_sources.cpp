// The universal checks (support/attention_kit.hpp) on attentions whose keys and values are not tokens alone.
#include "support/attention_kit.hpp"

namespace lc = lacuna;
using namespace attention_kit;

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
