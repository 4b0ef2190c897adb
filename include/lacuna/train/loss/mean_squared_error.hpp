#pragma once
/// The mean squared error.

#include <lacuna/train/loss/counts.hpp>

LACUNA_BEGIN

/// The mean over all elements of (predicted - target)^2, both `(tokens, columns)`.
///
/// Returns it in f64, unweighted, and adds weight * 2 (predicted - target) / elements to `adjoint`; the target gets no
/// gradient. O(tokens columns). Precondition: as many rows in all views, at least one; otherwise the result is NaN and
/// nothing is written.
template <class Value, extent_t Columns>
constexpr double mean_squared_error(std::type_identity_t<rows<const Value, Columns>> predicted,
                                    std::type_identity_t<rows<const Value, Columns>> target,
                                    rows<Value, Columns> adjoint, double weight = 1) {
  if (!detail::counts_agree(predicted.count, target, adjoint)) return detail::no_loss;
  const extent_t size = predicted.count * Columns;
  const double elements = static_cast<double>(size);
  double total = 0;
  for (extent_t i = 0; i < size; ++i) {
    const double difference = static_cast<double>(predicted.data[i]) - static_cast<double>(target.data[i]);
    total += difference * difference;
    adjoint.data[i] = static_cast<Value>(static_cast<double>(adjoint.data[i]) + weight * 2 * difference / elements);
  }
  return total / elements;
}

LACUNA_END
