#pragma once
// Features with exact scores on a route's keys: a backend against the reference, forward and backward, all but the list
// of cases.

#include <doctest/doctest.h>
#include <algorithm>
#include <cmath>
#include <lacuna/lacuna.hpp>
#include <limits>
#include <memory>

namespace corrected_tests {
namespace lc = lacuna;

/// The largest difference, relative to the largest number; where one alone is no number, infinite. Both may be none
/// where `broken` says so.
template <class Tensor>
double apart(const Tensor& expected, const Tensor& found, lc::extent_t count, bool broken = false) {
  double largest = 1, most = 0;
  for (lc::extent_t i = 0; i < count; ++i) {
    const auto a = static_cast<double>(expected.data[i]), b = static_cast<double>(found.data[i]);
    if (a == b || (broken && std::isnan(a) && std::isnan(b))) continue;
    most = std::isnan(b - a) ? HUGE_VAL : std::max(most, std::abs(b - a));
    if (std::abs(a) > largest) largest = std::abs(a);
  }
  return most / largest;
}

/// Rows that see a few keys of their own, of the past, or none.
using near = lc::both<lc::causal, lc::window<5>>;
/// Odd rows see nothing, the others two of three keys.
struct gaps {
  static constexpr lc::spans<200> spans(lc::extent_t query, lc::extent_t) {
    lc::spans<200> seen;
    if (query % 2 == 0)
      for (lc::extent_t k = 0; k <= query; k += 3) seen.add(k, k + 2 <= query + 1 ? k + 2 : query + 1);
    return seen;
  }
};
/// And keys ahead.
using around = lc::window<20>;

template <class Backend, class Value, class Score, class Route, bool Causal, lc::extent_t Heads, lc::extent_t KvHeads,
          lc::extent_t HeadWidth>
struct comparison {
  static constexpr double tolerance = lc::same<Value, double> ? 1e-10 : 1e-4;
  static constexpr lc::extent_t context = 112, columns = Heads * HeadWidth, kv_columns = KvHeads * HeadWidth;
  static constexpr lc::extent_t features = Score::count(HeadWidth), drawn_rows = Score::projections(HeadWidth);
  static constexpr lc::extent_t blocks = lc::blocks_of(context), positions = blocks * lc::block_keys;
  using address = lc::linear_cache::address;
  using state_view = lc::corrected_state<Value, Heads, KvHeads, features, HeadWidth, address>;
  using rows_view = lc::corrected_rows<Value, Heads, KvHeads>;
  using cache_type = lc::cache_view<Value, KvHeads, HeadWidth, address>;

  struct stream {
    lc::tensor<Value, blocks, KvHeads, HeadWidth, lc::block_keys> keys, values;
    lc::tensor<Value, positions, KvHeads, features> key_features;
    lc::tensor<Value, positions, KvHeads> key_scales;
    lc::tensor<Value, KvHeads, features, HeadWidth> sums;
    lc::tensor<Value, KvHeads, features> totals;
    lc::tensor<Value, KvHeads> scale;
    lc::tensor<Value, Heads> clamped;
    lc::tensor<Value, context + 1, columns> mixed;
    lc::tensor<Value, context, KvHeads> scales;
    lc::tensor<Value, context, Heads> log_scales, shares;
    lc::tensor<Value, context, columns> dquery;
    lc::tensor<Value, context, kv_columns> dkey, dvalue;
    state_view state() {
      return {{sums.data, totals.data, scale.data}, key_features.data, key_scales.data, clamped.data, {}};
    }
    cache_type cache() { return {keys.data, values.data, {}}; }
    rows_view saved(lc::extent_t first, lc::extent_t count) {
      return {scales.view().slice(first, count), log_scales.view().slice(first, count),
              shares.view().slice(first, count)};
    }
  };
  stream expected, found, expected_adjoint, found_adjoint;
  lc::tensor<Value, context, columns> query, dmixed;
  lc::tensor<Value, context, kv_columns> key, value;
  lc::tensor<Value, (drawn_rows == 0 ? 1 : drawn_rows), HeadWidth> drawn;
  lc::shared_plan<Route, context, context> plan;

