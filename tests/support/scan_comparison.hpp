#pragma once
// Attention through features of a backend against the reference, forward and backward: everything that a comparison
// needs but the list of cases.

#include <doctest/doctest.h>
#include <algorithm>
#include <cmath>
#include <lacuna/lacuna.hpp>
#include <memory>

namespace scan_tests {
namespace lc = lacuna;

/// A map that no backend knows: squares, of which a vector's first feature may be the largest by far.
template <class Value, lc::extent_t HeadWidth>
struct squares {
  static constexpr lc::extent_t projections = 0;
  constexpr Value apply(const Value* x, Value* phi) const noexcept {
    for (lc::extent_t d = 0; d < HeadWidth; ++d) phi[d] = x[d] * x[d];
    return x[0];
  }
  constexpr void add_adjoint(const Value* x, const Value*, const Value* dphi, Value* dx) const noexcept {
    for (lc::extent_t d = 0; d < HeadWidth; ++d) dx[d] += 2 * x[d] * dphi[d];
  }
};
struct squared_features {
  static constexpr lc::extent_t count(lc::extent_t head_width) { return head_width; }
  static constexpr lc::extent_t projections(lc::extent_t) { return 0; }
  template <class Value>
  static constexpr void draw(Value*, lc::extent_t) {}
  template <class Value, lc::extent_t HeadWidth>
  static constexpr auto map(const Value*) {
    return squares<Value, HeadWidth>{};
  }
};

/// A scan on `Backend` and on the reference, computed as `Value`.
template <class Backend, class Value, class Score, bool Causal, lc::extent_t Heads, lc::extent_t KvHeads,
          lc::extent_t HeadWidth>
struct comparison {
  static constexpr double tolerance = lc::same<Value, double> ? 1e-11 : 2e-5;
  static constexpr lc::extent_t most = 96, columns = Heads * HeadWidth, kv_columns = KvHeads * HeadWidth;
  static constexpr lc::extent_t features = Score::count(HeadWidth), rows = Score::projections(HeadWidth);
  using state_view = lc::scan_state<Value, KvHeads, features, HeadWidth>;
  struct stream {
    lc::tensor<Value, KvHeads, features, HeadWidth> sums;
    lc::tensor<Value, KvHeads, features> totals;
    lc::tensor<Value, KvHeads> scale;
    lc::tensor<Value, most + 1, columns> mixed;
    lc::tensor<Value, most + 1, KvHeads> scales;
    lc::tensor<Value, most + 1, Heads> denominators;
    lc::tensor<Value, most, columns> dquery;
    lc::tensor<Value, most, kv_columns> dkey, dvalue;
    state_view state() { return {sums.data, totals.data, scale.data}; }
    lc::scan_rows<Value, Heads, KvHeads> saved(lc::extent_t first, lc::extent_t count) {
      return {scales.first(most + 1).slice(first, count), denominators.first(most + 1).slice(first, count)};
    }
  };
  stream expected, found, turned;
  lc::tensor<Value, most, columns> query, dmixed;
  lc::tensor<Value, most, kv_columns> key, value;
  lc::tensor<Value, (rows == 0 ? 1 : rows), HeadWidth> drawn;

  comparison() {
    std::uint64_t at = 0;
    const auto draw = [&](auto& tensor) {
      for (auto& of : tensor.data) of = static_cast<Value>(lc::random_normal(31, HeadWidth, at++));
    };
    draw(query), draw(key), draw(value), draw(dmixed);
    // One key far out, so that the scale jumps in the middle of a stream.
    for (lc::extent_t c = 0; c < kv_columns; ++c) key[40 * kv_columns + c] *= 2;
    Score::draw(drawn.data, HeadWidth);
  }
  auto map() const { return Score::template map<Value, HeadWidth>(drawn.data); }

