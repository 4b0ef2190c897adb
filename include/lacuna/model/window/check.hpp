#pragma once
/// What is asked of a window at run time.

#include <lacuna/core/error.hpp>
#include <lacuna/core/maths.hpp>
#include <lacuna/tensor/rows.hpp>

LACUNA_BEGIN

namespace detail {

/// Error: another number of steps than the lookback.
constexpr status check_steps(extent_t steps, extent_t lookback) {
  if (steps != lookback)
    return error(error_kind::length, "lacuna::predict: expected a window of ")
           << std::uint64_t{lookback} << " steps, found " << std::uint64_t{steps}
           << " (give as many steps as lookback<N> says)";
  return nothing{};
}
/// Errors: that, a number that is not finite.
template <class Value, extent_t Columns>
constexpr status check_window(rows<const Value, Columns> window, extent_t lookback) {
  if (auto fine = check_steps(window.count, lookback); !fine.ok()) return fine;
  for (extent_t t = 0; t < window.count; ++t)
    for (extent_t c = 0; c < Columns; ++c)
      if (!maths::is_finite(window(t, c)))
        return error(error_kind::value, "lacuna::predict: step ")
               << std::uint64_t{t} << ", column " << std::uint64_t{c} << ": expected a finite number, found "
               << (maths::is_nan(window(t, c)) ? "NaN" : "infinity") << " (fill what is missing in the series)";
  return nothing{};
}

}  // namespace detail

LACUNA_END
