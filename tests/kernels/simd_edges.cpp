// Attention along edges on SIMD lanes against the reference: rows of all numbers of edges, head widths, normalisers.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/edges_comparison.hpp"

#include <lacuna/with_simd.hpp>

namespace {
namespace lc = lacuna;

template <class Normaliser, lc::extent_t Heads, lc::extent_t KvHeads, lc::extent_t HeadWidth>
void compare_simd() {
  edge_tests::compare<lc::simd, float, Normaliser, Heads, KvHeads, HeadWidth>();
}

}  // namespace

TEST_CASE("edges, all widths of heads") {
  compare_simd<lc::softmax, 1, 1, 1>();
  compare_simd<lc::softmax, 4, 2, 5>();
  compare_simd<lc::softmax, 2, 2, 8>();
  compare_simd<lc::softmax, 2, 1, 16>();
  compare_simd<lc::softmax, 3, 1, 33>();
}
TEST_CASE("edges, other normalisers") {
  compare_simd<lc::softmax1, 2, 1, 12>();
  compare_simd<lc::clamped_softmax<lc::score_limit{0.3f}>, 2, 2, 7>();
  compare_simd<edge_tests::soft_cap, 2, 1, 20>();
}
#endif