  template <class OtherBackend>
  auto run(stream& of, lc::extent_t first, lc::extent_t count, const OtherBackend& backend) {
    return lc::op::scan(of.mixed.first(most + 1).slice(first, count), of.saved(first, count),
                        query.first(most).slice(first, count), key.first(most).slice(first, count),
                        value.first(most).slice(first, count), of.state(), map(), lc::constant<bool, Causal>{},
                        backend);
  }
  /// Sums of many products are compared by their own size, relative to the largest.
  template <class Tensor>
  void compare(const Tensor& of_reference, const Tensor& of_backend, lc::extent_t count) {
    double largest = 1, apart = 0;
    for (lc::extent_t i = 0; i < count; ++i) {
      const auto right = static_cast<double>(of_reference[i]), own = static_cast<double>(of_backend[i]);
      largest = std::max(largest, std::abs(right));
      apart = std::max(apart, right == own ? 0 : std::isnan(right - own) ? 1e30 : std::abs(right - own));
    }
    REQUIRE(apart <= tolerance * largest);
  }
  void compare_states() {
    compare(expected.sums, found.sums, expected.sums.size);
    compare(expected.totals, found.totals, expected.totals.size);
    compare(expected.scale, found.scale, expected.scale.size);
  }
  void check(lc::extent_t count) {
    expected.state().clear(), found.state().clear();
    found.mixed.first(most + 1).fill(77), found.denominators.first(most + 1).fill(77);
    run(expected, 0, count, lc::reference{});
    const auto ran = run(found, 0, count, Backend{});
    static_assert(lc::same<decltype(ran), const lc::ran_on<Backend>>);
    compare(expected.mixed, found.mixed, count * columns);
    compare(expected.denominators, found.denominators, count * Heads);
    compare(expected.scales, found.scales, count * KvHeads);
    compare_states();
    for (lc::extent_t i = 0; i < columns; ++i) REQUIRE(found.mixed[count * columns + i] == 77);
    for (lc::extent_t h = 0; h < Heads; ++h) REQUIRE(found.denominators[count * Heads + h] == 77);
  }
  /// Adjoints of the rows of `check`; they accumulate.
  void check_backward(lc::extent_t count) {
    check(count);
    const auto differentiate = [&](stream& of, const auto& backend) {
      std::uint64_t at = 0;
      const auto draw = [&](auto& tensor) {
        for (auto& x : tensor.data) x = static_cast<Value>(lc::random_normal(37, 0, at++));
      };
      draw(of.dquery), draw(of.dkey), draw(of.dvalue);
      turned.totals.first(1).fill(55), turned.sums[0] = 55;  // it is cleared
      // Both start from the reference's rows: what is compared is the backward.
      return lc::op::scan_backward(of.dquery.first(count), of.dkey.first(count), of.dvalue.first(count),
                                   expected.mixed.first(count), dmixed.first(count), expected.saved(0, count),
                                   query.first(count), key.first(count), value.first(count), of.state(), turned.state(),
                                   map(), lc::constant<bool, Causal>{}, backend);
    };
    differentiate(expected, lc::reference{});
    const auto ran = differentiate(found, Backend{});
    static_assert(lc::same<decltype(ran), const lc::ran_on<Backend>>);
    compare(expected.dquery, found.dquery, expected.dquery.size);
    compare(expected.dkey, found.dkey, expected.dkey.size);
    compare(expected.dvalue, found.dvalue, expected.dvalue.size);
  }
  /// A stream in pieces gives the bits of the whole.
  void check_pieces(lc::extent_t piece)
    requires(Causal)
  {
    check(most);
    const auto whole = found.mixed;
    found.state().clear();
    for (lc::extent_t t = 0; t < most; t += piece) run(found, t, std::min(piece, most - t), Backend{});
    for (lc::extent_t i = 0; i < most * columns; ++i) REQUIRE(found.mixed[i] == whole[i]);
    compare_states();
  }
};

template <class Backend, class Value, class Score, lc::extent_t Heads, lc::extent_t KvHeads, lc::extent_t HeadWidth>
void compare() {
  constexpr lc::extent_t lanes = lc::backend_traits<Backend>::lanes;
  const auto lengths = [](auto& of) {
    for (lc::extent_t count = 0; count <= 2 * lanes + 1; ++count) of.check_backward(count);
    of.check_backward(of.most);
  };
  auto causal = std::make_unique<comparison<Backend, Value, Score, true, Heads, KvHeads, HeadWidth>>();
  lengths(*causal);
  for (const lc::extent_t piece : {1u, 5u, 24u, 50u}) causal->check_pieces(piece);
  auto full = std::make_unique<comparison<Backend, Value, Score, false, Heads, KvHeads, HeadWidth>>();
  lengths(*full);
}

}  // namespace scan_tests
