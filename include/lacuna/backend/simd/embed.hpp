#pragma once
/// Rows of a table, and the scatter that is its backward, on SIMD lanes.

#include <lacuna/backend/lanes/embed.hpp>
#include <lacuna/backend/simd/lanes.hpp>

LACUNA_BEGIN

namespace operation {

/// y(t) = table(token(t)), tables in f32, bf16 or f16: see `op::embed`.
template <class Element, extent_t Vocabulary, extent_t Columns>
  requires(same<compute_t<Element>, float>)
auto kernel(embed, rows<float, Columns> y, matrix<const Element, Vocabulary, Columns> table, token_view tokens,
            const simd&) {
  by_lanes::embed<simd_lanes::lanes>(y, table, tokens);
  return ran_on<simd>{};
}

/// gradient(token(t)) += dy(t), f32: see `op::embed_backward`.
template <extent_t Vocabulary, extent_t Columns>
auto kernel(embed_backward, matrix<float, Vocabulary, Columns> gradient, rows<const float, Columns> dy,
            token_view tokens, const simd&) {
  by_lanes::embed_backward<simd_lanes::lanes>(gradient, dy, tokens);
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
