#pragma once
// Attention of a backend against the reference, forward and backward: everything that a comparison needs but the list
// of cases.

#include <doctest/doctest.h>
#include <cmath>
#include <lacuna/lacuna.hpp>
#include <memory>

namespace attention_tests {
namespace lc = lacuna;

/// Scores are bent before the exponential: one policy says that it takes lanes, the other is applied lane by lane.
struct soft_cap : lc::softmax {
  template <class Value>
  static constexpr Value map(Value score) noexcept {
    return Value(2) * lc::maths::tanh(score / Value(2));
  }
  template <class Value>
  static constexpr Value map_derivative(Value score) noexcept {
    const Value t = lc::maths::tanh(score / Value(2));
    return Value(1) - t * t;
  }
};
struct soft_cap_by_lanes : soft_cap {
  using lane_wise = soft_cap_by_lanes;
};
/// Odd rows see nothing, every third key is hidden from the others.
struct with_gaps {
  static constexpr lc::spans<200> spans(lc::extent_t query, lc::extent_t keys) {
    lc::spans<200> seen;
    if (query % 2 == 0)
      for (lc::extent_t k = 0; k <= query && k < keys; k += 3) seen.add(k, k + 2 < keys ? k + 2 : keys);
    return seen;
  }
};
struct falling_bias {
  static constexpr bool present = true;
  template <class Value>
  constexpr Value operator()(lc::extent_t head, Value distance) const noexcept {
    return distance * Value(-0.1f * static_cast<float>(head + 1));
  }
};

/// The largest difference of the first numbers, relative where they are large; 1 where only one is infinite, or one is
/// no number. There are many numbers: an assertion for each would be most of the time.
template <class Tensor>
double farthest(const Tensor& expected, const Tensor& found, lc::extent_t count) {
  double worst = 0;
  for (lc::extent_t i = 0; i < count; ++i) {
    const auto a = static_cast<double>(expected.data[i]), b = static_cast<double>(found.data[i]);
    if (std::isinf(a) && a == b) continue;
    const double apart = std::abs(b - a) / (1 + std::abs(a));
    worst = std::max(worst, apart < 1 ? apart : 1);
  }
  return worst;
}

// Without optimisation each lane is a call: every count and every first, but a sixth of their pairs, and shorter
// streams, of the same numbers.
inline constexpr lc::extent_t whole_context = 640;
#if defined(__OPTIMIZE__)
inline constexpr int step = 1;
inline constexpr lc::extent_t context = whole_context, longest = 300;
#else
inline constexpr int step = 6;
inline constexpr lc::extent_t context = 224, longest = 70;
#endif

/// Attention on `Backend` and on the reference, computed as `Value`.
template <class Backend, class Value, class Route, class Normaliser, class Bias, lc::extent_t Heads,
          lc::extent_t KvHeads, lc::extent_t HeadWidth>
struct comparison {
  using Element = Value;
  static constexpr double tolerance = lc::same<Value, double> ? 1e-12 : 1e-5;
  static constexpr lc::extent_t columns = Heads * HeadWidth, kv_columns = KvHeads * HeadWidth;
  static constexpr lc::extent_t blocks = lc::blocks_of(context);
  using cache_type = lc::cache_view<Element, KvHeads, HeadWidth, lc::linear_cache::address>;
  using readable = lc::cache_view<const Element, KvHeads, HeadWidth, lc::linear_cache::address>;
  using rule = lc::score_rule<Normaliser, Bias, Value>;
  lc::tensor<Value, context, columns> query, expected, found;
  lc::tensor<Value, context, kv_columns> key, value;
  lc::tensor<Value, context, Heads> expected_scale, found_scale;
  lc::tensor<Element, blocks, KvHeads, HeadWidth, lc::block_keys> keys;
  lc::tensor<Element, blocks, KvHeads, HeadWidth, lc::block_keys> values;
  lc::shared_plan<Route, context, context> plan;
  struct adjoints {
    lc::tensor<Value, context, columns> query;
    lc::tensor<Value, blocks, KvHeads, HeadWidth, lc::block_keys> keys, values;
  };
  lc::tensor<Value, context, columns> dmixed;
  adjoints start, expected_adjoint, found_adjoint;  // adjoints accumulate: they start from something

