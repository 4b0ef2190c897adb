// Elementwise work, embeddings, rotations and the cache by Eigen against the reference, f32 and f64.
#if __has_include(<Eigen/Core>)
#include "support/eigen_without_heap.hpp"

#include "support/eigen_packets.hpp"
#include "support/unaligned_rows.hpp"

#include <doctest/doctest.h>
#include <cmath>
#include <lacuna/lacuna.hpp>
#include <lacuna/with_eigen.hpp>
#include <limits>

namespace {
namespace lc = lacuna;

using unaligned::shifted;
using unaligned::staircase;
using unaligned::tokens;

template <class Ran>
constexpr bool by_eigen = lc::same<std::remove_const_t<Ran>, lc::ran_on<lc::eigen>>;

/// The largest difference, relative where values are large; infinite where one is no number.
template <class Value>
double apart(const Value* found, const Value* expected, lc::extent_t count) {
  double most = 0;
  for (lc::extent_t i = 0; i < count; ++i) {
    const auto a = static_cast<double>(found[i]), b = static_cast<double>(expected[i]);
    const double difference = std::abs(a - b) / (1 + std::abs(b));
    most = std::max(most, std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference);
  }
  return most;
}
template <class Tensor>
double apart(const Tensor& found, const Tensor& expected) {
  return apart(found.data, expected.data, Tensor::size);
}
template <class Value>
constexpr double tolerance = lc::same<Value, double> ? 4e-15 : 3e-6;

/// Not a macro in every instance of a template: those are many.
void require_at_most(double found, double most) { REQUIRE(found <= most); }

/// One expression on both backends: every count of rows, and the sum over tokens.
template <class Value, lc::extent_t Columns, class Make>
void compare(Make&& make, double within = tolerance<Value>) {
  for (lc::extent_t count = 0; count <= tokens; ++count) {
    shifted<Value, Columns> expected(9), found(9);
    lc::op::evaluate(expected.view(count), make(expected), lc::reference{});
    const auto ran = lc::op::evaluate(found.view(count), make(found), lc::eigen{});
    static_assert(by_eigen<decltype(ran)>);
    require_at_most(apart(found.data, expected.data), within);
  }
  shifted<Value, Columns> any(9);
  lc::tensor<Value, Columns> expected, found;
  for (lc::extent_t c = 0; c < Columns; ++c) expected[c] = found[c] = Value(0.5);
  lc::op::sum_over_tokens(expected, make(any), tokens, lc::reference{});
  const auto ran = lc::op::sum_over_tokens(found, make(any), tokens, lc::eigen{});
  static_assert(by_eigen<decltype(ran)>);
  require_at_most(apart(found, expected), 3 * within);
}

/// Views, vectors, columns, numbers; reductions; the destination as an operand.
template <class Value, lc::extent_t Columns>
void expressions() {
  static shifted<Value, Columns> g(1), u(2);
  static lc::tensor<Value, Columns> gain;
  for (lc::extent_t c = 0; c < Columns; ++c) gain[c] = static_cast<Value>(c) * Value(0.1) - 1;
  compare<Value, Columns>([](auto& x) {
    return x.view() * lc::inverse_root(lc::row_mean(x.view() * x.view()) + Value(1e-5)) * gain +
           lc::map<lc::silu>(g.view()) * u.view();
  });
  compare<Value, Columns>([](auto&) {
    return -lc::exponential(g.view() - lc::row_maximum(g.view())) / (lc::row_sum(u.view() * u.view()) + Value(1));
  });
}
/// All lengths to two packets and one more, and some beyond.
template <class Value, std::size_t... Length>
void all_lengths(std::index_sequence<Length...>) {
  (expressions<Value, Length + 1>(), ...);
  expressions<Value, 16>(), expressions<Value, 17>(), expressions<Value, 33>();
}

template <class Value, class Activation>
void activation() {
  static shifted<Value, 37> g(4);
  compare<Value, 37>([](auto& x) { return x.view() + lc::map<Activation>(g.view() * Value(3)); });
  compare<Value, 37>([](auto& x) { return x.view() * lc::map_derivative<Activation>(g.view() * Value(3)); },
                     2 * tolerance<Value>);
}

template <class Value, lc::extent_t Columns, lc::extent_t HeadWidth, lc::rotary_pairs Pairs,
          lc::extent_t Rotated = HeadWidth>
void rotations() {
  lc::rotation_angles<Value, Rotated, 40, lc::theta{}> angles;
  angles.build();
  for (const bool backward : {false, true})
    for (const lc::extent_t first : {0u, 37u}) {
      shifted<Value, Columns> expected(5), found(5);
      constexpr lc::constant<lc::rotary_pairs, Pairs> pairs{};
      const auto table = angles.template view<HeadWidth>();
      lc::op::rotate(expected.view(), table, first, backward, pairs, lc::reference{});
      const auto ran = lc::op::rotate(found.view(), table, first, backward, pairs, lc::eigen{});
      static_assert(by_eigen<decltype(ran)>);
      REQUIRE(apart(found.data, expected.data) <= tolerance<Value>);
    }
}

template <class Value, class Element, lc::extent_t Columns>
void embeddings() {
  constexpr lc::extent_t vocabulary = 6;
  lc::tensor<Element, vocabulary, Columns> table;
  std::uint64_t drawn = 0;
  for (auto& of : table.data) of = lc::convert_element<Element>(static_cast<float>(lc::random_normal(6, 0, drawn++)));
  const std::uint32_t numbers[tokens]{5, 0, 5};
  shifted<Value, Columns> expected(7), found(7);
  lc::op::embed(expected.view(), table, {numbers, tokens}, lc::reference{});
  const auto ran = lc::op::embed(found.view(), table, {numbers, tokens}, lc::eigen{});
  static_assert(by_eigen<decltype(ran)>);
  REQUIRE(apart(found.data, expected.data) == 0);
  lc::tensor<Value, vocabulary, Columns> expected_gradient, found_gradient;
  lc::op::embed_backward(expected_gradient, expected.view(), {numbers, tokens}, lc::reference{});
  const auto ran_backward = lc::op::embed_backward(found_gradient, expected.view(), {numbers, tokens}, lc::eigen{});
  static_assert(by_eigen<decltype(ran_backward)>);
  REQUIRE(apart(found_gradient, expected_gradient) == 0);
}

template <class Value, lc::extent_t KvHeads, lc::extent_t HeadWidth>
void caches() {
  constexpr lc::extent_t columns = KvHeads * HeadWidth, size = 3 * columns * lc::block_keys;
  using cache = lc::cache_view<Value, KvHeads, HeadWidth, lc::linear_cache::address>;
  using readable = lc::cache_view<const Value, KvHeads, HeadWidth, lc::linear_cache::address>;
  lc::tensor<Value, 40, columns> key, value;
  std::uint64_t drawn = 0;
  for (auto& of : key.data) of = static_cast<Value>(lc::random_normal(8, 0, drawn++));
  for (auto& of : value.data) of = static_cast<Value>(lc::random_normal(8, 1, drawn++));
  lc::tensor<Value, size> expected[2], found[2];
  // What an earlier stream left behind is cleared where a block begins.
  for (auto& of : found)
    for (auto& x : of.data) x = std::numeric_limits<Value>::quiet_NaN();
  for (lc::extent_t first = 0; first < 40; first += 13) {
    const lc::extent_t count = first + 13 < 40 ? 13 : 40 - first;
    const auto keys = key.view().slice(first, count), values = value.view().slice(first, count);
    lc::op::append(cache{expected[0].data, expected[1].data, {}}, keys, values, first, lc::reference{});
    const auto ran = lc::op::append(cache{found[0].data, found[1].data, {}}, keys, values, first, lc::eigen{});
    static_assert(by_eigen<decltype(ran)>);
  }
  for (int which = 0; which < 2; ++which) REQUIRE(apart(found[which], expected[which]) == 0);
  auto expected_key = key, found_key = key, expected_value = value, found_value = value;
  const readable dcache{found[0].data, found[1].data, {}};
  lc::op::append_backward(dcache, expected_key.first(30), expected_value.first(30), 10, lc::reference{});
  const auto ran = lc::op::append_backward(dcache, found_key.first(30), found_value.first(30), 10, lc::eigen{});
  static_assert(by_eigen<decltype(ran)>);
  REQUIRE(apart(found_key, expected_key) == 0);
  REQUIRE(apart(found_value, expected_value) == 0);
}

}  // namespace

