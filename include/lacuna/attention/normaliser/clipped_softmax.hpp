#pragma once
/// Softmax whose weights can be exactly 0 and exactly 1.

#include <lacuna/attention/normaliser/softmax.hpp>

LACUNA_BEGIN

/// What probabilities are stretched to before they are clipped to [0, 1]: `clipped_softmax<stretch{-0.03f, 1.f}>`.
struct stretch {
  float low = -0.025f;
  float high = 1.0f;
  constexpr stretch() {}  // g++ 12 takes a defaulted one for undefined in function templates
  constexpr stretch(float lowest, float highest) : low(lowest), high(highest) {}
  constexpr bool operator==(const stretch&) const = default;
};

namespace rules {
template <bool Fine>
struct stretch_holds_zero_and_one {
  static_assert(
      Fine,
      "lacuna::clipped_softmax: the stretch does not hold 0 and 1 (write stretch{low, high} with low <= 0 and "
      "high >= 1)");
};
}  // namespace rules

/// w_j = clip((high - low) p_j + low, 0, 1) of the softmax p: probabilities up to -low / (high - low) become exactly 0.
/// Weights are not normalised again. Two passes over the keys: 3 products per pair. A clipped weight has gradient 0.
/// Source: Bondarenko, Nagel and Blankevoort (2023), arXiv 2306.12929, eq. (4); their advice is high = 1 and
/// low = -alpha / context with alpha from 2 to 4.
template <stretch Stretch = stretch{}>
struct clipped_softmax : scores_as_they_are {
  static_assert(__is_base_of(nothing, rules::stretch_holds_zero_and_one<(Stretch.low <= 0 && Stretch.high >= 1)>) ||
                true);
  using slot = slots::normaliser;
  using lane_wise = clipped_softmax;
  static constexpr auto name = fixed_string("clipped_softmax");

  template <class Value>
  LACUNA_HD static constexpr Value reweigh(Value probability) noexcept {
    const Value weight = stretched(probability);
    // Chosen so that what is no number stays none.
    return maths::where(maths::less(Value(1), weight), Value(1),
                        maths::where(maths::less(weight, Value(0)), Value(0), weight));
  }
  template <class Value>
  LACUNA_HD static constexpr Value reweigh_derivative(Value probability) noexcept {
    const Value weight = stretched(probability);
    const Value slope = Value(Stretch.high) - Value(Stretch.low);
    return maths::where(maths::less(Value(0), weight), maths::where(maths::less(weight, Value(1)), slope, Value(0)),
                        Value(0));
  }

 private:
  template <class Value>
  LACUNA_HD static constexpr Value stretched(Value probability) noexcept {
    return (Value(Stretch.high) - Value(Stretch.low)) * probability + Value(Stretch.low);
  }
};

LACUNA_END