  comparison() {
    std::uint64_t at = 0;
    const auto draw = [&](auto& tensor) {
      for (auto& of : tensor.data) of = static_cast<Value>(0.7 * lc::random_normal(41, HeadWidth, at++));
    };
    draw(query), draw(key), draw(value), draw(dmixed);
    // One key far out, so that the scale jumps in the middle of a stream.
    for (lc::extent_t c = 0; c < kv_columns; ++c) key[40 * kv_columns + c] *= 2;
    Score::draw(drawn.data, HeadWidth);
  }
  auto map() const { return Score::template map<Value, HeadWidth>(drawn.data); }
  static auto rule() {
    return lc::score_rule<lc::softmax, lc::no_score_bias, Value>{static_cast<Value>(lc::dot::scale(HeadWidth))};
  }
  template <class OtherBackend>
  auto run(stream& of, lc::extent_t first, lc::extent_t count, const OtherBackend& backend, bool keeps = true) {
    const auto part = [&](auto& rows) { return rows.view().slice(first, count); };
    if (first == 0) of.state().clear();
    plan.prepare(first, count);
    lc::op::append(of.cache(), part(key), part(value), first, lc::reference{});
    const rows_view none{{nullptr, count}, {nullptr, count}, {nullptr, count}};
    return lc::op::corrected_scan(part(of.mixed), keeps ? of.saved(first, count) : none, part(query), part(key),
                                  part(value), of.state(), readable(of.cache()), plan.view(), rule(), map(),
                                  lc::constant<bool, Causal>{}, backend);
  }
  void check(lc::extent_t count, bool broken = false) {
    for (stream* of : {&expected, &found}) {
      for (auto& x : of->keys.data) x = std::numeric_limits<Value>::quiet_NaN();  // left by another stream
      of->values = of->keys;
    }
    found.mixed.view().fill(77);
    run(expected, 0, count, lc::reference{});
    const auto ran = run(found, 0, count, Backend{});
    static_assert(lc::same<decltype(ran), const lc::ran_on<Backend>>);
    const auto close = [&](const auto& a, const auto& b, lc::extent_t size) {
      REQUIRE(apart(a, b, size, broken) < tolerance);
    };
    close(expected.mixed, found.mixed, count * columns);
    close(expected.scales, found.scales, count * KvHeads);
    close(expected.log_scales, found.log_scales, count * Heads);
    close(expected.shares, found.shares, count * Heads);
    close(expected.sums, found.sums, expected.sums.size);
    close(expected.totals, found.totals, expected.totals.size);
    close(expected.key_features, found.key_features, count * KvHeads * features);
    close(expected.key_scales, found.key_scales, count * KvHeads);
    for (lc::extent_t h = 0; h < Heads; ++h) REQUIRE(found.clamped[h] == expected.clamped[h]);
    for (lc::extent_t i = 0; i < columns; ++i) REQUIRE(found.mixed[count * columns + i] == 77);
  }
  /// Adjoints of the rows of `check`; they accumulate. Both start from the reference's rows: what is compared is the
  /// backward.
  void check_backward(lc::extent_t count, bool broken = false) {
    plan.prepare(0, count);
    const auto differentiate = [&](stream& state, stream& to, const auto& backend) {
      std::uint64_t at = 0;
      const auto draw = [&](auto& tensor) {
        for (auto& x : tensor.data) x = static_cast<Value>(lc::random_normal(43, 0, at++));
      };
      draw(to.dquery), draw(to.dkey), draw(to.dvalue), draw(to.keys), draw(to.values), draw(to.key_features);
      draw(to.sums), draw(to.totals);  // they are cleared
      return lc::op::corrected_scan_backward(to.dquery.first(count), to.dkey.first(count), to.dvalue.first(count),
                                             to.cache(), expected.mixed.first(count), dmixed.first(count),
                                             expected.saved(0, count), query.first(count), key.first(count),
                                             value.first(count), state.state(), to.state(), readable(state.cache()),
                                             plan.view(), rule(), map(), lc::constant<bool, Causal>{}, backend);
    };
    differentiate(expected, expected_adjoint, lc::reference{});
    const auto ran = differentiate(found, found_adjoint, Backend{});
    static_assert(lc::same<decltype(ran), const lc::ran_on<Backend>>);
    const auto close = [&](const auto& a, const auto& b) { REQUIRE(apart(a, b, a.size, broken) < tolerance); };
    close(expected_adjoint.dquery, found_adjoint.dquery);
    close(expected_adjoint.dkey, found_adjoint.dkey);
    close(expected_adjoint.dvalue, found_adjoint.dvalue);
    close(expected_adjoint.keys, found_adjoint.keys);
    close(expected_adjoint.values, found_adjoint.values);
    close(expected_adjoint.key_features, found_adjoint.key_features);
  }
  /// A stream in pieces gives the bits of the whole, whether rows are kept or not.
  void check_pieces(lc::extent_t piece) {
    check(context);
    const auto whole = found.mixed;
    for (lc::extent_t t = 0; t < context; t += piece) run(found, t, std::min(piece, context - t), Backend{}, false);
    for (lc::extent_t i = 0; i < context * columns; ++i) REQUIRE(found.mixed[i] == whole[i]);
  }
  void check_all(bool is_bounded) {
    constexpr lc::extent_t lanes = lc::backend_traits<Backend>::lanes;
    for (lc::extent_t count = 0; count <= 2 * lanes + 1; ++count) check(count), check_backward(count);
    check(context), check_backward(context);
    if constexpr (Causal)
      for (const lc::extent_t piece : {1u, 5u, 24u, 50u}) check_pieces(piece);
    // What is no number reaches what the reference says, and nothing else.
    constexpr lc::extent_t bad = 20, count = 30;
    const auto kept = std::pair{key, value};
    key[bad * kv_columns] = std::numeric_limits<Value>::quiet_NaN();
    check(count, true), check_backward(count, true);
    key = kept.first;
    value[bad * kv_columns + kv_columns - 1] = std::numeric_limits<Value>::infinity();
    check(count, true), check_backward(count, true);
    value = kept.second;
    const auto kept_query = query;
    query[bad * columns] = std::numeric_limits<Value>::quiet_NaN();
    check(count, true), check_backward(count, true);
    query = kept_query;
    // Estimates that rounding loses: all that rows do not see is far below what they see. Where it is just not lost, as
    // by features that grow with the square of keys, neither side has its digits.
    if (!is_bounded) return;
    for (lc::extent_t t = 0; t < context; t += 7)
      for (lc::extent_t c = 0; c < kv_columns; ++c) key[t * kv_columns + c] *= 12;
    check(context), check_backward(context);
    key = kept.first;
  }
};

template <class Backend, class Value, class Score, lc::extent_t Heads, lc::extent_t KvHeads, lc::extent_t HeadWidth>
void compare(bool is_bounded = true) {
  std::make_unique<comparison<Backend, Value, Score, near, true, Heads, KvHeads, HeadWidth>>()->check_all(is_bounded);
  std::make_unique<comparison<Backend, Value, Score, gaps, true, Heads, KvHeads, HeadWidth>>()->check_all(is_bounded);
  std::make_unique<comparison<Backend, Value, Score, around, false, Heads, KvHeads, HeadWidth>>()->check_all(
      is_bounded);
}

}  // namespace corrected_tests
