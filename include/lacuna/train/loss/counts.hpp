#pragma once
/// What losses say of views that do not belong together.

#include <lacuna/tensor/rows.hpp>

LACUNA_BEGIN

namespace detail {

/// The value of a loss that cannot be evaluated: no number, so that a trainer stops.
inline constexpr double no_loss = __builtin_nan("");

/// Whether there are rows, and as many in each view.
template <class... Views>
constexpr bool counts_agree(extent_t count, const Views&... views) {
  return count > 0 && (true && ... && (views.count == count));
}

}  // namespace detail

LACUNA_END
