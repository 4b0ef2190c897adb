#pragma once
/// The row normaliser of attention.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/slots.hpp>
#include <lacuna/op/attend.hpp>

LACUNA_BEGIN

struct softmax;

namespace slots {
/// `softmax`, `softmax1`, `clamped_softmax<...>`, `clipped_softmax<...>`, `l2_gelu<...>`, or your own. All offer
/// `map(score)` and `map_derivative(score)`. Alone, they come before the exponential of a softmax; with `reweigh(p)`
/// and `reweigh_derivative(p)` its probabilities become weights in a second pass; with `term`, `term_derivative`,
/// `weight`, `weight_by_score` and `weight_by_sum` there is no exponential (see attention/normaliser/l2_gelu.hpp).
struct normaliser {
  using stand_in = softmax;
  template <class Policy>
  static constexpr bool maps = requires {
    { Policy::map(1.0f) + Policy::map_derivative(1.0f) };
    { Policy::map(1.0) + Policy::map_derivative(1.0) };
  };
  template <class Policy>
  static constexpr bool reweighs = requires {
    { Policy::reweigh(1.0f) + Policy::reweigh_derivative(1.0f) };
    { Policy::reweigh(1.0) + Policy::reweigh_derivative(1.0) };
  };
  template <class Policy>
  static constexpr bool sums = requires {
    { Policy::term(1.0) + Policy::term_derivative(1.0) };
    { Policy::weight(1.0, 1.0, 1.0) + Policy::weight_by_score(1.0, 1.0, 1.0) + Policy::weight_by_sum(1.0, 1.0, 1.0) };
  };
  template <class Policy>
  static constexpr bool accepts =
      maps<Policy> && (normalisation_of<Policy> == normalisation::one_pass ||
                       (normalisation_of<Policy> == normalisation::reweighed ? reweighs<Policy> : sums<Policy>));
  template <class Policy>
  struct refused {
    static_assert(
        always_false<Policy>,
        "lacuna::normaliser: the policy offers neither map and map_derivative alone nor with them all of reweigh's or "
        "of term's functions (derive it from lacuna::softmax and redefine map and map_derivative)");
  };
};
}  // namespace slots

/// w_j = e^{s_j} / sum_l e^{s_l}: one pass, mergeable. Source: Vaswani et al. (2017), arXiv 1706.03762, eq. (1).
struct softmax : scores_as_they_are {
  using slot = slots::normaliser;
  static constexpr auto name = fixed_string("softmax");
};

LACUNA_END
