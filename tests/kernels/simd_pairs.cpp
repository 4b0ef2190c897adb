// Attention through features pair by pair, and columns convolved over the rows, on SIMD lanes against the reference.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/convolution_comparison.hpp"
#include "support/pairs_comparison.hpp"
#include "support/scan_comparison.hpp"

#include <lacuna/with_simd.hpp>

namespace {
namespace lc = lacuna;

template <class Score, lc::extent_t Heads, lc::extent_t KvHeads, lc::extent_t HeadWidth>
void compare_simd() {
  pairs_tests::compare<lc::simd, float, Score, Heads, KvHeads, HeadWidth>();
}

}  // namespace

TEST_CASE("pairs of random features") {
  compare_simd<lc::favor<5>, 1, 1, 1>();
  compare_simd<lc::favor<37>, 3, 3, 20>();
  compare_simd<lc::hyperbolic_favor<26>, 4, 2, 8>();
}
TEST_CASE("pairs of features without randomness, and of a user's") {
  compare_simd<lc::relu_features, 4, 1, 15>();
  compare_simd<scan_tests::squared_features, 2, 1, 33>();
}
TEST_CASE("convolved columns, all widths") {
  convolution_tests::compare<lc::simd, float, 1>();
  convolution_tests::compare<lc::simd, float, 3>();
  convolution_tests::compare<lc::simd, float, 7>();
}
#endif
