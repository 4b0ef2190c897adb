// The normalisers of attention on SIMD lanes against the reference: null keys, clamped scores, two passes.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/attention_comparison.hpp"

#include <lacuna/with_simd.hpp>

namespace {
namespace lc = lacuna;
using namespace attention_tests;
using none = lc::no_score_bias;

/// Probabilities are squared: a user's normaliser, lane by lane.
struct squared_softmax : lc::softmax {
  template <class Value>
  static constexpr Value reweigh(Value probability) noexcept {
    return probability * probability;
  }
  template <class Value>
  static constexpr Value reweigh_derivative(Value probability) noexcept {
    return Value(2) * probability;
  }
};
/// Weights are shares of the sum of squares, lane by lane.
struct energy : lc::scores_as_they_are {
  template <class Value>
  static constexpr Value term(Value score) noexcept {
    return score * score;
  }
  template <class Value>
  static constexpr Value term_derivative(Value score) noexcept {
    return Value(2) * score;
  }
  template <class Value>
  static constexpr Value weight(Value score, Value sum, Value) noexcept {
    return sum > 0 ? score * score / sum : Value(0);
  }
  template <class Value>
  static constexpr Value weight_by_score(Value score, Value sum, Value) noexcept {
    return sum > 0 ? Value(2) * score / sum : Value(0);
  }
  template <class Value>
  static constexpr Value weight_by_sum(Value score, Value sum, Value) noexcept {
    return sum > 0 ? -score * score / (sum * sum) : Value(0);
  }
};

template <class Route, class Normaliser, class Bias, lc::extent_t Heads, lc::extent_t KvHeads, lc::extent_t HeadWidth>
void compare_simd() {
  compare<lc::simd, float, Route, Normaliser, Bias, Heads, KvHeads, HeadWidth>();
}

}  // namespace

TEST_CASE("a null key") {
  compare_simd<lc::causal, lc::softmax1, none, 2, 2, 8>();
  compare_simd<with_gaps, lc::softmax1, none, 2, 1, 16>();
}
TEST_CASE("clamped scores") {
  compare_simd<lc::causal, lc::clamped_softmax<lc::score_limit{0.7f}>, falling_bias, 2, 1, 16>();
}
TEST_CASE("two passes over probabilities") {
  compare_simd<lc::causal, lc::clipped_softmax<lc::stretch{-0.03f, 1.1f}>, none, 4, 2, 8>();
  compare_simd<with_gaps, lc::clipped_softmax<lc::stretch{-0.003f, 1.0f}>, falling_bias, 2, 1, 24>();
  compare_simd<lc::full, squared_softmax, none, 1, 1, 16>();
}
TEST_CASE("two passes over sums") {
  compare_simd<lc::causal, lc::l2_gelu<>, none, 4, 2, 8>();
  compare_simd<with_gaps, lc::l2_gelu<lc::tau{3.0f}>, none, 2, 1, 24>();
  compare_simd<lc::full, energy, falling_bias, 1, 1, 16>();
}
#endif
