#pragma once
/// The divergence of a student's distribution from its teacher's.

#include <lacuna/train/loss/temperature.hpp>

LACUNA_BEGIN

/// T^2 times the mean over tokens of KL(p || q) = sum over i of p(i) (log p(i) - log q(i)), with p =
/// softmax(teacher_logits / T) and q = softmax(logits / T): distillation. 0 where both say the same.
///
/// `kl_divergence{}(logits, teacher_logits, adjoint, weight)`: returns the loss in nats, f64, unweighted, and adds
/// weight * T (q - p) / tokens to `adjoint`, the gradient of `soft_cross_entropy`; all `(tokens, classes)`. The teacher
/// gets none. The factor T^2 as there. From logits, so that nobody needs room for p, and so that log p is exact where p
/// is small. O(tokens classes).
///
/// Precondition: as many rows in all views, at least one; otherwise the result is NaN and nothing is written.
/// Source: Hinton, Vinyals and Dean (2015), arXiv 1503.02531, section 2. Released code of OPTIN multiplies by T^2 and
/// leaves the division of the logits' gradient by T out; this is the derivative of the formula.
struct kl_divergence {
  double temperature = 1;

  template <class Value, extent_t Classes>
  constexpr double operator()(std::type_identity_t<rows<const Value, Classes>> logits,
                              std::type_identity_t<rows<const Value, Classes>> teacher_logits,
                              rows<Value, Classes> adjoint, double weight = 1) const {
    if (!detail::counts_agree(logits.count, teacher_logits, adjoint)) return detail::no_loss;
    const double tokens = static_cast<double>(logits.count);
    const double slope = weight * temperature / tokens;
    double total = 0;
    for (extent_t t = 0; t < logits.count; ++t) {
      const double scale = detail::tempered_log_sum_exp(logits.row(t), Classes, temperature);
      const double teacher_scale = detail::tempered_log_sum_exp(teacher_logits.row(t), Classes, temperature);
      for (extent_t i = 0; i < Classes; ++i) {
        const double log_q = static_cast<double>(logits(t, i)) / temperature - scale;
        const double log_p = static_cast<double>(teacher_logits(t, i)) / temperature - teacher_scale;
        const double p = maths::exp(log_p);
        if (p != 0) total += p * (log_p - log_q);
        const double difference = maths::exp(log_q) - p;
        adjoint(t, i) = static_cast<Value>(static_cast<double>(adjoint(t, i)) + slope * difference);
      }
    }
    return temperature * temperature * total / tokens;
  }
};

LACUNA_END
