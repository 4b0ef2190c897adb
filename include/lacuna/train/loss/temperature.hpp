#pragma once
/// Distributions that are softened by a temperature.

#include <lacuna/train/cross_entropy.hpp>
#include <lacuna/train/loss/counts.hpp>

LACUNA_BEGIN

namespace detail {

/// log sum over i of e^{logits(i) / temperature}, accumulated in f64.
template <class Value>
constexpr double tempered_log_sum_exp(const Value* logits, extent_t size, double temperature) {
  if (temperature == 1) return log_sum_exp(logits, size);
  double largest = static_cast<double>(logits[0]);
  for (extent_t i = 1; i < size; ++i) largest = maths::larger(largest, static_cast<double>(logits[i]));
  double sum = 0;
  for (extent_t i = 0; i < size; ++i) sum += maths::exp((static_cast<double>(logits[i]) - largest) / temperature);
  return largest / temperature + maths::log(sum);
}

}  // namespace detail

/// probabilities = softmax(logits / temperature), row by row, `(tokens, classes)`: a teacher's logits as soft targets.
/// Both may be the same rows. O(tokens classes). Precondition: as many rows in both; otherwise nothing is written.
template <class Value, extent_t Classes>
constexpr void soften(std::type_identity_t<rows<const Value, Classes>> logits, rows<Value, Classes> probabilities,
                      double temperature = 1) {
  if (!detail::counts_agree(logits.count, probabilities)) return;
  for (extent_t t = 0; t < logits.count; ++t) {
    const double scale = detail::tempered_log_sum_exp(logits.row(t), Classes, temperature);
    for (extent_t i = 0; i < Classes; ++i)
      probabilities(t, i) = static_cast<Value>(maths::exp(static_cast<double>(logits(t, i)) / temperature - scale));
  }
}

LACUNA_END
