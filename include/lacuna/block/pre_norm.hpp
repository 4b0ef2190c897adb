#pragma once
/// The norm before each sublayer.

#include <lacuna/block/residual_block.hpp>

LACUNA_BEGIN

namespace recipe_name {
struct pre_norm;
}

/// `pre_norm<rms_norm<>, attention<...>, ffn<...>>`: y = x + f(norm(x)) for each sublayer f in turn,
/// `(tokens, width) -> (tokens, width)`. Paths: `attention_norm`, `attention`, `ffn_norm`, `ffn`.
/// Source: Xiong et al. (2020), arXiv 2002.04745.
template <class... Policies>
struct pre_norm : detail::residual_block<recipe_name::pre_norm, residual_fields, Policies...> {
  template <class... New>
  using rebuild = pre_norm<New...>;
  /// What a decoder puts behind the last block: the sum was never normalised.
  using closing_norm = typename pre_norm::norm;
  template <class At>
  using bound =
      typename pre_norm::template steps<At, detail::additive_step, detail::norm_places<closing_norm, no_norm>>;
};

LACUNA_END
