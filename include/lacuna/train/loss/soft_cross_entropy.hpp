#pragma once
/// The cross-entropy to targets that are distributions.

#include <lacuna/train/loss/temperature.hpp>

LACUNA_BEGIN

/// T^2 times the mean over tokens of -sum over i of p(i) log q(i), with q = softmax(logits / T): the loss of a student
/// that learns from distributions p, such as a teacher's `soften`ed logits or the truth of a known source.
///
/// `soft_cross_entropy{}(logits, probabilities, adjoint, weight)`: returns the loss in nats, f64, unweighted, and adds
/// weight * T (q - p) / tokens to `adjoint`; all `(tokens, classes)`. The factor T^2 keeps gradients as large as they
/// are at T = 1, where logits are small against T (Hinton et al.); divide `weight` by it to be without. A distribution
/// that sums to another number than 1 is taken as it is, and q in the gradient times that number. O(tokens classes).
///
/// The loss is that of `kl_divergence` plus T^2 times the mean entropy of p. Precondition: as many rows in all views,
/// at least one; otherwise the result is NaN and nothing is written. What is NaN in a row gives NaN.
/// Source: Hinton, Vinyals and Dean (2015), arXiv 1503.02531, section 2; without hard labels as in Turc et al. (2019),
/// "Well-read students learn better", arXiv 1908.08962.
struct soft_cross_entropy {
  double temperature = 1;

  template <class Value, extent_t Classes>
  constexpr double operator()(std::type_identity_t<rows<const Value, Classes>> logits,
                              std::type_identity_t<rows<const Value, Classes>> probabilities,
                              rows<Value, Classes> adjoint, double weight = 1) const {
    if (!detail::counts_agree(logits.count, probabilities, adjoint)) return detail::no_loss;
    const double tokens = static_cast<double>(logits.count);
    const double slope = weight * temperature / tokens;
    double total = 0;
    for (extent_t t = 0; t < logits.count; ++t) {
      const double scale = detail::tempered_log_sum_exp(logits.row(t), Classes, temperature);
      double mass = 0, row = 0;
      for (extent_t i = 0; i < Classes; ++i) {
        const double p = static_cast<double>(probabilities(t, i));
        mass += p;
        // What has no weight counts nothing, even where log q is infinite.
        if (p != 0) row += p * (scale - static_cast<double>(logits(t, i)) / temperature);
      }
      total += row;
      for (extent_t i = 0; i < Classes; ++i) {
        const double q = maths::exp(static_cast<double>(logits(t, i)) / temperature - scale);
        const double difference = mass * q - static_cast<double>(probabilities(t, i));
        adjoint(t, i) = static_cast<Value>(static_cast<double>(adjoint(t, i)) + slope * difference);
      }
    }
    return temperature * temperature * total / tokens;
  }
};

LACUNA_END
