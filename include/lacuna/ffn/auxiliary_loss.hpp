#pragma once
/// Losses that a recipe carries itself: what keeps a router's experts in use and its scores small.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/maths.hpp>
#include <lacuna/core/slots.hpp>
#include <lacuna/tensor/rows.hpp>

LACUNA_BEGIN

/// What a router did with the tokens of a call, for losses to read.
template <class Value, extent_t Experts, extent_t Chosen>
struct routing_view {
  rows<const Value, Experts> probability;  ///< (tokens, experts)
  rows<const Value, 1> log_sum;            ///< log of the sum of e^score, per token
  const std::uint32_t* asked = nullptr;    ///< tokens that chose each expert, those that found it full included
};

/// What a loss on routing offers: its weight, and for a routing its value and the gradient of the scores.
template <class Policy>
concept AuxiliaryLoss = requires(const routing_view<float, 2, 1>& of, rows<float, 2> dscore) {
  { Policy::weight } -> std::convertible_to<float>;
  { Policy::value(of) } -> std::same_as<double>;
  Policy::add_gradient(of, 1.0, dscore);
  Policy::name.c_str();
};

namespace slots {
/// `balance_loss<loss_weight{1e-2f}>`, `z_loss<loss_weight{1e-3f}>`, or your own; any number of them.
struct auxiliary_loss {
  using stand_in = none;
  template <class Policy>
  static constexpr bool accepts = AuxiliaryLoss<Policy>;
  template <class Policy>
  struct refused {
    static_assert(always_false<Policy>,
                  "lacuna::mixture: an auxiliary loss does not offer weight, name, value and add_gradient (write "
                  "static functions value(routing) and add_gradient(routing, scale, dscore), and both constants)");
  };
};
}  // namespace slots

namespace rules {
template <bool Fine>
struct loss_weight_is_a_number {
  static_assert(Fine, "lacuna::loss_weight: it is not a finite number (write balance_loss<loss_weight{1e-2f}>)");
};
}  // namespace rules

/// What a loss of the recipe is multiplied by before it is added to the task's: `z_loss<loss_weight{1e-3f}>`.
struct loss_weight {
  float value = 0;
  constexpr loss_weight() {}  // g++ 12 takes a defaulted one for undefined in function templates
  constexpr explicit loss_weight(float of) : value(of) {}
  constexpr bool operator==(const loss_weight&) const = default;
  constexpr bool fine() const { return maths::is_finite(value); }
};

/// experts * sum over experts of f P, with f the share of the assignments that an expert got and P its mean
/// probability: 1 when both are even, up to `experts` when one expert gets all. Gradients pass through P alone.
/// O(tokens experts). Source: Fedus, Zoph and Shazeer (2021), arXiv 2101.03961, eq. (4) to (6), after Shazeer et al.
/// (2017), arXiv 1701.06538, section 4; for several experts per token f counts all of their choices.
template <loss_weight Weight = loss_weight{1e-2f}>
struct balance_loss {
  static_assert(__is_base_of(nothing, rules::loss_weight_is_a_number<Weight.fine()>) || true);
  using slot = slots::auxiliary_loss;
  static constexpr auto name = fixed_string("balance_loss");
  static constexpr float weight = Weight.value;

  template <class Value, extent_t Experts, extent_t Chosen>
  LACUNA_HD static constexpr double value(const routing_view<Value, Experts, Chosen>& of) {
    double total = 0;
    for (extent_t e = 0; e < Experts; ++e) {
      double mean = 0;
      for (extent_t t = 0; t < of.probability.count; ++t) mean += static_cast<double>(of.probability(t, e));
      total += slope(of, e) * mean;
    }
    return total;
  }
  /// dscore += scale times the gradient.
  template <class Value, extent_t Experts, extent_t Chosen>
  LACUNA_HD static constexpr void add_gradient(const routing_view<Value, Experts, Chosen>& of, double scale,
                                               rows<Value, Experts> dscore) {
    for (extent_t t = 0; t < dscore.count; ++t) {
      const Value* p = of.probability.row(t);
      extent_t likeliest = 0;
      for (extent_t e = 1; e < Experts; ++e)
        if (p[e] > p[likeliest]) likeliest = e;
      const auto difference = [&](extent_t e) { return scale * (slope(of, e) - slope(of, likeliest)); };
      double sum = 0;
      for (extent_t e = 0; e < Experts; ++e) sum += static_cast<double>(p[e]) * difference(e);
      for (extent_t e = 0; e < Experts; ++e)
        dscore(t, e) += static_cast<Value>(static_cast<double>(p[e]) * (difference(e) - sum));
    }
  }

 private:
  /// The derivative by the probability of an expert, for any token.
  template <class Value, extent_t Experts, extent_t Chosen>
  LACUNA_HD static constexpr double slope(const routing_view<Value, Experts, Chosen>& of, extent_t e) {
    const double tokens = static_cast<double>(of.probability.count);
    return static_cast<double>(Experts) * of.asked[e] / (tokens * tokens * static_cast<double>(Chosen));
  }
};

/// The mean over tokens of (log sum e^score)^2: scores stay small. O(tokens experts). Source: Zoph et al. (2022),
/// "ST-MoE", arXiv 2202.08906, eq. (5).
template <loss_weight Weight = loss_weight{1e-3f}>
struct z_loss {
  static_assert(__is_base_of(nothing, rules::loss_weight_is_a_number<Weight.fine()>) || true);
  using slot = slots::auxiliary_loss;
  static constexpr auto name = fixed_string("z_loss");
  static constexpr float weight = Weight.value;

  template <class Value, extent_t Experts, extent_t Chosen>
  LACUNA_HD static constexpr double value(const routing_view<Value, Experts, Chosen>& of) {
    double total = 0;
    for (extent_t t = 0; t < of.log_sum.count; ++t)
      total += static_cast<double>(of.log_sum(t, 0)) * static_cast<double>(of.log_sum(t, 0));
    return total / static_cast<double>(of.log_sum.count);
  }
  /// dscore += scale times the gradient.
  template <class Value, extent_t Experts, extent_t Chosen>
  LACUNA_HD static constexpr void add_gradient(const routing_view<Value, Experts, Chosen>& of, double scale,
                                               rows<Value, Experts> dscore) {
    for (extent_t t = 0; t < dscore.count; ++t) {
      const double slope = 2 * scale * static_cast<double>(of.log_sum(t, 0)) / static_cast<double>(dscore.count);
      for (extent_t e = 0; e < Experts; ++e)
        dscore(t, e) += static_cast<Value>(slope * static_cast<double>(of.probability(t, e)));
    }
  }
};

LACUNA_END
