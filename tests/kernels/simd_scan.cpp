// Attention through features on SIMD lanes against the reference: maps, head widths, groups of heads, pieces of
// streams.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/scan_comparison.hpp"

#include <lacuna/with_simd.hpp>

namespace {
namespace lc = lacuna;
using namespace scan_tests;

template <class Score, lc::extent_t Heads, lc::extent_t KvHeads, lc::extent_t HeadWidth>
void compare_simd() {
  compare<lc::simd, float, Score, Heads, KvHeads, HeadWidth>();
}

}  // namespace

TEST_CASE("random features") {
  compare_simd<lc::favor<1>, 1, 1, 1>();
  compare_simd<lc::favor<37>, 3, 3, 20>();
  compare_simd<lc::favor<64>, 2, 1, 64>();
}
TEST_CASE("random features with both signs") {
  compare_simd<lc::hyperbolic_favor<26>, 6, 2, 8>();
  compare_simd<lc::hyperbolic_favor<64>, 2, 2, 33>();
}
TEST_CASE("features without randomness, and a map of the user's") {
  compare_simd<lc::relu_features, 8, 1, 15>();
  compare_simd<lc::relu_features, 2, 2, 48>();
  compare_simd<squared_features, 4, 2, 13>();
}
#endif
