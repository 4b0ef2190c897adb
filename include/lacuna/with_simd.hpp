#pragma once
/// The backend `simd`: operations on lanes (xsimd 8.1 or newer), forward and backward; what it does not serve, the
/// reference does (docs/explain/coverage.md).
///
/// `model<stories, simd>`. Weights are packed once, by `update()`; a packed copy takes as many bytes as the weights.
/// The instruction set is the one that the translation unit is compiled for (-march=native, -mavx2 -mfma, ...).

#include <lacuna/backend/simd/attend.hpp>
#include <lacuna/backend/simd/attend_edges.hpp>
#include <lacuna/backend/simd/convolve_rows.hpp>
#include <lacuna/backend/simd/corrected_scan.hpp>
#include <lacuna/backend/simd/cross_entropy.hpp>
#include <lacuna/backend/simd/dispatch.hpp>
#include <lacuna/backend/simd/drop.hpp>
#include <lacuna/backend/simd/embed.hpp>
#include <lacuna/backend/simd/evaluate.hpp>
#include <lacuna/backend/simd/feature_pairs.hpp>
#include <lacuna/backend/simd/keep_largest.hpp>
#include <lacuna/backend/simd/learn.hpp>
#include <lacuna/backend/simd/mix_rows.hpp>
#include <lacuna/backend/simd/multiply.hpp>
#include <lacuna/backend/simd/multiply_active.hpp>
#include <lacuna/backend/simd/multiply_blocks.hpp>
#include <lacuna/backend/simd/multiply_diagonal.hpp>
#include <lacuna/backend/simd/multiply_quantized.hpp>
#include <lacuna/backend/simd/rotate.hpp>
#include <lacuna/backend/simd/scan.hpp>
#include <lacuna/backend/simd/select.hpp>
#include <lacuna/backend/simd/summarise.hpp>

LACUNA_BEGIN

struct simd_traits : reference_traits {
  static constexpr extent_t lanes = simd_lanes::lanes::lane_count;
  template <class Element, extent_t Outputs, extent_t Inputs>
  using packed = std::conditional_t<same<Element, double>, nothing, simd_lanes::panels<Element, Outputs, Inputs>>;
  template <class Element, extent_t Outputs, extent_t Inputs, extent_t Blocks>
  using packed_diagonal =
      std::conditional_t<same<Element, double>, nothing, simd_lanes::diagonal_panels<Element, Outputs, Inputs, Blocks>>;
  template <class Element, class Pattern>
  using packed_blocks = typename simd_lanes::only_one<decltype(simd_lanes::blocks_form<Element, Pattern>())>::type;
};

LACUNA_END
