// Composed weight formats on lanes against the reference, forward and backward.
#if __has_include(<xsimd/xsimd.hpp>)
#include <doctest/doctest.h>

#include <lacuna/with_simd.hpp>

#include "support/format_rig.hpp"
#include "support/worse.hpp"

namespace {
using namespace formats;

template <class Rows>
double largest_difference(const Rows& a, const Rows& b) {
  double most = 0, size = 0;
  for (extent_t i = 0; i < a.size; ++i) {
    most = worse(most, std::fabs(a[i] - b[i]));
    size = std::max(size, static_cast<double>(std::fabs(b[i])));
  }
  CHECK(size > 0);
  return most / size;
}
template <class Format, extent_t Outputs, extent_t Inputs, extent_t Tokens>
void agrees() {
  INFO(Format::name.c_str());
  rig<Format, Outputs, Inputs, float, lc::reference, lc::keep, Tokens> expected;
  rig<Format, Outputs, Inputs, float, lc::simd, lc::keep, Tokens> found;
  expected.forward(), found.forward();
  CHECK(largest_difference(found.parts->y, expected.parts->y) <= 2e-6);
  expected.backward(), found.backward();
  CHECK(largest_difference(found.parts->dx, expected.parts->dx) <= 2e-6);
  lc::visit_tensors(
      [&](const auto& mine, const auto& other) { CHECK(largest_difference(mine, other) <= 5e-6); },
      found.parts->gradients, expected.parts->gradients);
  // One token, on the path of decoding.
  found.forward(0, 1);
  expected.forward(0, 1);
  CHECK(largest_difference(found.parts->y, expected.parts->y) <= 2e-6);
}

template <extent_t Blocks, extent_t Outputs, extent_t Inputs>
inline constexpr bool diagonal_is_overridden =
    lc::overridden<lc::operation::multiply_diagonal, lc::simd, lc::rows<float, Outputs>, lc::rows<const float, Inputs>,
                   lc::diagonal_matrix<const float, Outputs, Inputs, Blocks>,
                   lc::simd_traits::packed_diagonal<float, Outputs, Inputs, Blocks>>;
static_assert(diagonal_is_overridden<4, 72, 20>);

}  // namespace

TEST_CASE("block-diagonal products on lanes, blocks of all widths") {
  agrees<lc::block_diagonal<2>, 2, 6, 1>();
  agrees<lc::block_diagonal<3>, 21, 15, 2>();
  agrees<lc::block_diagonal<2>, 34, 66, 7>();
  agrees<lc::block_diagonal<4>, 72, 20, 13>();
  agrees<lc::block_diagonal<1>, 131, 33, 5>();
}

TEST_CASE("compositions on lanes") {
  agrees<lc::product<lc::dense, lc::dense, lc::inner<12>>, 70, 44, 9>();
  agrees<lc::block_dense<4, lc::inner<16>>, 36, 40, 7>();
  agrees<lc::monarch<4, lc::inner<32>>, 72, 40, 7>();
  agrees<lc::sum<lc::csr<lc::density{0.2}>, lc::product<lc::dense, lc::dense, lc::inner<4>>>, 40, 56, 6>();
  agrees<lc::permuted<lc::blocked<8, 1, lc::density{0.4}>, lc::ordered>, 40, 24, 9>();
  agrees<lc::tiled<lc::grid<2, 2>, lc::dense, lc::csr<lc::density{0.2}>, lc::n_m<2, 4>, lc::dense>, 48, 32, 5>();
  agrees<lc::masked<lc::n_m<2, 4>>, 40, 24, 9>();
  agrees<lc::cached<lc::monarch<2>, 4>, 24, 24, 9>();
}
#endif
