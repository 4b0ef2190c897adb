// The universal checks (support/attention_kit.hpp) on attentions with parts that bring schedules, weights or parameters
// of their own.
#include "support/attention_kit.hpp"

namespace {
namespace lc = lacuna;
using namespace attention_kit;
constexpr bool decided_by_tokens = false;

}  // namespace

TEST_CASE("clusters") {
  check<over<lc::k_means<3>, lc::shared_query_key<lc::shared_form::normalised>, lc::plain_dot>, fast>(
      "k_means", {}, decided_by_tokens);
}
TEST_CASE("features, corrected") {
  using near = lc::both<lc::causal, lc::window<7>>;
  check<over<near, lc::difference<lc::hyperbolic_favor<12>>>, fast>("difference, causal",
                                                                    {.sees = lc::allows<lc::causal>});
  check<over<lc::window<5>, lc::difference<lc::favor<12>>>, fast>("difference, all", {.causal = false});
}
TEST_CASE("values of near tokens") {
  check<over<lc::full, lc::local_enhancement<3>>, fast>("enhanced", {.causal = false, .weights = sum::anything});
}
TEST_CASE("maps made of tokens") {
  check<over<lc::causal, lc::parameter_tokens<10>>, fast>("parameter_tokens", {.sees = lc::allows<lc::causal>});
}
TEST_CASE("clusters of equally many") {
  check<
      over<lc::balanced_k_means<5, lc::members{12}>, lc::shared_query_key<lc::shared_form::normalised>, lc::plain_dot>,
      fast>("balanced_k_means", {.causal = false, .weights = sum::less}, decided_by_tokens);
}
TEST_CASE("rows of two kinds") {
  using near = lc::either<lc::window<7>, lc::columns<lc::listed<0, 21>>>;
  check<over<near, lc::class_projections<lc::listed<0, 21>>>, fast>("two kinds",
                                                                    {.causal = false, .weights = sum::anything});
}
