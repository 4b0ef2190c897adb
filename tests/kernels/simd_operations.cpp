// Elementwise work, embeddings, rotations and the cache on SIMD lanes against the reference.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/unaligned_rows.hpp"

#include <doctest/doctest.h>
#include <cmath>
#include <lacuna/lacuna.hpp>
#include <lacuna/with_simd.hpp>
#include <limits>

namespace {
namespace lc = lacuna;

using unaligned::staircase;
using unaligned::tokens;
template <lc::extent_t Columns, class Element = float>
using shifted = unaligned::shifted<Element, Columns>;

template <lc::extent_t Columns>
bool same(shifted<Columns>& found, shifted<Columns>& expected, double tolerance) {
  for (lc::extent_t i = 0; i < found.data.size; ++i) {
    const double a = static_cast<double>(found.data[i]), b = static_cast<double>(expected.data[i]);
    if (!(std::abs(a - b) <= tolerance * (1 + std::abs(b)))) return false;
  }
  return true;
}

/// One expression on both backends, `count` rows of it.
template <lc::extent_t Columns, class Make>
void compare(Make&& make, double tolerance = 3e-6) {
  for (lc::extent_t count = 0; count <= tokens; ++count) {
    shifted<Columns> expected(9), found(9);
    lc::op::evaluate(expected.view(count), make(expected), lc::reference{});
    const auto ran = lc::op::evaluate(found.view(count), make(found), lc::simd{});
    static_assert(lc::same<decltype(ran), const lc::ran_on<lc::simd>>);
    REQUIRE(same(found, expected, tolerance));
  }
  lc::tensor<float, Columns> expected_sum, found_sum;
  shifted<Columns> any(9);
  for (lc::extent_t c = 0; c < Columns; ++c) expected_sum[c] = found_sum[c] = 0.5f;
  lc::op::sum_over_tokens(expected_sum, make(any), tokens, lc::reference{});
  lc::op::sum_over_tokens(found_sum, make(any), tokens, lc::simd{});
  for (lc::extent_t c = 0; c < Columns; ++c)
    REQUIRE(found_sum[c] == doctest::Approx(expected_sum[c]).epsilon(1e-5).scale(1));
}

template <lc::extent_t Columns>
void expressions() {
  static shifted<Columns> g(1), u(2);
  static shifted<Columns, lc::bfloat16> narrow(3);
  static lc::tensor<float, Columns> gain;
  for (lc::extent_t c = 0; c < Columns; ++c) gain[c] = static_cast<float>(c) * 0.1f - 1;
  // The destination is an operand, too.
  compare<Columns>([](auto& x) { return x.view() + lc::map<lc::silu>(g.view()) * u.view(); });
  compare<Columns>(
      [](auto& x) { return x.view() * lc::inverse_root(lc::row_mean(x.view() * x.view()) + 1e-5f) * gain; });
  compare<Columns>([](auto&) { return lc::exponential(g.view() - lc::row_maximum(g.view())); });
  compare<Columns>([](auto&) { return -narrow.view() / (lc::row_sum(u.view() * u.view()) + 1.0f); });
}
template <std::size_t... Length>
void all_lengths(std::index_sequence<Length...>) {
  (expressions<Length + 1>(), ...);
}

template <class Activation>
void activation() {
  static shifted<37> g(4);
  compare<37>([](auto& x) { return x.view() + lc::map<Activation>(g.view() * 3.0f); }, 2e-6);
  compare<37>([](auto& x) { return x.view() * lc::map_derivative<Activation>(g.view() * 3.0f); }, 5e-6);
}

template <lc::extent_t Columns, lc::extent_t HeadWidth, lc::rotary_pairs Pairs, lc::extent_t Rotated = HeadWidth>
void rotations() {
  lc::rotation_angles<float, Rotated, 40, lc::theta{}> angles;
  angles.build();
  for (const bool backward : {false, true})
    for (const lc::extent_t first : {0u, 37u}) {
      shifted<Columns> expected(5), found(5);
      const auto table = angles.template view<HeadWidth>();
      lc::op::rotate(expected.view(), table, first, backward, lc::constant<lc::rotary_pairs, Pairs>{},
                     lc::reference{});
      const auto ran = lc::op::rotate(found.view(), table, first, backward,
                                      lc::constant<lc::rotary_pairs, Pairs>{}, lc::simd{});
      static_assert(lc::same<decltype(ran), const lc::ran_on<lc::simd>>);
      REQUIRE(same(found, expected, 1e-6));
    }
}

template <class Element, lc::extent_t Columns>
void embeddings() {
  constexpr lc::extent_t vocabulary = 6;
  lc::tensor<Element, vocabulary, Columns> table;
  std::uint64_t drawn = 0;
  for (auto& of : table.data) of = lc::convert_element<Element>(static_cast<float>(lc::random_normal(6, 0, drawn++)));
  const std::uint32_t numbers[tokens]{5, 0, 5};
  shifted<Columns> expected(7), found(7);
  lc::op::embed(expected.view(), table, {numbers, tokens}, lc::reference{});
  const auto ran = lc::op::embed(found.view(), table, {numbers, tokens}, lc::simd{});
  static_assert(lc::same<decltype(ran), const lc::ran_on<lc::simd>>);
  REQUIRE(same(found, expected, 0));
  lc::tensor<float, vocabulary, Columns> expected_gradient, found_gradient;
  lc::op::embed_backward(expected_gradient, expected.view(), {numbers, tokens}, lc::reference{});
  lc::op::embed_backward(found_gradient, expected.view(), {numbers, tokens}, lc::simd{});
  for (lc::extent_t i = 0; i < vocabulary * Columns; ++i) REQUIRE(found_gradient[i] == expected_gradient[i]);
}

template <lc::extent_t KvHeads, lc::extent_t HeadWidth>
void caches() {
  constexpr lc::extent_t columns = KvHeads * HeadWidth, blocks = 3, size = blocks * columns * lc::block_keys;
  using cache = lc::cache_view<float, KvHeads, HeadWidth, lc::linear_cache::address>;
  using readable = lc::cache_view<const float, KvHeads, HeadWidth, lc::linear_cache::address>;
  lc::tensor<float, 40, columns> key, value;
  std::uint64_t drawn = 0;
  for (auto& of : key.data) of = static_cast<float>(lc::random_normal(8, 0, drawn++));
  for (auto& of : value.data) of = static_cast<float>(lc::random_normal(8, 1, drawn++));
  lc::tensor<float, size> expected[2], found[2];
  // What an earlier stream left behind is cleared where a block begins.
  for (auto& of : found)
    for (auto& x : of.data) x = std::numeric_limits<float>::quiet_NaN();
  for (lc::extent_t first = 0; first < 40; first += 13) {
    const lc::extent_t count = first + 13 < 40 ? 13 : 40 - first;
    lc::op::append(cache{expected[0].data, expected[1].data, {}}, key.view().slice(first, count),
                   value.view().slice(first, count), first, lc::reference{});
    const auto ran = lc::op::append(cache{found[0].data, found[1].data, {}}, key.view().slice(first, count),
                                    value.view().slice(first, count), first, lc::simd{});
    static_assert(lc::same<decltype(ran), const lc::ran_on<lc::simd>>);
  }
  for (int which = 0; which < 2; ++which)
    for (lc::extent_t i = 0; i < size; ++i) REQUIRE(found[which][i] == expected[which][i]);
  lc::tensor<float, 40, columns> expected_key = key, found_key = key, expected_value = value, found_value = value;
  lc::op::append_backward(readable{found[0].data, found[1].data, {}}, expected_key.first(30), expected_value.first(30),
                          10, lc::reference{});
  lc::op::append_backward(readable{found[0].data, found[1].data, {}}, found_key.first(30), found_value.first(30), 10,
                          lc::simd{});
  for (lc::extent_t i = 0; i < 40 * columns; ++i) {
    REQUIRE(found_key[i] == expected_key[i]);
    REQUIRE(found_value[i] == expected_value[i]);
  }
}

}  // namespace

