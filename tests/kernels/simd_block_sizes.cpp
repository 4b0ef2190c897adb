// Products of sparse weights on SIMD lanes against the reference: outputs, inputs and strips of every size.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/blocks_comparison.hpp"

#include <lacuna/with_simd.hpp>

namespace {
namespace lc = lacuna;
using namespace blocks_comparison;
constexpr lc::extent_t lanes = lc::simd_lanes::lanes::lane_count;

/// Single entries: as many outputs as `Size`, and the more inputs the fewer outputs.
template <lc::extent_t... Size>
void single_entries() {
  (agree_for_all_tokens<lc::simd, float, anywhere<Size, 2 * lanes + 2 - Size, 1, 1>>(), ...);
}
/// Strips of `Size` outputs, the last one of fewer.
template <lc::extent_t... Size>
void strips() {
  (agree_for_all_tokens<lc::simd, float, anywhere<3 * Size - 1, 5, Size, 1>>(), ...);
}

}  // namespace

TEST_CASE("outputs and inputs of many sizes") {
  single_entries<1, 2, 3, lanes - 1, lanes, lanes + 1, 2 * lanes - 1, 2 * lanes, 2 * lanes + 1>();
}
TEST_CASE("strips of many sizes") { strips<2, 3, 5, lanes - 1, lanes, lanes + 1, 2 * lanes + 1>(); }
#endif
