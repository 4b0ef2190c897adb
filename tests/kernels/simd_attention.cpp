// Attention on SIMD lanes against the reference: routes, places in the stream, biases, extreme scores.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/attention_comparison.hpp"

#include <lacuna/with_simd.hpp>
#include <limits>

namespace {
namespace lc = lacuna;
using namespace attention_tests;

template <class Route, class Normaliser, class Bias, lc::extent_t Heads, lc::extent_t KvHeads, lc::extent_t HeadWidth>
void compare_simd() {
  compare<lc::simd, float, Route, Normaliser, Bias, Heads, KvHeads, HeadWidth>();
}

}  // namespace

TEST_CASE("routes") {
  using lc::causal;
  using none = lc::no_score_bias;
  compare_simd<causal, lc::softmax, none, 2, 2, 8>();
  compare_simd<lc::full, lc::softmax, none, 4, 2, 16>();
  compare_simd<lc::both<causal, lc::window<20>>, lc::softmax, none, 2, 1, 24>();
  compare_simd<lc::window<5>, lc::softmax, none, 1, 1, 32>();
  compare_simd<with_gaps, lc::softmax, none, 2, 2, 8>();
  compare_simd<with_gaps, lc::softmax, none, 3, 1, 20>();
}
TEST_CASE("biases and bent scores") {
  compare_simd<lc::causal, lc::softmax, falling_bias, 4, 2, 8>();
  compare_simd<lc::full, soft_cap, falling_bias, 2, 2, 24>();
  compare_simd<lc::causal, soft_cap, lc::no_score_bias, 2, 1, 16>();
  compare_simd<lc::causal, soft_cap_by_lanes, lc::no_score_bias, 2, 1, 16>();
}
TEST_CASE("extreme scores: no overflow, weights below e^-64 are 0, not-a-number shows") {
  auto of = std::make_unique<comparison<lc::simd, float, lc::causal, lc::softmax, lc::no_score_bias, 2, 1, 8>>();
  for (auto& x : of->query.data) x *= 300;
  // Such scores are rounded to more than the adjoints' tolerance.
  of->check(0, 40, false);
  of->check(200, 1, false);
  of->query[3] = std::nanf("");
  of->plan.prepare(0, 9);
  const comparison<lc::simd, float, lc::causal, lc::softmax, lc::no_score_bias, 2, 1, 8>::readable cache{
      of->keys.data, of->values.data, {}};
  lc::op::attend(of->found.first(9), of->found_scale.first(9), of->query.first(9), cache, of->plan.view(),
                 lc::score_rule<lc::softmax, lc::no_score_bias, float>{0.5f}, lc::simd{});
  CHECK(std::isnan(of->found[0]));
  CHECK(!std::isnan(of->found[16]));
}
TEST_CASE("a head whose hidden values are no numbers is computed again, and no other") {
  using type = comparison<lc::simd, float, lc::causal, lc::softmax, lc::no_score_bias, 2, 2, 16>;
  auto of = std::make_unique<type>();
  const lc::extent_t tokens = 9;  // a tile of rows, and a single one
  of->plan.prepare(0, tokens);
  const typename type::readable cache{of->keys.data, of->values.data, {}};
  const auto attend = [&] {
    lc::op::attend(of->found.first(tokens), of->found_scale.first(tokens), of->query.first(tokens), cache,
                   of->plan.view(), lc::score_rule<lc::softmax, lc::no_score_bias, float>{0.25f}, lc::simd{});
  };
  attend();
  const auto before = of->found;
  const auto scale_before = of->found_scale;
  of->values[12 * 16 + 5] = std::numeric_limits<float>::infinity();  // of head 0, behind the last row
  attend();
  for (lc::extent_t i = 0; i < tokens * 32; ++i) {
    REQUIRE(of->found[i] == doctest::Approx(before[i]).epsilon(1e-5));
    if (i % 32 >= 16 && i < 8 * 32) REQUIRE(of->found[i] == before[i]);
  }
  for (lc::extent_t i = 0; i < tokens * 2; ++i)
    REQUIRE(of->found_scale[i] == doctest::Approx(scale_before[i]).epsilon(1e-5));
}
#endif
