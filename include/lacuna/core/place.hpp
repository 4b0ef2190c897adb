#pragma once
/// Where a component stands in a model.

#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

/// Columns of the input and output, and the longest stream. Recipes are bound to a place; users never write widths.
template <extent_t Width, extent_t Context>
struct place {
  static constexpr extent_t width = Width;
  static constexpr extent_t context = Context;
};

namespace slots {
/// What stands inside a residual block: `attention<...>`, `ffn<...>`, or a component of your own.
struct sublayer {
  using stand_in = nothing;
};
/// What decoders, `repeat` and `stack` hold: `pre_norm<...>`, `post_norm<...>`, `repeat<...>`, `stack<...>`.
struct block {
  using stand_in = nothing;
};
}  // namespace slots

LACUNA_END
