#pragma once
/// A smooth count of what is not zero.

#include <lacuna/train/loss/counts.hpp>

LACUNA_BEGIN

/// The mean over all elements of a^2 / (a^2 + epsilon), between 0 and 1: about the share of activations `(tokens,
/// hidden)` that are not 0. Added to a task's loss it makes activations sparse: see `tapped_activation`.
///
/// `density_penalty{}(activations, adjoint, weight)`: returns it in f64, unweighted, and adds weight * 2 a epsilon /
/// (a^2 + epsilon)^2 / elements to `adjoint`. The gradient is largest at a = sqrt(epsilon / 3), 0 at 0, and gone where
/// a^2 is far from epsilon: with the published 1e-7 only 3e-5 < |a| < 3e-3 feel it. For small models take about
/// (0.05 rms(a))^2. A model's loss is the mean over its layers: give each `weight / layers`. Leave padding out by
/// `slice`; the released code counts it. O(tokens hidden).
///
/// Precondition: as many rows in both views, at least one, epsilon > 0; otherwise the result is NaN and nothing is
/// written. Source: Runwal et al. (2024), "From PEFT to DEFT", arXiv 2402.01911, as in the released code.
struct density_penalty {
  double epsilon = 1e-7;

  template <class Value, extent_t Columns>
  constexpr double operator()(std::type_identity_t<rows<const Value, Columns>> activations,
                              rows<Value, Columns> adjoint, double weight = 1) const {
    if (!detail::counts_agree(activations.count, adjoint) || !(epsilon > 0)) return detail::no_loss;
    const extent_t size = activations.count * Columns;
    const double elements = static_cast<double>(size);
    double total = 0;
    for (extent_t i = 0; i < size; ++i) {
      const double a = static_cast<double>(activations.data[i]), smoothed = a * a + epsilon;
      total += a * a / smoothed;
      adjoint.data[i] = static_cast<Value>(static_cast<double>(adjoint.data[i]) +
                                           weight * 2 * a * epsilon / (smoothed * smoothed) / elements);
    }
    return total / elements;
  }
};

LACUNA_END
