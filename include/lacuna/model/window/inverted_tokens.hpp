#pragma once
/// One token for each series, in the place of one for each step.

#include <lacuna/format/projection.hpp>
#include <lacuna/model/window/sizes.hpp>
#include <lacuna/op/run.hpp>

LACUNA_BEGIN

namespace recipe_name {
struct inverted_tokens;
}

/// The slots of inverted tokens and their defaults.
using inverted_tokens_fields = fields<field<slots::format, dense>, field<slots::bias, bias>>;

/// Each whole series is a token, h = x W^T + b: `(series, lookback) -> (series, width)`. Attention then finds out which
/// series go together, in series^2 pairs whatever the length of a window; nothing depends on the number or the order of
/// series, so that the parameters serve other series, too. Multiply-adds of the format, lookback * width for each
/// series where it is dense. Paths: `embedding.weight` (or what the format stores), `embedding.bias`. Source: Liu et
/// al. (2024), iTransformer, arXiv 2310.06625, section 3.1.
template <class... Policies>
struct inverted_tokens : recipe<recipe_name::inverted_tokens, inverted_tokens_fields, Policies...> {
  using slot = slots::series_tokens;
  using base = recipe<recipe_name::inverted_tokens, inverted_tokens_fields, Policies...>;
  using parts = type_list<Policies...>;
  template <class... New>
  using rebuild = inverted_tokens<New...>;
  static constexpr auto name = fixed_string("inverted_tokens");

  template <extent_t Series, extent_t Lookback, extent_t Width>
  struct bound : projection<typename base::template get<slots::format>, typename base::template get<slots::bias>, Width,
                            Lookback> {
    static constexpr extent_t tokens = Series;  ///< token i is that of series i
  };
};

LACUNA_END
