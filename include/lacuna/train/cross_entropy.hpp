#pragma once
/// The loss of a language model.

#include <lacuna/core/error.hpp>
#include <lacuna/core/maths.hpp>
#include <lacuna/op/embed.hpp>

LACUNA_BEGIN

/// log sum over i of e^{logits(i)}, accumulated in f64.
template <class Value>
constexpr double log_sum_exp(const Value* logits, extent_t size) {
  double largest = static_cast<double>(logits[0]);
  for (extent_t i = 1; i < size; ++i) largest = maths::larger(largest, static_cast<double>(logits[i]));
  double sum = 0;
  for (extent_t i = 0; i < size; ++i) sum += maths::exp(static_cast<double>(logits[i]) - largest);
  return largest + maths::log(sum);
}

/// -log softmax(logits)[target] in nats, f64. `logits` has `size` values, `target` is below `size`.
template <class Value>
constexpr double cross_entropy(const Value* logits, extent_t size, std::uint32_t target) {
  return log_sum_exp(logits, size) - static_cast<double>(logits[target]);
}

/// The mean of the cross-entropies of `(tokens, vocabulary)` logits against one target per row, in nats; `adjoint`, of
/// the logits' shape, receives its derivative (softmax - one-hot) / tokens.
template <class Value, extent_t Vocabulary>
constexpr double mean_cross_entropy(rows<const Value, Vocabulary> logits, token_view targets,
                                    rows<Value, Vocabulary> adjoint) {
  double total = 0;
  const double share = 1.0 / static_cast<double>(targets.count);
  for (extent_t t = 0; t < targets.count; ++t) {
    const double scale = log_sum_exp(logits.row(t), Vocabulary);
    total += scale - static_cast<double>(logits(t, targets.data[t]));
    for (extent_t i = 0; i < Vocabulary; ++i)
      adjoint(t, i) = static_cast<Value>((maths::exp(static_cast<double>(logits(t, i)) - scale) -
                                          (i == targets.data[t] ? 1.0 : 0.0)) * share);
  }
  return total * share;
}

LACUNA_END
