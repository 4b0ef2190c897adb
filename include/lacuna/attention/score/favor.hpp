#pragma once
/// Random features whose products are, on average, the exponentials of softmax; and plain ones.
///
/// A feature score says `count(head_width)`, `projections(head_width)` (rows of the drawn matrix), `draw(to,
/// head_width)` for a matrix `(projections, head_width)`, and `map<Value, HeadWidth>` (see op/scan.hpp), made from that
/// matrix.

#include <lacuna/attention/score/dot.hpp>
#include <lacuna/core/random.hpp>
#include <lacuna/op/features.hpp>
#include <lacuna/tensor/tensor.hpp>

LACUNA_BEGIN

/// Features per head: `favor<64>`, and the seed that they are drawn from: `favor<64, feature_seed{7}>`.
struct feature_seed {
  std::uint64_t value = 0;
  constexpr explicit feature_seed(std::uint64_t of = 0) : value(of) {}
  constexpr bool operator==(const feature_seed&) const = default;
};

/// Whether a score is a feature map.
template <class Score>
inline constexpr bool is_feature_map = requires { Score::count(extent_t{1}); };

/// Whether e^(q.k / sqrt(head width)) is, on average, the mean of phi_r(q) phi_r(k) over the features. A map says so
/// itself: `static constexpr bool estimates_exponential = true`.
template <class Score>
inline constexpr bool estimates_exponentials =
    is_feature_map<Score> && requires { requires Score::estimates_exponential; };

namespace rules {
template <extent_t Count>
struct features_are_not_zero {
  static_assert(Count > 0,
                "lacuna::favor: no features (choose favor<N> with N > 0, often 2 to 4 times the head width)");
};
}  // namespace rules

namespace detail {

/// A block of rows of random directions, orthogonal to each other and uniformly distributed: Gram and Schmidt on normal
/// vectors. (A Householder decomposition gives other signs, and with them a bias.) Rows are then as long as independent
/// normal vectors.
template <class Value>
constexpr void draw_orthogonal(Value* to, extent_t rows, extent_t columns, std::uint64_t seed) {
  for (extent_t first = 0; first < rows; first += columns)
    for (extent_t r = first; r < rows && r < first + columns; ++r) {
      Value* row = to + r * columns;
      double length = 0;
      for (extent_t d = 0; d < columns; ++d) {
        row[d] = static_cast<Value>(random_normal(seed, 2 * r, d));
        const double other = random_normal(seed, 2 * r + 1, d);
        length += other * other;
      }
      // Twice: once loses digits where vectors are almost parallel.
      for (int again = 0; again < 2; ++again)
        for (extent_t before = first; before < r; ++before) {
          const Value* of = to + before * columns;
          double along = 0, squared = 0;
          for (extent_t d = 0; d < columns; ++d) along += double{row[d]} * of[d], squared += double{of[d]} * of[d];
          for (extent_t d = 0; d < columns; ++d) row[d] -= static_cast<Value>(along / squared * of[d]);
        }
      double own = 0;
      for (extent_t d = 0; d < columns; ++d) own += double{row[d]} * row[d];
      const double stretch = maths::sqrt(length / own);
      for (extent_t d = 0; d < columns; ++d) row[d] *= static_cast<Value>(stretch);
    }
}

/// The factor of queries and keys that makes q'.k' = q.k / sqrt(head width).
LACUNA_HD constexpr double feature_shrink(extent_t head_width) {
  return 1 / maths::sqrt(maths::sqrt(static_cast<double>(head_width)));
}

}  // namespace detail

/// FAVOR+: `Features` positive random features, phi_r = e^(w_r.x' - |x'|^2 / 2), whose products estimate e^(q.k / sqrt
/// d) without bias, at an error that falls as 1 / sqrt(Features) for short vectors. Directions are orthogonal in
/// blocks, drawn once from a counter-based source, the same for all heads and layers. No small constants are added, so
/// that the future does not leak into the past. Source: Choromanski et al. (2020), arXiv 2009.14794, lemma 1 and
/// section 2.4; signs as Haar's measure wants them, unlike the released code.
template <extent_t Features, feature_seed Seed = feature_seed{}>
struct favor {
  static_assert(__is_base_of(nothing, rules::features_are_not_zero<Features>) || true);
  using slot = slots::score;
  static constexpr auto name = fixed_string("favor<") + decimal<Features>() + ">";
  static constexpr bool is_dot = false;
  static constexpr bool estimates_exponential = true;

  static constexpr extent_t count(extent_t) { return Features == 0 ? 1 : Features; }
  static constexpr extent_t projections(extent_t) { return count(1); }
  template <class Value>
  static constexpr void draw(Value* to, extent_t head_width) {
    detail::draw_orthogonal(to, count(1), head_width, Seed.value);
  }
  template <class Value, extent_t HeadWidth>
  LACUNA_HD static constexpr auto map(const Value* directions) {
    return exponential_features<Value, HeadWidth, (Features == 0 ? 1 : Features), false>{
        directions, static_cast<Value>(detail::feature_shrink(HeadWidth))};
  }
};

/// The same with both signs of each direction: `Features` in all, from half as many directions, at lower variance.
/// Source: Choromanski et al. (2020), arXiv 2009.14794, lemma 1 (hyperbolic features).
template <extent_t Features, feature_seed Seed = feature_seed{}>
struct hyperbolic_favor {
  static_assert(__is_base_of(nothing, rules::features_are_not_zero<Features / 2>) || true);
  using slot = slots::score;
  static constexpr auto name = fixed_string("hyperbolic_favor<") + decimal<Features>() + ">";
  static constexpr bool is_dot = false;
  static constexpr bool estimates_exponential = true;
  static constexpr extent_t directions = Features < 2 ? 1 : Features / 2;

  static constexpr extent_t count(extent_t) { return 2 * directions; }
  static constexpr extent_t projections(extent_t) { return directions; }
  template <class Value>
  static constexpr void draw(Value* to, extent_t head_width) {
    detail::draw_orthogonal(to, directions, head_width, Seed.value);
  }
  template <class Value, extent_t HeadWidth>
  LACUNA_HD static constexpr auto map(const Value* drawn) {
    return exponential_features<Value, HeadWidth, directions, true>{
        drawn, static_cast<Value>(detail::feature_shrink(HeadWidth))};
  }
};

/// phi = max(x', 0) + 1/1000, no randomness: a kernel of its own, not an estimate of softmax.
/// Source: Choromanski et al. (2020), arXiv 2009.14794, section 4 (Performer-ReLU); the released generalised kernel.
struct relu_features {
  using slot = slots::score;
  static constexpr auto name = fixed_string("relu_features");
  static constexpr bool is_dot = false;

  static constexpr extent_t count(extent_t head_width) { return head_width; }
  static constexpr extent_t projections(extent_t) { return 0; }
  template <class Value>
  static constexpr void draw(Value*, extent_t) {}
  template <class Value, extent_t HeadWidth>
  LACUNA_HD static constexpr auto map(const Value*) {
    return rectified_features<Value, HeadWidth>{static_cast<Value>(detail::feature_shrink(HeadWidth)),
                                                static_cast<Value>(1e-3)};
  }
};

LACUNA_END
