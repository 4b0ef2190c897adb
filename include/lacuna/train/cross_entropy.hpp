#pragma once
/// The loss of a language model.

#include <lacuna/core/error.hpp>
#include <lacuna/op/cross_entropy.hpp>
#include <lacuna/train/loss/counts.hpp>

LACUNA_BEGIN

/// -log softmax(logits)[target] in nats, f64. `logits` has `size` values; NaN where `target` is not below `size`.
template <class Value>
constexpr double cross_entropy(const Value* logits, extent_t size, std::uint32_t target) {
  return target < size ? log_sum_exp(logits, size) - static_cast<double>(logits[target]) : detail::no_loss;
}

/// The sum of the cross-entropies of `(tokens, vocabulary)` logits against one target per row, in nats; `adjoint`, of
/// the logits' shape, receives its derivative times `share`. Rows whose target is `no_token` count as 0.
///
/// Precondition: a target for each row, below the vocabulary, and room for each row's adjoint; otherwise the result is
/// NaN and nothing is written. (Trainers say what is wrong: `try_learn_tokens`.)
template <class Value, extent_t Vocabulary, class Backend = reference>
constexpr double sum_cross_entropies(std::type_identity_t<rows<const Value, Vocabulary>> logits, token_view targets,
                                     rows<Value, Vocabulary> adjoint, double share,
                                     const Backend& backend = Backend{}) {
  bool fine = targets.count == logits.count && adjoint.count >= logits.count;
  for (extent_t t = 0; fine && t < targets.count; ++t)
    fine = targets.data[t] < Vocabulary || targets.data[t] == no_token;
  if (!fine) return detail::no_loss;
  constexpr extent_t at_once = 64;
  double losses[at_once]{}, total = 0;
  for (extent_t t = 0; t < logits.count; t += at_once) {
    const extent_t count = logits.count - t < at_once ? logits.count - t : at_once;
    op::cross_entropy(rows<double, 1>(losses, count), adjoint.slice(t, count), logits.slice(t, count),
                      token_view{targets.data + t, count}, share, backend);
    for (extent_t i = 0; i < count; ++i) total += losses[i];
  }
  return total;
}

/// How many targets count: all but `no_token`.
constexpr extent_t count_targets(token_view targets) noexcept {
  extent_t count = 0;
  for (extent_t t = 0; t < targets.count; ++t) count += targets.data[t] != no_token ? 1 : 0;
  return count;
}

/// The mean of the cross-entropies of `(tokens, vocabulary)` logits against one target per row, in nats; `adjoint`, of
/// the logits' shape, receives its derivative (softmax - one-hot) / tokens. Targets that are `no_token` are not
/// counted; 0 where none is. Precondition: as `sum_cross_entropies`, and the same without it.
template <class Value, extent_t Vocabulary, class Backend = reference>
constexpr double mean_cross_entropy(std::type_identity_t<rows<const Value, Vocabulary>> logits, token_view targets,
                                    rows<Value, Vocabulary> adjoint, const Backend& backend = Backend{}) {
  const extent_t counted = count_targets(targets);
  const double share = counted == 0 ? 0.0 : 1.0 / static_cast<double>(counted);
  return share * sum_cross_entropies(logits, targets, adjoint, share, backend);
}

LACUNA_END
