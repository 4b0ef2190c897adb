#pragma once
/// The norm on each sublayer's output alone.

#include <lacuna/block/residual_block.hpp>

LACUNA_BEGIN

namespace recipe_name {
struct output_norm;
}

/// `output_norm<rms_norm<>, attention<...>, ffn<...>>`: y = x + norm(f(x)) for each sublayer f in turn,
/// `(tokens, width) -> (tokens, width)`. Paths: `attention`, `attention_output_norm`, `ffn`, `ffn_output_norm`.
/// Source: Team OLMo (2024), arXiv 2501.00656, "reordered norm", with a norm behind the last block as in its code.
template <class... Policies>
struct output_norm : detail::residual_block<recipe_name::output_norm, residual_fields, Policies...> {
  template <class... New>
  using rebuild = output_norm<New...>;
  /// The sum was never normalised.
  using closing_norm = typename output_norm::norm;
  template <class At>
  using bound =
      typename output_norm::template steps<At, detail::additive_step, detail::norm_places<no_norm, closing_norm>>;
};

LACUNA_END
