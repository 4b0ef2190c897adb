#pragma once
/// The cross-entropy of rows of logits against one target each, and its derivative.

#include <lacuna/core/maths.hpp>
#include <lacuna/op/embed.hpp>

LACUNA_BEGIN

/// log sum over i of e^{logits(i)}, accumulated in f64. NaN where a logit is NaN or +infinity, or where all are
/// -infinity.
template <class Value>
LACUNA_HD constexpr double log_sum_exp(const Value* logits, extent_t size) {
  double largest = static_cast<double>(logits[0]);
  for (extent_t i = 1; i < size; ++i) largest = maths::larger(largest, static_cast<double>(logits[i]));
  double sum = 0;
  for (extent_t i = 0; i < size; ++i) sum += maths::exp(static_cast<double>(logits[i]) - largest);
  return largest + maths::log(sum);
}

namespace operation {

/// losses(t) = log sum e^logits(t) - logits(t, target(t)), adjoint(t) = share (softmax(logits(t)) - one-hot).
struct cross_entropy {
  static constexpr auto name = fixed_string("cross_entropy");
  template <class Losses, class Adjoint, class Logits>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Losses&, const Adjoint&, const Logits&,
                                                         const token_view&, double) noexcept {
    return 0;  // elementwise work is not counted as multiply-adds
  }
};
template <class Value, extent_t Vocabulary>
LACUNA_HD constexpr auto kernel(cross_entropy, rows<double, 1> losses, rows<Value, Vocabulary> adjoint,
                                rows<const Value, Vocabulary> logits, token_view targets, double share,
                                const reference&) {
  for (extent_t t = 0; t < logits.count; ++t) {
    const std::uint32_t target = targets.data[t];
    losses(t, 0) = 0;
    if (target == no_token) {
      for (extent_t i = 0; i < Vocabulary; ++i) adjoint(t, i) = 0;
      continue;
    }
    const double scale = log_sum_exp(logits.row(t), Vocabulary);
    losses(t, 0) = scale - static_cast<double>(logits(t, target));
    for (extent_t i = 0; i < Vocabulary; ++i)
      adjoint(t, i) = static_cast<Value>(
          (maths::exp(static_cast<double>(logits(t, i)) - scale) - (i == target ? 1.0 : 0.0)) * share);
  }
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// The loss of each row in nats, `(tokens, vocabulary) -> (tokens)`, and its derivative times `share`, of the logits'
/// shape; the adjoint may be the logits themselves. A target `no_token` does not count: loss and derivative 0. All
/// other targets are below the vocabulary. Losses are accumulated in f64; a row with NaN has the loss NaN. O(tokens *
/// vocabulary).
template <class Value, extent_t Vocabulary, class Logit, class Backend>
LACUNA_HD constexpr auto cross_entropy(rows<double, 1> losses, rows<Value, Vocabulary> adjoint,
                                       rows<Logit, Vocabulary> logits, token_view targets, double share,
                                       const Backend& backend) {
  return run_kernel(operation::cross_entropy{}, backend, losses, adjoint, readable(logits), targets, share);
}

}  // namespace op

LACUNA_END
