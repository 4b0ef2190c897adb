#pragma once
/// Products of sparse weights on lanes of f32: see backend/lanes/multiply_blocks.hpp.

#include <lacuna/backend/lanes/chosen_rows.hpp>
#include <lacuna/backend/lanes/multiply_blocks.hpp>
#include <lacuna/backend/lanes/multiply_blocks_backward.hpp>
#include <lacuna/backend/lanes/sorted_rows.hpp>
#include <lacuna/backend/simd/gather.hpp>

LACUNA_BEGIN

namespace simd_lanes {

/// Where stretches of inputs begin, beside a weight of narrow strips.
template <class Element, class Pattern>
struct looked_up_stretches {
  by_lanes::stretch_begins<lanes, Element, Pattern> stretches;
  constexpr void pack(const block_matrix<const Element, Pattern>& weight) { stretches.pack(weight); }
};

/// What is derived from a sparse weight, beside it.
template <class Element, class Pattern>
constexpr auto blocks_form() {
  if constexpr (!same<compute_t<Element>, float>) {
    return type_list<nothing>{};
  } else if constexpr (by_lanes::is_grouped<Pattern>) {
    constexpr bool of_four = Pattern::group == 4 && Pattern::block_outputs == 1;
    if constexpr (of_four)
      return type_list<by_lanes::chosen_rows<lanes, Element, Pattern>>{};
    else
      return type_list<nothing>{};
  } else if constexpr (Pattern::block_size == 1) {
    return type_list<by_lanes::sorted_rows<lanes, Element, Pattern>>{};
  } else if constexpr (by_lanes::token_tiling<lanes, Pattern>::stretches > 1) {
    return type_list<looked_up_stretches<Element, Pattern>>{};
  } else {
    return type_list<nothing>{};
  }
}
template <class>
struct only_one;
template <class Form>
struct only_one<type_list<Form>> {
  using type = Form;
};

}  // namespace simd_lanes

namespace operation {

/// y = x W^T, stored blocks in f32, bf16 or f16: see `op::multiply_blocks`.
template <class Element, extent_t Outputs, extent_t Inputs, class Pattern, class Packed>
  requires(same<compute_t<Element>, float>)
auto kernel(multiply_blocks, rows<float, Outputs> y, rows<const float, Inputs> x,
            const block_matrix<const Element, Pattern>& weight, const Packed& packed, const simd&) {
  by_lanes::multiply_blocks<simd_lanes::lanes>(y, x, weight, packed);
  return ran_on<simd>{};
}

/// dx += dy W, stored blocks in f32, bf16 or f16: see `op::multiply_blocks_transposed`.
template <class Element, extent_t Outputs, extent_t Inputs, class Pattern, class Packed>
  requires(same<compute_t<Element>, float> && by_lanes::token_tiling<simd_lanes::lanes, Pattern>::possible)
auto kernel(multiply_blocks_transposed, rows<float, Inputs> dx, rows<const float, Outputs> dy,
            const block_matrix<const Element, Pattern>& weight, const Packed& packed, const simd&) {
  by_lanes::multiply_blocks_transposed<simd_lanes::lanes>(dx, dy, weight, packed);
  return ran_on<simd>{};
}

/// dW += dy^T x at the stored blocks: see `op::accumulate_blocks`.
template <extent_t Outputs, extent_t Inputs, class Pattern>
  requires(by_lanes::token_tiling<simd_lanes::lanes, Pattern>::possible)
auto kernel(accumulate_blocks, const block_matrix<float, Pattern>& gradient, rows<const float, Outputs> dy,
            rows<const float, Inputs> x, const simd&) {
  by_lanes::accumulate_blocks<simd_lanes::lanes>(gradient, dy, x);
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
