#pragma once
/// The loss of a language model.

#include <lacuna/core/error.hpp>
#include <lacuna/op/cross_entropy.hpp>

LACUNA_BEGIN

/// -log softmax(logits)[target] in nats, f64. `logits` has `size` values, `target` is below `size`.
template <class Value>
constexpr double cross_entropy(const Value* logits, extent_t size, std::uint32_t target) {
  return log_sum_exp(logits, size) - static_cast<double>(logits[target]);
}

/// The sum of the cross-entropies of `(tokens, vocabulary)` logits against one target per row, in nats; `adjoint`, of
/// the logits' shape, receives its derivative times `share`. Rows whose target is `no_token` count as 0. Targets are
/// below the vocabulary.
template <class Value, extent_t Vocabulary, class Backend = reference>
constexpr double sum_cross_entropies(rows<const Value, Vocabulary> logits, token_view targets,
                                     rows<Value, Vocabulary> adjoint, double share,
                                     const Backend& backend = Backend{}) {
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
/// counted; 0 where none is. The others are below the vocabulary.
template <class Value, extent_t Vocabulary, class Backend = reference>
constexpr double mean_cross_entropy(rows<const Value, Vocabulary> logits, token_view targets,
                                    rows<Value, Vocabulary> adjoint, const Backend& backend = Backend{}) {
  const extent_t counted = count_targets(targets);
  const double share = counted == 0 ? 0.0 : 1.0 / static_cast<double>(counted);
  return share * sum_cross_entropies(logits, targets, adjoint, share, backend);
}

LACUNA_END
