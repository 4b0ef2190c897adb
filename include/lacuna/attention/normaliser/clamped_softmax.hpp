#pragma once
/// Softmax of scores that are kept within a range.

#include <lacuna/attention/normaliser/softmax.hpp>

LACUNA_BEGIN

/// The largest score, and the negative of the smallest: `clamped_softmax<score_limit{5.f}>`.
struct score_limit {
  float value;
  constexpr explicit score_limit(float of = 5.0f) noexcept : value(of) {}
  constexpr bool operator==(const score_limit&) const = default;
};

namespace rules {
template <bool Fine>
struct score_limit_is_positive {
  static_assert(Fine, "lacuna::clamped_softmax: the limit is not a number above 0 (write score_limit{5.f})");
};
}  // namespace rules

/// w_j = e^{c_j} / sum_l e^{c_l}, c = s clamped to [-limit, limit]. One pass. A clamped score has gradient 0, and
/// adding a constant to all scores changes the weights. Source: Dwivedi and Bresson (2020), arXiv 2012.09699,
/// section 2.3 (the released code's limit is 5); SPT, Gui et al. (2024), has 10.
template <score_limit Limit = score_limit{}>
struct clamped_softmax {
  static_assert(__is_base_of(nothing, rules::score_limit_is_positive<(Limit.value > 0)>) || true);
  using slot = slots::normaliser;
  using lane_wise = clamped_softmax;
  static constexpr auto name = fixed_string("clamped_softmax");

  template <class Value>
  LACUNA_HD static constexpr Value map(Value score) noexcept {
    const Value limit(Limit.value);
    return maths::where(maths::less(limit, score), limit, maths::larger(score, -limit));
  }
  template <class Value>
  LACUNA_HD static constexpr Value map_derivative(Value score) noexcept {
    const Value limit(Limit.value);
    return maths::where(maths::less(-limit, score), maths::where(maths::less(score, limit), Value(1), Value(0)),
                        Value(0));
  }
};

LACUNA_END
