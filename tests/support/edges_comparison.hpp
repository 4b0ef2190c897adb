#pragma once
// Attention along edges of a backend against the reference, forward and backward: all but the list of cases.

#include "support/attention_comparison.hpp"

#include <algorithm>
#include <cmath>
#include <lacuna/lacuna.hpp>
#include <limits>
#include <vector>

namespace edge_tests {
namespace lc = lacuna;

using attention_tests::soft_cap;  // a map of a user's, lane by lane

/// The largest difference, relative where numbers are large; infinite where one alone is no number.
template <class Value>
double farthest(const std::vector<Value>& expected, const std::vector<Value>& found) {
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto a = static_cast<double>(expected[i]), b = static_cast<double>(found[i]);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    worst = std::isnan(b - a) ? HUGE_VAL : std::max(worst, std::abs(b - a) / (1 + std::abs(a)));
  }
  return worst;
}

template <class Backend, class Value, class Normaliser, lc::extent_t Heads, lc::extent_t KvHeads,
          lc::extent_t HeadWidth>
struct comparison {
  static constexpr double tolerance = lc::same<Value, double> ? 1e-11 : 2e-5;
  /// Rows of every number of edges up to some, and one of more than is kept.
  static constexpr std::uint32_t lanes = lc::backend_traits<Backend>::lanes, rows = 2 * lanes + 3, nodes = 140;
  static constexpr lc::extent_t columns = Heads * HeadWidth, kv_columns = KvHeads * HeadWidth;
  using values = std::vector<Value>;
  std::vector<std::uint32_t> begin{0}, keys, edges;
  values query, key, value, modulation, dmixed;
  std::uint64_t drawn = 0;

  values draw(std::size_t count) {
    values all(count + 1);  // one in: rows are aligned to nothing
    for (Value& of : all) of = static_cast<Value>(lc::random_normal(53, HeadWidth, drawn++));
    return all;
  }
  comparison() {
    for (std::uint32_t t = 0; t < rows; ++t) {
      const std::uint32_t count = t + 1 < rows ? t : nodes - 3;
      for (std::uint32_t i = 0; i < count; ++i) keys.push_back((i * 7 + t) % nodes);
      begin.push_back(static_cast<std::uint32_t>(keys.size()));
    }
    for (std::uint32_t i = 0; i < keys.size(); ++i)  // in another order than rows have them
      edges.push_back(i % 2 == 0 ? i / 2 : static_cast<std::uint32_t>(keys.size()) - 1 - i / 2);
    query = draw(rows * columns), key = draw(nodes * kv_columns), value = draw(nodes * kv_columns);
    modulation = draw(keys.size() * columns), dmixed = draw(rows * columns);
  }
  template <lc::extent_t Columns>
  static lc::rows<Value, Columns> view(values& of) {
    return {of.data() + 1, static_cast<lc::extent_t>((of.size() - 1) / Columns)};
  }
  template <lc::extent_t Columns>
  static lc::rows<const Value, Columns> constant(values& of) {
    return readable(view<Columns>(of));
  }
  struct results {
    values mixed, log_scale, terms, dquery, dkey, dvalue, dmodulation;
  };
  static auto rule() {
    return lc::score_rule<Normaliser, lc::no_score_bias, Value>{static_cast<Value>(lc::dot::scale(HeadWidth))};
  }
  /// The backward starts from what `forward` kept, where it is given.
  template <class OtherBackend>
  results run(const OtherBackend& backend, const results* forward) {
    results of;
    drawn = 1 << 20;
    of.mixed = draw(rows * columns), of.log_scale = draw(rows * Heads), of.terms = draw(keys.size() * columns);
    of.dquery = draw(rows * columns), of.dkey = draw(nodes * kv_columns), of.dvalue = draw(nodes * kv_columns);
    of.dmodulation = draw(keys.size() * columns);
    const lc::edge_inputs<Value, columns, kv_columns> in{constant<columns>(query),
                                                         constant<kv_columns>(key),
                                                         constant<kv_columns>(value),
                                                         constant<columns>(modulation),
                                                         {begin.data(), keys.data(), edges.data(), rows}};
    const auto ran = lc::op::attend_edges(view<columns>(of.mixed), view<Heads>(of.log_scale), view<columns>(of.terms),
                                          in, rule(), backend);
    static_assert(lc::same<decltype(ran), const lc::ran_on<OtherBackend>>);
    results kept = forward == nullptr ? of : *forward;
    const lc::edge_adjoints<Value, columns, kv_columns> to{view<columns>(of.dquery), view<kv_columns>(of.dkey),
                                                           view<kv_columns>(of.dvalue), view<columns>(of.dmodulation)};
    const auto ran_back = lc::op::attend_edges_backward(to, view<columns>(dmixed), view<Heads>(kept.log_scale),
                                                        view<columns>(kept.terms), in, rule(), backend);
    static_assert(lc::same<decltype(ran_back), const lc::ran_on<OtherBackend>>);
    return of;
  }
  void check() {
    const results expected = run(lc::reference{}, nullptr), found = run(Backend{}, &expected);
    REQUIRE(farthest(expected.mixed, found.mixed) < tolerance);
    REQUIRE(farthest(expected.log_scale, found.log_scale) < tolerance);
    REQUIRE(farthest(expected.terms, found.terms) < tolerance);
    REQUIRE(farthest(expected.dquery, found.dquery) < tolerance);
    REQUIRE(farthest(expected.dkey, found.dkey) < tolerance);
    REQUIRE(farthest(expected.dvalue, found.dvalue) < tolerance);
    REQUIRE(farthest(expected.dmodulation, found.dmodulation) < tolerance);
  }
  void check_all() {
    check();
    // What is no number reaches who listens, and nobody else; a row whose scores are all hidden shows it, too.
    for (Value bad : {std::numeric_limits<Value>::quiet_NaN(), std::numeric_limits<Value>::infinity(),
                      -std::numeric_limits<Value>::infinity()})
      for (values* of : {&query, &key, &value, &modulation}) {
        Value& one = (*of)[1 + 3 * (of == &query || of == &modulation ? columns : kv_columns)];
        const Value before = one;
        one = bad;
        check();
        one = before;
      }
  }
};

template <class Backend, class Value, class Normaliser, lc::extent_t Heads, lc::extent_t KvHeads,
          lc::extent_t HeadWidth>
void compare() {
  comparison<Backend, Value, Normaliser, Heads, KvHeads, HeadWidth>().check_all();
}

}  // namespace edge_tests
