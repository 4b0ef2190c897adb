#pragma once
/// A Bayesian mixture of predictors: what it loses beside the best of them, without knowing which that is.

#include <lacuna/core/maths.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Some>
struct mixture_has_members {
  static_assert(Some, "lacuna::mixture_log_loss: it mixes nothing (write mixture_log_loss<members>)");
};
}  // namespace rules

/// q(x) = sum over k of w_k q_k(x), symbol by symbol: `add` takes ln q_k(x_t | x_<t) of every member and returns that
/// of the mixture, whose weights are w_k q_k(x_<t) by then. Probabilities are averaged, not their logarithms and not
/// logits. After what every member gave probability 0, so does the mixture, from then on.
///
/// Whatever is predicted, its loss is at most that of member k - ln w_k, for every k: ln `Members` beside the best
/// where weights are equal. A member that gave probability 0 is out of the mixture from then on.
///
/// Two exponentials for each member and symbol. Precondition: logarithms of at most 0 and weights as below; what is NaN
/// makes the loss NaN.
///
/// Source: Feder, Urbanke and Fogel (2025), "The universality lens", arXiv 2506.07661, for classes without end, whose
/// regret depends on the weight of what is near the truth; the bound is that of every finite mixture.
template <extent_t Members>
class mixture_log_loss {
  static_assert(__is_base_of(nothing, rules::mixture_has_members<(Members > 0)>) || true);
  static constexpr extent_t members = Members > 0 ? Members : 1;

 public:
  /// Equal weights.
  constexpr mixture_log_loss() noexcept {
    for (double& each : prior_) each = -maths::log(static_cast<double>(members));
  }
  /// Weights w_k of at least 0, one of them positive, which are divided by their sum.
  constexpr explicit mixture_log_loss(const double (&weights)[members]) noexcept {
    double sum = 0;
    for (const double each : weights) sum += each;
    for (extent_t k = 0; k < members; ++k) prior_[k] = maths::log(weights[k] / sum);
  }

  constexpr double add(const double (&log_probabilities)[members]) noexcept {
    const double before = log_joint();
    for (extent_t k = 0; k < members; ++k) losses_[k] -= log_probabilities[k];
    const double behind = log_joint();
    return behind == -maths::infinity<double>() ? behind : behind - before;
  }
  /// -ln q of everything so far, in nats.
  constexpr double loss() const noexcept { return -log_joint(); }
  /// -ln q_k of everything so far.
  constexpr double loss(extent_t member) const noexcept { return losses_[member]; }
  /// The member that lost least, the first of equals.
  constexpr extent_t best() const noexcept {
    extent_t found = 0;
    for (extent_t k = 1; k < members; ++k)
      if (losses_[k] < losses_[found]) found = k;
    return found;
  }
  /// What the mixture believes of a member by now: 0 to 1.
  constexpr double weight(extent_t member) const noexcept {
    const double mine = prior_[member] - losses_[member];
    return mine == -maths::infinity<double>() ? 0 : maths::exp(mine - log_joint());
  }

 private:
  constexpr double log_joint() const noexcept {
    double largest = -maths::infinity<double>(), sum = 0;
    for (extent_t k = 0; k < members; ++k) largest = maths::larger(largest, prior_[k] - losses_[k]);
    if (largest == -maths::infinity<double>()) return largest;
    for (extent_t k = 0; k < members; ++k) sum += maths::exp(prior_[k] - losses_[k] - largest);
    return largest + maths::log(sum);
  }
  double prior_[members]{}, losses_[members]{};
};

LACUNA_END