TEST_CASE("expressions by Eigen: all lengths, from unaligned memory, in place") {
  all_lengths<float>(std::make_index_sequence<2 * eigen_packet<float> + 1>{});
  all_lengths<double>(std::make_index_sequence<2 * eigen_packet<double> + 1>{});
  static shifted<lc::bfloat16, 20> narrow(3);
  compare<float, 20>([](auto& x) { return x.view() - narrow.view(); });
}
TEST_CASE_TEMPLATE("activations and their derivatives by Eigen; one that knows no lanes", Value, float, double) {
  activation<Value, lc::relu>();
  activation<Value, lc::squared_relu>();
  activation<Value, lc::sigmoid>();
  activation<Value, lc::silu>();
  activation<Value, lc::gelu>();
  activation<Value, lc::gelu_tanh>();
  activation<Value, staircase>();
}
TEST_CASE_TEMPLATE("rotations by Eigen", Value, float, double) {
  using enum lc::rotary_pairs;
  rotations<Value, 2, 2, neighbours>();
  rotations<Value, 64, 8, neighbours>();
  rotations<Value, 12, 6, neighbours>();
  rotations<Value, 60, 20, neighbours>();
  rotations<Value, 2, 2, halves>();
  rotations<Value, 60, 20, halves>();
  rotations<Value, 192, 64, halves>();
  rotations<Value, 60, 20, neighbours, 6>();
}
TEST_CASE("embeddings by Eigen") {
  embeddings<float, float, 1>();
  embeddings<float, float, 33>();
  embeddings<float, lc::bfloat16, 20>();
  embeddings<float, lc::float16, 47>();
  embeddings<double, double, 1>();
  embeddings<double, double, 33>();
}
TEST_CASE_TEMPLATE("the cache by Eigen", Value, float, double) {
  caches<Value, 2, 4>();
  caches<Value, 1, 8>();
  caches<Value, 3, 17>();
  caches<Value, 2, 64>();
}
TEST_CASE("Eigen may not allocate in these tests") { CHECK(!eigen_may_allocate); }
#endif
