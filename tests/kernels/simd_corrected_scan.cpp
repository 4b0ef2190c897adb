// Features with exact scores in their place on SIMD lanes against the reference: maps, head widths, groups of heads,
// pieces of streams, rows that see nothing, numbers that are none.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/corrected_comparison.hpp"
#include "support/scan_comparison.hpp"

#include <lacuna/with_simd.hpp>

namespace {
namespace lc = lacuna;

template <class Score, lc::extent_t Heads, lc::extent_t KvHeads, lc::extent_t HeadWidth>
void compare_simd(bool is_bounded = true) {
  corrected_tests::compare<lc::simd, float, Score, Heads, KvHeads, HeadWidth>(is_bounded);
}

}  // namespace

TEST_CASE("random features, corrected") {
  compare_simd<lc::favor<5>, 1, 1, 1>();
  compare_simd<lc::favor<37>, 3, 3, 20>();
  compare_simd<lc::hyperbolic_favor<26>, 4, 2, 8>();
}
TEST_CASE("features without randomness, and a map of the user's, corrected") {
  compare_simd<lc::relu_features, 4, 1, 15>();
  compare_simd<scan_tests::squared_features, 2, 1, 33>(false);
}
#endif
