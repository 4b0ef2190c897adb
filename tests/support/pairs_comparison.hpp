#pragma once
// Attention through features, pair by pair: a backend against the reference, forward and backward, all but the list of
// cases.

#include "support/corrected_comparison.hpp"

namespace pairs_tests {
namespace lc = lacuna;
using corrected_tests::apart, corrected_tests::around, corrected_tests::gaps, corrected_tests::near;

template <class Backend, class Value, class Score, class Route, lc::extent_t Heads, lc::extent_t KvHeads,
          lc::extent_t HeadWidth>
struct comparison {
  static constexpr double tolerance = lc::same<Value, double> ? 1e-11 : 2e-5;
  // Not a whole number of blocks: nothing behind the last position is there.
  static constexpr lc::extent_t context = 77, columns = Heads * HeadWidth, kv_columns = KvHeads * HeadWidth;
  static constexpr lc::extent_t features = Score::count(HeadWidth), drawn_rows = Score::projections(HeadWidth);
  using store_view = lc::feature_store<Value, KvHeads, features, HeadWidth>;

  struct stored {
    std::unique_ptr<Value[]> phi{new Value[context * KvHeads * features]}, scale{new Value[context * KvHeads]},
        values{new Value[context * kv_columns]};
    store_view view() { return {phi.get(), scale.get(), values.get()}; }
    void fill(Value of) {
      for (lc::extent_t i = 0; i < context * KvHeads * features; ++i) phi[i] = of;
      for (lc::extent_t i = 0; i < context * kv_columns; ++i) values[i] = of;
      for (lc::extent_t i = 0; i < context * KvHeads; ++i) scale[i] = of;
    }
  };
  struct stream {
    stored store, dstore;
    lc::tensor<Value, context + 1, columns> mixed;
    lc::tensor<Value, context, Heads> scales, denominators;
    lc::tensor<Value, context, columns> dquery;
    lc::tensor<Value, context, kv_columns> dkey, dvalue;
  };
  stream expected, found;
  lc::tensor<Value, context, columns> query, dmixed;
  lc::tensor<Value, context, kv_columns> key, value;
  lc::tensor<Value, (drawn_rows == 0 ? 1 : drawn_rows), HeadWidth> drawn;
  lc::shared_plan<Route, context, context> plan;

  comparison() {
    std::uint64_t at = 0;
    const auto draw = [&](auto& tensor) {
      for (auto& of : tensor.data) of = static_cast<Value>(lc::random_normal(47, HeadWidth, at++));
    };
    draw(query), draw(key), draw(value), draw(dmixed);
    Score::draw(drawn.data, HeadWidth);
  }
  auto map() const { return Score::template map<Value, HeadWidth>(drawn.data); }
  template <class OtherBackend>
  auto run(stream& of, lc::extent_t first, lc::extent_t count, const OtherBackend& backend, bool keeps) {
    const auto part = [&](auto& rows) { return rows.view().slice(first, count); };
    plan.prepare(first, count);
    lc::feature_rows<Value, Heads> saved{{nullptr, count}, {nullptr, count}};
    if (keeps) saved = {part(of.scales), part(of.denominators)};
    return lc::op::feature_pairs(part(of.mixed), saved, part(query), part(key), part(value), of.store.view(),
                                 plan.view(), map(), backend);
  }
  void check(lc::extent_t count, bool broken = false) {
    found.mixed.view().fill(77);
    for (stream* of : {&expected, &found}) of->store.fill(std::numeric_limits<Value>::quiet_NaN());
    run(expected, 0, count, lc::reference{}, true);
    const auto ran = run(found, 0, count, Backend{}, true);
    static_assert(lc::same<decltype(ran), const lc::ran_on<Backend>>);
    REQUIRE(apart(expected.mixed, found.mixed, count * columns, broken) < tolerance);
    REQUIRE(apart(expected.scales, found.scales, count * Heads, broken) < tolerance);
    REQUIRE(apart(expected.denominators, found.denominators, count * Heads, broken) < tolerance);
    for (lc::extent_t i = 0; i < columns; ++i) REQUIRE(found.mixed[count * columns + i] == 77);
    check_backward(count, broken);
  }
  /// From the rows that the reference kept.
  void check_backward(lc::extent_t count, bool broken) {
    const auto differentiate = [&](stream& of, const auto& backend) {
      std::uint64_t at = 0;
      const auto draw = [&](auto& tensor) {
        for (auto& x : tensor.data) x = static_cast<Value>(lc::random_normal(49, 0, at++));
      };
      draw(of.dquery), draw(of.dkey), draw(of.dvalue);
      of.dstore.fill(0);
      return lc::op::feature_pairs_backward(
          of.dquery.first(count), of.dkey.first(count), of.dvalue.first(count), expected.mixed.first(count),
          dmixed.first(count),
          lc::feature_rows<Value, Heads>{expected.scales.first(count), expected.denominators.first(count)},
          query.first(count), key.first(count), expected.store.view(), of.dstore.view(), plan.view(), map(), backend);
    };
    differentiate(expected, lc::reference{});
    const auto ran = differentiate(found, Backend{});
    static_assert(lc::same<decltype(ran), const lc::ran_on<Backend>>);
    REQUIRE(apart(expected.dquery, found.dquery, expected.dquery.size, broken) < tolerance);
    REQUIRE(apart(expected.dkey, found.dkey, expected.dkey.size, broken) < tolerance);
    REQUIRE(apart(expected.dvalue, found.dvalue, expected.dvalue.size, broken) < tolerance);
  }
  void check_all() {
    constexpr lc::extent_t lanes = lc::backend_traits<Backend>::lanes;
    for (lc::extent_t count = 0; count <= 2 * lanes + 1; ++count) check(count);
    check(context);
    if constexpr (!lc::same<Route, around>) {  // a stream in pieces gives the bits of the whole
      const auto whole = found.mixed;
      for (const lc::extent_t piece : {1u, 5u, 24u}) {
        found.store.fill(std::numeric_limits<Value>::quiet_NaN());
        for (lc::extent_t t = 0; t < context; t += piece) run(found, t, std::min(piece, context - t), Backend{}, false);
        for (lc::extent_t i = 0; i < context * columns; ++i) REQUIRE(found.mixed[i] == whole[i]);
      }
    }
    // What is no number reaches what the reference says, and nothing else.
    const auto with = [&](Value& one, Value bad) {
      const Value before = one;
      one = bad;
      check(30, true);
      one = before;
    };
    with(key[10 * kv_columns], std::numeric_limits<Value>::quiet_NaN());
    with(value[10 * kv_columns + kv_columns - 1], std::numeric_limits<Value>::infinity());
    with(query[10 * columns], std::numeric_limits<Value>::quiet_NaN());
  }
};

template <class Backend, class Value, class Score, lc::extent_t Heads, lc::extent_t KvHeads, lc::extent_t HeadWidth>
void compare() {
  std::make_unique<comparison<Backend, Value, Score, near, Heads, KvHeads, HeadWidth>>()->check_all();
  std::make_unique<comparison<Backend, Value, Score, gaps, Heads, KvHeads, HeadWidth>>()->check_all();
  std::make_unique<comparison<Backend, Value, Score, around, Heads, KvHeads, HeadWidth>>()->check_all();
}

}  // namespace pairs_tests
