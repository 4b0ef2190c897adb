// The normalisers of attention on SIMD lanes against the reference: null keys, clamped scores, two passes.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/attention_comparison.hpp"
#include "support/large_scores.hpp"

#include <cmath>
#include <lacuna/with_simd.hpp>
#include <limits>
#include <memory>

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

/// Rows see eight keys at least, or none: a sum of few squares may be near 0, where slopes are large and cancel, so
/// that neither side of a comparison in f32 has digits.
struct eight_or_none {
  static constexpr lc::spans<1> spans(lc::extent_t query, lc::extent_t) {
    lc::spans<1> seen;
    if (query % 4 != 1) seen.add(0, query < 8 ? 8 : query + 1);
    return seen;
  }
};

constexpr lc::extent_t forward_alone = whole_context + 1;

template <class Route, class Normaliser, class Bias, lc::extent_t Heads, lc::extent_t KvHeads, lc::extent_t HeadWidth>
void compare_simd(lc::extent_t fewest = 0) {
  compare<lc::simd, float, Route, Normaliser, Bias, Heads, KvHeads, HeadWidth>(fewest);
}

}  // namespace

TEST_CASE("keys of one score share the weight evenly, however large it is") {
  large_scores::check_even_shares(lc::simd{});
}

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
TEST_CASE("two passes over sums: what is no number reaches who sees it, and nothing else") {
  using of_sums = comparison<lc::simd, float, lc::causal, lc::l2_gelu<>, none, 2, 2, 8>;
  const auto of = std::make_unique<of_sums>();
  constexpr lc::extent_t count = 30, bad = 20;
  const of_sums::readable cache{of->keys.data, of->values.data, {}};
  const auto differentiate = [&](of_sums::adjoints& to, const auto& backend) {
    to = of->start;
    lc::op::attend_backward(to.query.first(count),
                            lc::cache_view<float, 2, 8, lc::linear_cache::address>{to.keys.data, to.values.data, {}},
                            of->dmixed.first(count), of->expected_scale.first(count), of->query.first(count), cache,
                            of->plan.view(), of_sums::rule{0.3f}, backend);
  };
  of->plan.prepare(0, count);
  const auto check = [&](float& one) {
    const float before = one;
    one = std::numeric_limits<float>::quiet_NaN();
    lc::op::attend(of->expected.first(count), of->expected_scale.first(count), of->query.first(count), cache,
                   of->plan.view(), of_sums::rule{0.3f}, lc::reference{});
    differentiate(of->expected_adjoint, lc::reference{}), differentiate(of->found_adjoint, lc::simd{});
    lc::extent_t broken = 0;
    const auto same_numbers = [&](const auto& a, const auto& b) {
      for (lc::extent_t i = 0; i < a.size; ++i) {
        REQUIRE(std::isnan(a[i]) == std::isnan(b[i]));
        if (std::isnan(a[i]))
          ++broken;
        else
          REQUIRE(std::abs(a[i] - b[i]) < 1e-5f * (1 + std::abs(a[i])));
      }
    };
    same_numbers(of->expected_adjoint.query, of->found_adjoint.query);
    same_numbers(of->expected_adjoint.keys, of->found_adjoint.keys);
    same_numbers(of->expected_adjoint.values, of->found_adjoint.values);
    CHECK(broken > 0);
    one = before;
  };
  const of_sums::cache_type written{of->keys.data, of->values.data, {}};
  check(written.key_block(bad / lc::block_keys, 1)[3 * lc::block_keys + bad % lc::block_keys]);
  check(written.value_block(bad / lc::block_keys, 0)[written.value_at(bad % lc::block_keys, 5)]);
  check(of->query[bad * of->columns + 3]);
}
TEST_CASE("two passes over sums") {
  compare_simd<lc::causal, lc::l2_gelu<>, none, 4, 2, 8>(forward_alone);
  compare_simd<with_gaps, lc::l2_gelu<lc::tau{3.0f}>, none, 2, 1, 24>(forward_alone);
  compare_simd<lc::full, energy, falling_bias, 1, 1, 16>(forward_alone);
  compare_simd<eight_or_none, lc::l2_gelu<>, none, 4, 2, 8>(8);
  compare_simd<eight_or_none, lc::l2_gelu<lc::tau{3.0f}>, none, 2, 1, 24>(8);
  compare_simd<eight_or_none, energy, falling_bias, 1, 1, 16>(8);
}
#endif
