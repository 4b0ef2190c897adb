// Losses and optimisers' steps on SIMD lanes against the reference.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/learning_comparison.hpp"

#include <lacuna/with_simd.hpp>

using namespace learning_tests;

TEST_CASE("steps on all lengths, wherever they begin") {
  for (std::size_t size = 0; size < 2 * lc::simd_lanes::lanes::lane_count + 2; ++size)
    for (const std::size_t shift : {0u, 1u, 5u}) compare_flat<lc::simd, float>(size, shift);
  compare_flat<lc::simd, float>(1000, 0);
}
TEST_CASE("the same elements are left out, whatever the length and the key") {
  constexpr std::size_t lanes = lc::simd_lanes::lanes::lane_count;
  const lc::drop_key keys[]{{7, 3, 2, 6554},
                            {0x123456789abcdef0, 0xfedcba9876543210, 0x87654321, 32768},
                            {1, 0, 0, 65535},
                            {~std::uint64_t{0}, 5, 1, 1},
                            {2, 2, 2, 0},
                            {3, 2, 1, 65536}};
  for (const auto& key : keys) {
    for (std::size_t size = 0; size < 2 * lanes + 2; ++size) compare_drop<lc::simd, float>(size, size % 3, key);
    for (const std::size_t size : {8 * lanes - 1, 8 * lanes, 8 * lanes + 1, 40 * lanes + 5, std::size_t{20000}})
      compare_drop<lc::simd, float>(size, 1, key);
  }
}
TEST_CASE("cross-entropy of all vocabularies around the lanes") {
  compare_vocabularies<lc::simd, float>(std::make_index_sequence<2 * lc::simd_lanes::lanes::lane_count + 1>{});
  compare_cross_entropy<lc::simd, float, 65>();
  compare_cross_entropy<lc::simd, float, 1031>();
}
TEST_CASE("they are overridden, f64 is not") {
  using numbers = lc::rows<float, 1>;
  using constants = lc::rows<const float, 1>;
  static_assert(lc::overridden<lc::operation::adam_step, lc::simd, numbers, constants, numbers, numbers,
                               lc::adam_numbers<float>>);
  static_assert(
      lc::overridden<lc::operation::momentum_step, lc::simd, numbers, constants, numbers, lc::momentum_numbers<float>>);
  static_assert(
      lc::overridden<lc::operation::drop, lc::simd, lc::rows<float, 9>, lc::rows<const float, 9>, lc::drop_key>);
  static_assert(lc::overridden<lc::operation::cross_entropy, lc::simd, lc::rows<double, 1>, lc::rows<float, 9>,
                               lc::rows<const float, 9>, lc::token_view, double>);
  static_assert(!lc::overridden<lc::operation::cross_entropy, lc::simd, lc::rows<double, 1>, lc::rows<double, 9>,
                                lc::rows<const double, 9>, lc::token_view, double>);
}
#endif
