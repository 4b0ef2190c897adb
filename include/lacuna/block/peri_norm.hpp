#pragma once
/// A norm on both sides of each sublayer.

#include <lacuna/block/norm_choices.hpp>
#include <lacuna/block/residual_block.hpp>

LACUNA_BEGIN

namespace recipe_name {
struct peri_norm;
}

/// The slots of a peri-norm block and their defaults.
using peri_norm_fields =
    fields<field<slots::norm, must>, field<slots::output_norm, like<slots::norm>>, many<slots::sublayer>>;

/// `peri_norm<rms_norm<>, attention<...>, ffn<...>>`: y = x + norm_out(f(norm_in(x))) for each sublayer f in turn,
/// `(tokens, width) -> (tokens, width)`.
///
/// The two norms have gains of their own and are of one kind, unless `on_output<...>` says otherwise. With RMSNorm
/// behind it, a sublayer adds at most the largest gain to the root mean square of a token. Costs one more pass over the
/// stream per sublayer than `pre_norm`. Paths: `attention_norm`, `attention`, `attention_output_norm`, `ffn_norm`, ...
/// Source: Kim et al. (2025), arXiv 2502.02732, "Peri-LN"; first as "Sandwich-LN" by Ding et al. (2021), arXiv
/// 2105.13290. Gemma 2 has it, too (arXiv 2408.00118); its files hold gains less 1.
template <class... Policies>
struct peri_norm : detail::residual_block<recipe_name::peri_norm, peri_norm_fields, Policies...> {
  template <class... New>
  using rebuild = peri_norm<New...>;
  /// The sum was never normalised.
  using closing_norm = typename peri_norm::norm;
  using output_norm = typename detail::output_norm_of<typename peri_norm::base::template get<slots::output_norm>>::type;
  template <class At>
  using bound =
      typename peri_norm::template steps<At, detail::additive_step, detail::norm_places<closing_norm, output_norm>>;
};

/// The older name of `peri_norm`: the same type.
template <class... Policies>
using sandwich_norm = peri_norm<Policies...>;

LACUNA_END
