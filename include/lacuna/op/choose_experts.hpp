#pragma once
/// Router scores to probabilities, chosen experts and their gates; forward and backward.

#include <lacuna/core/maths.hpp>
#include <lacuna/op/backend.hpp>

LACUNA_BEGIN

namespace operation {

/// The experts of the largest scores of one token, best first.
template <extent_t Experts, extent_t Chosen, class Value>
LACUNA_HD constexpr void choose_best(const Value* score, std::uint32_t* chosen) noexcept {
  for (extent_t j = 0; j < Chosen; ++j) {
    extent_t best = Experts;
    for (extent_t e = 0; e < Experts; ++e) {
      bool taken = false;
      for (extent_t before = 0; before < j; ++before) taken = taken || chosen[before] == e;
      if (!taken && (best == Experts || score[e] > score[best])) best = e;
    }
    chosen[j] = static_cast<std::uint32_t>(best);
  }
}
/// The gates of one token: the probabilities of those that were chosen, as a share of their sum where `renormalised`.
template <extent_t Chosen, class Value>
LACUNA_HD constexpr void open_gates(Value* gate, const Value* probability, const std::uint32_t* chosen,
                                    bool renormalised) noexcept {
  Value share = 0;
  for (extent_t j = 0; j < Chosen; ++j) share += probability[chosen[j]];
  for (extent_t j = 0; j < Chosen; ++j)
    gate[j] = renormalised ? probability[chosen[j]] / share : probability[chosen[j]];
}

/// Softmax in place over the experts of each token, the best experts, and their gates.
struct choose_experts {
  static constexpr auto name = fixed_string("choose_experts");
  template <class... Arguments>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Arguments&...) noexcept {
    return 0;
  }
};
template <class Value, extent_t Experts, extent_t Chosen>
LACUNA_HD constexpr auto kernel(choose_experts, rows<Value, Experts> score, rows<Value, Chosen> gate,
                                rows<Value, 1> log_sum, rows<std::uint32_t, Chosen> chosen, bool renormalised,
                                const reference&) {
  for (extent_t t = 0; t < score.count; ++t) {
    Value* s = score.row(t);
    // By the scores, before probabilities of 0 make equals of what was not equal.
    choose_best<Experts, Chosen>(s, chosen.row(t));
    const Value largest = s[chosen(t, 0)];
    Value sum = 0;
    for (extent_t e = 0; e < Experts; ++e) sum += s[e] = maths::exp(s[e] - largest);
    for (extent_t e = 0; e < Experts; ++e) s[e] /= sum;
    log_sum(t, 0) = largest + maths::log(sum);
    open_gates<Chosen>(gate.row(t), s, chosen.row(t), renormalised);
  }
  return ran_on<reference>{};
}

/// dscore += the adjoint of the scores for that of the gates; which experts were chosen is constant.
struct choose_experts_backward {
  static constexpr auto name = fixed_string("choose_experts_backward");
  template <class... Arguments>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Arguments&...) noexcept {
    return 0;
  }
};
template <class Value, extent_t Experts, extent_t Chosen>
LACUNA_HD constexpr auto kernel(choose_experts_backward, rows<Value, Experts> dscore,
                                rows<const Value, Experts> probability, rows<const Value, Chosen> gate,
                                rows<const Value, Chosen> dgate, rows<const std::uint32_t, Chosen> chosen,
                                bool renormalised, const reference&) {
  for (extent_t t = 0; t < dscore.count; ++t) {
    // Differences to the adjoint of the likeliest, the first chosen: nothing large cancels in the sums.
    const Value anchor = dgate(t, 0);
    Value sum = 0;
    if (renormalised) {
      for (extent_t j = 0; j < Chosen; ++j) sum += gate(t, j) * (dgate(t, j) - anchor);
      for (extent_t j = 0; j < Chosen; ++j) dscore(t, chosen(t, j)) += gate(t, j) * ((dgate(t, j) - anchor) - sum);
    } else {
      // What was not chosen has no adjoint.
      const auto difference = [&](extent_t e) {
        for (extent_t j = 0; j < Chosen; ++j)
          if (chosen(t, j) == e) return dgate(t, j) - anchor;
        return -anchor;
      };
      for (extent_t e = 0; e < Experts; ++e) sum += probability(t, e) * difference(e);
      for (extent_t e = 0; e < Experts; ++e) dscore(t, e) += probability(t, e) * (difference(e) - sum);
    }
  }
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// Scores `(tokens, experts)` become probabilities in place; `chosen (tokens, k)` receives the experts of the largest
/// scores, best first, of equals the lower index; `gate (tokens, k)` their probabilities, divided by their sum where
/// `renormalised`; `log_sum (tokens, 1)` the logarithm of the sum of e^score.
template <class Value, extent_t Experts, extent_t Chosen, class Backend>
LACUNA_HD constexpr auto choose_experts(rows<Value, Experts> score, rows<Value, Chosen> gate, rows<Value, 1> log_sum,
                                        rows<std::uint32_t, Chosen> chosen, bool renormalised, const Backend& backend) {
  return run_kernel(operation::choose_experts{}, backend, score, gate, log_sum, chosen, renormalised);
}
/// dscore `(tokens, experts)` += the adjoint of the scores of `choose_experts` for the gates' `dgate (tokens, k)`.
template <class Value, extent_t Experts, extent_t Chosen, class Backend>
LACUNA_HD constexpr auto choose_experts_backward(rows<Value, Experts> dscore, rows<Value, Experts> probability,
                                                 rows<Value, Chosen> gate, rows<Value, Chosen> dgate,
                                                 rows<std::uint32_t, Chosen> chosen, bool renormalised,
                                                 const Backend& backend) {
  return run_kernel(operation::choose_experts_backward{}, backend, dscore, readable(probability), readable(gate),
                    readable(dgate), readable(chosen), renormalised);
}

}  // namespace op

LACUNA_END
