#pragma once
/// GELU of scores that are normalised by their length.

#include <lacuna/attention/normaliser/softmax.hpp>
#include <lacuna/core/erf_gelu.hpp>
#include <lacuna/core/tau.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct tau_is_not_negative {
  static_assert(Fine,
                "lacuna::l2_gelu: tau is negative or no number (write tau{8.f}, or tau{} for the root of the keys)");
};
}  // namespace rules

/// w_j = gelu(tau s_j / |s|), |s| the length of the row's vector of scores; no exponential, weights of any sign. Scores
/// that are all 0 give weights of 0. Two passes over the keys: 3 products per pair. A constant tau keeps outputs as
/// they are when keys with score 0 are added; the root of the number of keys, as in the released code, does not.
/// Source: Wang et al. (2024), TokenFormer, arXiv 2410.23168, eq. (5), with the erf form of gelu.
template <tau Tau = tau{}>
struct l2_gelu : scores_as_they_are {
  static_assert(__is_base_of(nothing, rules::tau_is_not_negative<(Tau.value >= 0)>) || true);
  using slot = slots::normaliser;
  using lane_wise = l2_gelu;
  static constexpr auto name = fixed_string("l2_gelu");

  /// What is summed over a row's keys.
  template <class Value>
  LACUNA_HD static constexpr Value term(Value score) noexcept {
    return score * score;
  }
  template <class Value>
  LACUNA_HD static constexpr Value term_derivative(Value score) noexcept {
    return score + score;
  }
  /// The weight of a score, from the row's sum and its number of keys.
  template <class Value>
  LACUNA_HD static constexpr Value weight(Value score, Value sum, Value keys) noexcept {
    return erf_gelu::value(score * factor(sum, keys));
  }
  template <class Value>
  LACUNA_HD static constexpr Value weight_by_score(Value score, Value sum, Value keys) noexcept {
    return erf_gelu::derivative(score * factor(sum, keys)) * factor(sum, keys);
  }
  /// d factor / d sum = -factor / (2 sum).
  template <class Value>
  LACUNA_HD static constexpr Value weight_by_sum(Value score, Value sum, Value keys) noexcept {
    const Value scaled = score * factor(sum, keys);
    return maths::where(maths::less(Value(0), sum), erf_gelu::derivative(scaled) * scaled * Value(-0.5) / safe(sum),
                        Value(0));
  }

 private:
  template <class Value>
  LACUNA_HD static constexpr Value safe(Value sum) noexcept {
    return maths::where(maths::less(Value(0), sum), sum, Value(1));
  }
  template <class Value>
  LACUNA_HD static constexpr Value factor(Value sum, Value keys) noexcept {
    if constexpr (Tau.value > 0)
      return Value(Tau.value) / maths::sqrt(safe(sum));
    else
      return maths::sqrt(keys / safe(sum));
  }
};

LACUNA_END
