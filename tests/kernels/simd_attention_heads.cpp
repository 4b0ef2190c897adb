// Attention on SIMD lanes against the reference: head widths and grouped heads.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/attention_comparison.hpp"

#include <lacuna/with_simd.hpp>

namespace {
namespace lc = lacuna;
using namespace attention_tests;

template <class Route, class Normaliser, class Bias, lc::extent_t Heads, lc::extent_t KvHeads, lc::extent_t HeadWidth>
void compare_simd() {
  compare<lc::simd, float, Route, Normaliser, Bias, Heads, KvHeads, HeadWidth>();
}

}  // namespace

TEST_CASE("head widths and groups of heads") {
  using none = lc::no_score_bias;
  compare_simd<lc::causal, lc::softmax, none, 1, 1, 1>();
  compare_simd<lc::causal, lc::softmax, none, 6, 2, 4>();
  compare_simd<lc::causal, lc::softmax, none, 8, 4, 8>();
  compare_simd<lc::causal, lc::softmax, none, 8, 1, 8>();
  compare_simd<lc::causal, lc::softmax, none, 2, 2, 15>();
  compare_simd<lc::causal, lc::softmax, none, 11, 1, 17>();
  compare_simd<lc::causal, lc::softmax, none, 6, 6, 48>();
  compare_simd<lc::causal, lc::softmax, none, 6, 2, 64>();
  compare_simd<lc::causal, lc::softmax, none, 3, 3, 80>();
}
TEST_CASE("many wide heads") { compare_simd<lc::causal, lc::softmax, lc::no_score_bias, 16, 1, 128>(); }
#endif
