#pragma once
/// How good a prediction of active neurons is.

#include <lacuna/tensor/active.hpp>

LACUNA_BEGIN

/// Neurons counted over tokens. What is missed changes the output; what is predicted in vain costs time only.
struct prediction_quality {
  std::uint64_t active = 0;
  std::uint64_t predicted = 0;
  std::uint64_t both = 0;

  /// The share of active neurons that were predicted; 1 where none is active.
  constexpr double recall() const noexcept {
    return active == 0 ? 1.0 : static_cast<double>(both) / static_cast<double>(active);
  }
  /// The share of predicted neurons that are active; 1 where none is predicted.
  constexpr double precision() const noexcept {
    return predicted == 0 ? 1.0 : static_cast<double>(both) / static_cast<double>(predicted);
  }
};

/// Predicted against truly active lists of the same tokens: one pass over both. (`op::find_active` makes either from
/// scores or recorded activations.) Source: Liu et al. (2023), "Deja Vu", arXiv 2310.17157, section 4.
template <class Number, class Other, extent_t Columns>
constexpr prediction_quality compare_predictions(active_view<Number, Columns> predicted,
                                                 active_view<Other, Columns> active) noexcept {
  prediction_quality found{active.total(), predicted.total(), 0};
  for (extent_t t = 0; t < active.count && t < predicted.count; ++t)
    for (extent_t i = 0, j = 0; i < predicted.size(t) && j < active.size(t);) {
      const auto left = predicted.list(t)[i], right = active.list(t)[j];
      found.both += left == right ? 1 : 0;
      i += left <= right ? 1 : 0;
      j += right <= left ? 1 : 0;
    }
  return found;
}

LACUNA_END
