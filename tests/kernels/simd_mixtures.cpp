// Rows to experts and back, the choice of experts, and gradients of listed rows: lanes against the reference, over all
// lengths of a row and unaligned ones, forward and backward.
#if __has_include(<xsimd/xsimd.hpp>) && __has_include(<Eigen/Core>)
#include "support/eigen_without_heap.hpp"
#include "support/worse.hpp"

#include <doctest/doctest.h>
#include <cmath>
#include <lacuna/lacuna.hpp>
#include <lacuna/with_eigen.hpp>
#include <lacuna/with_simd.hpp>
#include <vector>

namespace {
namespace lc = lacuna;
constexpr lc::extent_t tokens = 5, chosen = 2, most = 2 * lc::simd_lanes::lanes::lane_count + 1;

/// Rows of drawn numbers that begin one element behind an aligned address.
template <class Value, lc::extent_t Columns>
struct drawn_rows {
  std::vector<Value> data = std::vector<Value>(tokens * chosen * Columns + 1);
  explicit drawn_rows(std::uint64_t seed) {
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<Value>(lc::random_normal(seed, 3, i));
  }
  lc::rows<Value, Columns> first(lc::extent_t count) { return {data.data() + 1, count}; }
};
template <class Value>
double apart(const std::vector<Value>& found, const std::vector<Value>& expected) {
  double difference = 0;
  for (std::size_t i = 0; i < found.size(); ++i)
    difference = worse(difference, std::fabs(static_cast<double>(found[i]) - static_cast<double>(expected[i])));
  return difference;
}

/// Assignments of five tokens, in order: one has two, one none.
constexpr std::uint32_t named[]{0, 3, 5, 8, 9};

template <class Value, class Backend, lc::extent_t Columns>
void check_rows(double tolerance) {
  const lc::assignments<chosen> of{named, 5};
  drawn_rows<Value, chosen> gate(1);
  const auto both = [&](auto&& run) {
    // What an operation writes to is what it found there, and more.
    std::vector<Value> found, expected;
    run(lc::reference{}, expected);
    run(Backend{}, found);
    REQUIRE(found.size() == expected.size());
    CHECK(apart(found, expected) <= tolerance);
  };
  both([&]<class Where>(Where where, std::vector<Value>& to) {
    drawn_rows<Value, Columns> x(2), y(3);
    const auto ran = lc::op::dispatch(y.first(5), x.first(tokens), of, where);
    static_assert(lc::same<decltype(ran), const lc::ran_on<Where>>);
    to = y.data;
  });
  both([&]<class Where>(Where where, std::vector<Value>& to) {
    drawn_rows<Value, Columns> x(2), y(3);
    const auto ran = lc::op::dispatch_backward(x.first(tokens), y.first(5), of, where);
    static_assert(lc::same<decltype(ran), const lc::ran_on<Where>>);
    to = x.data;
  });
  both([&]<class Where>(Where where, std::vector<Value>& to) {
    drawn_rows<Value, Columns> x(2), y(3);
    const auto ran = lc::op::combine(y.first(tokens), x.first(5), gate.first(tokens), of, where);
    static_assert(lc::same<decltype(ran), const lc::ran_on<Where>>);
    to = y.data;
  });
  both([&]<class Where>(Where where, std::vector<Value>& to) {
    drawn_rows<Value, Columns> x(2), y(3), dfrom(4);
    drawn_rows<Value, chosen> dgate(5);
    const auto ran = lc::op::combine_backward(dfrom.first(5), dgate.first(tokens), y.first(tokens), x.first(5),
                                              gate.first(tokens), of, where);
    static_assert(lc::same<decltype(ran), const lc::ran_on<Where>>);
    to = dfrom.data;
    to.insert(to.end(), dgate.data.begin(), dgate.data.end());
  });
}

template <class Value, class Backend, lc::extent_t Experts>
void check_choice(double tolerance) {
  constexpr lc::extent_t best = Experts < 2 ? 1 : 2;
  for (const bool renormalised : {false, true}) {
    std::vector<Value> found, expected;
    std::vector<std::uint32_t> named_here, named_there;
    const auto run = [&]<class Where>(Where where, std::vector<Value>& to, std::vector<std::uint32_t>& names) {
      drawn_rows<Value, Experts> score(6);
      drawn_rows<Value, best> gate(7);
      drawn_rows<Value, 1> log_sum(8);
      if constexpr (Experts > 2) score.first(tokens)(1, 2) = score.first(tokens)(1, 0);  // equals: the first of them
      names.resize(tokens * best);
      const auto ran = lc::op::choose_experts(score.first(tokens), gate.first(tokens), log_sum.first(tokens),
                                              lc::rows<std::uint32_t, best>(names.data(), tokens), renormalised, where);
      static_assert(lc::same<decltype(ran), const lc::ran_on<Where>>);
      to = score.data;
      to.insert(to.end(), gate.data.begin(), gate.data.end());
      to.insert(to.end(), log_sum.data.begin(), log_sum.data.end());
    };
    run(lc::reference{}, expected, named_there);
    run(Backend{}, found, named_here);
    CHECK(named_here == named_there);
    CHECK(apart(found, expected) <= tolerance);
  }
}

template <lc::extent_t Columns>
void check_listed() {
  constexpr lc::extent_t neurons = 6;
  std::uint32_t numbers[tokens * neurons], sizes[tokens];
  for (std::uint32_t t = 0; t < tokens; ++t) {
    sizes[t] = t;  // none, then more
    for (std::uint32_t j = 0; j < t; ++j) numbers[t * neurons + j] = j + (t == 2 ? 3 : 0);
  }
  const lc::active_view<std::uint32_t, neurons> lists{numbers, sizes, tokens};
  std::vector<float> found, expected;
  const auto run = [&]<class Where>(Where where, std::vector<float>& to) {
    lc::tensor<float, neurons, Columns> gradient;
    for (lc::extent_t i = 0; i < gradient.size; ++i) gradient[i] = static_cast<float>(lc::random_normal(9, 3, i));
    drawn_rows<float, Columns> x(10);
    drawn_rows<float, neurons> dy(11);
    const auto ran = lc::op::accumulate_some_outputs(gradient, dy.first(tokens), x.first(tokens), lists, where);
    static_assert(lc::same<decltype(ran), const lc::ran_on<Where>>);
    to.assign(gradient.data, gradient.data + gradient.size);
  };
  run(lc::reference{}, expected);
  run(lc::simd{}, found);
  CHECK(apart(found, expected) <= 4e-6);
}

}  // namespace

TEST_CASE("rows to experts and back, of every length") {
  lc::for_each_index<most>([](auto i) {
    constexpr lc::extent_t columns = lc::extent_t{i} + 1;
    INFO(columns, " columns");
    check_rows<float, lc::simd, columns>(6e-6);
    check_rows<float, lc::eigen, columns>(6e-6);
  });
  check_rows<double, lc::eigen, 13>(1e-13);
}
TEST_CASE("the choice of any number of experts") {
  lc::for_each_index<most>([](auto i) {
    constexpr lc::extent_t experts = lc::extent_t{i} + 1;
    INFO(experts, " experts");
    check_choice<float, lc::simd, experts>(2e-6);
    check_choice<float, lc::eigen, experts>(2e-6);
  });
  check_choice<double, lc::eigen, 9>(1e-14);
}
TEST_CASE("gradients of listed rows of every length") {
  lc::for_each_index<most>([](auto i) { check_listed<lc::extent_t{i} + 1>(); });
}
#endif
