#pragma once
/// The row normaliser of attention.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/slots.hpp>
#include <lacuna/op/attend.hpp>

LACUNA_BEGIN

struct softmax;

namespace slots {
/// `softmax`, or your own: `map(score)`, `map_derivative(score)` before the exponential, and `one_pass`.
struct normaliser {
  using stand_in = softmax;
  template <class Policy>
  static constexpr bool accepts = requires {
    { Policy::map(1.0f) + Policy::map_derivative(1.0f) };
    { Policy::map(1.0) + Policy::map_derivative(1.0) };
    requires Policy::one_pass;
  };
  template <class Policy>
  struct refused {
    static_assert(
        always_false<Policy>,
        "lacuna::normaliser: the policy does not offer map, map_derivative and one_pass = true (derive it from "
        "lacuna::softmax and redefine map and map_derivative)");
  };
};
}  // namespace slots

/// w_j = e^{s_j} / sum_l e^{s_l}: one pass, mergeable. Source: Vaswani et al. (2017), arXiv 1706.03762, eq. (1).
struct softmax : scores_as_they_are {
  using slot = slots::normaliser;
  static constexpr auto name = fixed_string("softmax");
  /// The weights are a product of a function of the score and one of the row's sum: blocks may come in any order.
  static constexpr bool one_pass = true;
};

LACUNA_END
