// The universal checks (support/attention_kit.hpp) on what belongs to a row: normalisers, gates, shared projections;
// and on routes that queries and keys decide, and feature maps.
#include "support/attention_kit.hpp"

namespace {
namespace lc = lacuna;
using namespace attention_kit;
constexpr bool decided_by_tokens = false;

}  // namespace

TEST_CASE("normalisers") {
  check<over<lc::causal, lc::softmax1>, fast>("softmax1", {.weights = sum::less, .sees = lc::allows<lc::causal>});
  check<over<lc::causal, lc::clamped_softmax<lc::score_limit{0.6f}>>, fast>("clamped",
                                                                            {.sees = lc::allows<lc::causal>});
  using clipped = lc::clipped_softmax<lc::stretch{-0.01f, 1.0f}>;
  check<over<lc::causal, clipped>, fast>("clipped", {.weights = sum::less, .sees = lc::allows<lc::causal>});
  check<over<lc::causal, lc::l2_gelu<>>, fast>("l2_gelu", {.weights = sum::anything, .sees = lc::allows<lc::causal>});
}
TEST_CASE("gates, shared queries and keys") {
  check<over<lc::causal, lc::sigmoid_gate<>>, fast>("gate", {.weights = sum::less, .sees = lc::allows<lc::causal>});
  check<over<lc::causal, lc::shared_query_key<>, lc::plain_dot_to_others>, fast>("shared",
                                                                                 {.sees = lc::allows<lc::causal>});
}
TEST_CASE("routes that tokens decide") {
  check<over<lc::top_k<6>>, fast>("top_k", {}, decided_by_tokens);
  check<over<lc::lsh<lc::hashing{.rounds = 2, .buckets = 4, .chunk = 8}, lc::full>, lc::shared_query_key<>>, fast>(
      "lsh", {.causal = false}, decided_by_tokens);
  check<over<lc::bi_level<10, lc::kept_regions{2}>, lc::dot_by_width>, fast>("bi_level", {.causal = false},
                                                                             decided_by_tokens);
}
TEST_CASE("feature maps") {
  check<over<lc::causal, lc::favor<12>>, fast>("favor", {.sees = lc::allows<lc::causal>});
  check<over<lc::full, lc::hyperbolic_favor<12>>, fast>("hyperbolic", {.causal = false, .ordered = false});
  using near = lc::both<lc::causal, lc::window<9>>;
  check<over<near, lc::favor<12>>, fast>("favor in a window", {.sees = lc::allows<near>});
  check<over<lc::causal, lc::relu_features>, fast>("relu", {.sees = lc::allows<lc::causal>});
}
