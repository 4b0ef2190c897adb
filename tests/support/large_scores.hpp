#pragma once
/// Scores so large that the logarithm of a sum vanishes beside them.

#include <doctest/doctest.h>
#include <lacuna/lacuna.hpp>

namespace large_scores {
namespace lc = lacuna;

/// Keys of one score share a row's weight evenly, whatever the score is: under a softmax that is computed in two passes
/// and clips nothing, in f32.
template <class Backend>
void check_even_shares(const Backend& backend) {
  constexpr lc::extent_t tokens = 21, width = 16;
  using address = lc::linear_cache::address;
  lc::tensor<float, tokens, width> query, key, value, mixed;
  lc::tensor<float, tokens, 1> kept;
  lc::tensor<float, lc::blocks_of(tokens), width, lc::block_keys> keys, values;
  static lc::shared_plan<lc::causal, tokens, tokens> plan;
  plan.prepare(0, tokens);
  const lc::score_rule<lc::clipped_softmax<lc::stretch{0, 1}>, lc::no_score_bias, float> rule{1};
  for (const float score : {35.0f, 3.5e3f, 3.5e5f, 3.5e8f}) {
    for (lc::extent_t i = 0; i < tokens * width; ++i) {
      query[i] = i % width == 0 ? score : 0.0f;
      key[i] = 1;
      value[i] = static_cast<float>(i % 7);
    }
    lc::op::append(lc::cache_view<float, 1, width, address>{keys.data, values.data, {}}, key.view(), value.view(), 0,
                   backend);
    lc::op::attend(mixed.view(), kept.view(), query.view(),
                   lc::cache_view<const float, 1, width, address>{keys.data, values.data, {}}, plan.view(), rule,
                   backend);
    double sums[width]{};
    for (lc::extent_t t = 0; t < tokens; ++t)
      for (lc::extent_t c = 0; c < width; ++c) {
        sums[c] += static_cast<double>(value[t * width + c]);
        CHECK(static_cast<double>(mixed[t * width + c]) ==
              doctest::Approx(sums[c] / static_cast<double>(t + 1)).epsilon(2e-6).scale(1));
      }
  }
}

}  // namespace large_scores