  comparison() {
    std::uint64_t drawn = 0;
    const auto draw = [&](auto& tensor) {
      for (std::uint64_t i = 0; i < tensor.size; ++i)
        tensor[i] = static_cast<Value>(lc::random_normal(29, HeadWidth, drawn + i));
      drawn += tensor.size / context * whole_context;
    };
    draw(query), draw(key), draw(value), draw(dmixed);
    draw(start.query), draw(start.keys), draw(start.values);
    lc::op::append(cache_type{keys.data, values.data, {}}, key.first(context), value.first(context), 0,
                   lc::reference{});
  }
  void check(lc::extent_t first, lc::extent_t count, bool backward = true) {
    plan.prepare(first, count);
    const rule how{static_cast<Value>(lc::dot::scale(HeadWidth))};
    const readable cache{keys.data, values.data, {}};
    found.first(count + 1).fill(77);
    lc::op::attend(expected.first(count), expected_scale.first(count), query.first(count), cache, plan.view(), how,
                   lc::reference{});
    const auto ran = lc::op::attend(found.first(count), found_scale.first(count), query.first(count), cache,
                                    plan.view(), how, Backend{});
    static_assert(lc::same<decltype(ran), const lc::ran_on<Backend>>);
    REQUIRE(farthest(expected, found, count * columns) < tolerance);
    for (lc::extent_t i = 0; i < columns; ++i) REQUIRE(found[count * columns + i] == 77);
    REQUIRE(farthest(expected_scale, found_scale, count * Heads) < tolerance);
    if (backward) check_backward(count, how);
  }
  void check_backward(lc::extent_t count, const rule& how) {
    const readable cache{keys.data, values.data, {}};
    const auto run = [&](adjoints& to, const auto& backend) {
      to = start;
      return lc::op::attend_backward(
          to.query.first(count),
          lc::cache_view<Value, KvHeads, HeadWidth, lc::linear_cache::address>{to.keys.data, to.values.data, {}},
          dmixed.first(count), expected_scale.first(count), query.first(count), cache, plan.view(), how, backend);
    };
    run(expected_adjoint, lc::reference{});
    const auto ran = run(found_adjoint, Backend{});
    static_assert(lc::same<decltype(ran), const lc::ran_on<Backend>>);
    REQUIRE(farthest(expected_adjoint.query, found_adjoint.query, expected_adjoint.query.size) < 2 * tolerance);
    REQUIRE(farthest(expected_adjoint.keys, found_adjoint.keys, expected_adjoint.keys.size) < 2 * tolerance);
    REQUIRE(farthest(expected_adjoint.values, found_adjoint.values, expected_adjoint.values.size) < 2 * tolerance);
  }
};

/// Forward, and backward where the stream has `fewest` keys at least.
template <class Backend, class Value, class Route, class Normaliser, class Bias, lc::extent_t Heads,
          lc::extent_t KvHeads, lc::extent_t HeadWidth>
void compare(lc::extent_t fewest = 0) {
  auto of = std::make_unique<comparison<Backend, Value, Route, Normaliser, Bias, Heads, KvHeads, HeadWidth>>();
  int pair = 0;
  for (const lc::extent_t count : {1u, 2u, 7u, 8u, 9u, 16u, 17u, 33u})
    for (const lc::extent_t first : {0u, 1u, 15u, 16u, 40u, 100u, 13u})
      if (pair++ % step == 0) of->check(first, count, first + count >= fewest);
  of->check(0, longest, longest >= fewest);
  of->check(context - 41, 1, context >= fewest);
}

}  // namespace attention_tests