TEST_CASE("expressions of all lengths, from unaligned memory, in place") {
  all_lengths(std::make_index_sequence<2 * lc::simd_lanes::lanes::lane_count + 1>{});
  expressions<100>();
}
TEST_CASE("activations and their derivatives; one that knows no lanes") {
  activation<lc::relu>();
  activation<lc::squared_relu>();
  activation<lc::sigmoid>();
  activation<lc::silu>();
  activation<lc::gelu>();
  activation<lc::gelu_tanh>();
  activation<staircase>();
}
TEST_CASE("rotations") {
  using enum lc::rotary_pairs;
  rotations<2, 2, neighbours>();
  rotations<64, 8, neighbours>();
  rotations<12, 6, neighbours>();
  rotations<60, 20, neighbours>();
  rotations<144, 48, neighbours>();
  rotations<2, 2, halves>();
  rotations<64, 8, halves>();
  rotations<60, 20, halves>();
  rotations<192, 64, halves>();
  rotations<60, 20, neighbours, 6>();
  rotations<64, 16, halves, 4>();
  rotations<144, 48, halves, 26>();
}
TEST_CASE("embeddings") {
  embeddings<float, 1>();
  embeddings<float, 33>();
  embeddings<lc::bfloat16, 20>();
  embeddings<lc::float16, 47>();
}
TEST_CASE("the cache") {
  caches<2, 4>();
  caches<1, 8>();
  caches<3, 17>();
  caches<2, 64>();
}
#endif
