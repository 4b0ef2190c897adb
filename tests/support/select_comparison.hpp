#pragma once
// Selections by score of a backend against the reference: everything that a comparison needs but the list of cases.

#include <doctest/doctest.h>
#include <lacuna/lacuna.hpp>
#include <memory>
#include <vector>

namespace select_tests {
namespace lc = lacuna;

struct rising_bias {
  static constexpr bool present = true;
  template <class Value>
  constexpr Value operator()(lc::extent_t, Value distance) const noexcept {
    return distance * Value(0.03);
  }
};

/// One head of a pass over up to `most` positions.
template <class Value, class Route, lc::extent_t Width, class Bias = lc::no_score_bias, class Element = Value>
struct selecting {
  static constexpr lc::extent_t most = 200;
  using cache = lc::cache_view<const Element, 1, Width, lc::linear_cache::address>;
  using rule = lc::score_rule<lc::softmax, Bias, Value>;
  using shape = lc::attention_shape<Width, most, 1, 1, Width>;
  using input = lc::selection_input<Value, cache, rule, lc::rows<const Value, Width>, cache, lc::nothing, lc::nothing>;
  using plan_type = lc::stored_plan<most, most, Route::most(most)>;
  using workspace = typename Route::template workspace<Value, most, shape>;
  using selection = lc::route_selection<Route, plan_type, workspace, input>;
  using seen_keys = std::vector<std::vector<lc::extent_t>>;

  lc::tensor<Value, most, Width> query, key;
  lc::tensor<Element, lc::blocks_of(most), Width, lc::block_keys> keys;
  plan_type plan;
  workspace work;

  explicit selecting(std::uint64_t seed) {
    std::uint64_t drawn = 0;
    for (Value& of : query.data) of = static_cast<Value>(lc::random_normal(seed, 0, drawn++));
    for (Value& of : key.data) of = static_cast<Value>(lc::random_normal(seed, 1, drawn++));
    write_keys();
  }
  void write_keys() {
    for (lc::extent_t t = 0; t < most; ++t)
      for (lc::extent_t d = 0; d < Width; ++d)
        keys[(t / lc::block_keys * Width + d) * lc::block_keys + t % lc::block_keys] =
            static_cast<Element>(key[t * Width + d]);
  }
  /// The keys that each row sees, and the pairs.
  template <class Backend>
  seen_keys choose(lc::extent_t first, lc::extent_t count, const Backend& backend) {
    const cache own{keys.data, nullptr, {}};
    const rule how{Value(0.25)};
    const auto rows = lc::readable(query.first(most)).slice(first, count);
    lc::nothing none;
    const input asked{rows, own, how, 0, first, rows, own, nullptr, none, none};
    const auto ran = lc::op::select(selection{plan, work, asked}, backend);
    static_assert(lc::same<decltype(ran), const lc::ran_on<Backend>>);
    seen_keys seen(count);
    for (lc::extent_t t = 0; t < count; ++t)
      plan.view().for_each_block(t, [&](lc::extent_t block, std::uint32_t mask) {
        for (lc::extent_t j = 0; j < lc::block_keys; ++j)
          if ((mask >> j & 1u) != 0) seen[t].push_back(block * lc::block_keys + j);
      });
    return seen;
  }
  template <class Backend>
  void check(lc::extent_t first, lc::extent_t count) {
    const seen_keys expected = choose(first, count, lc::reference{});
    const std::uint64_t pairs = plan.visible;
    REQUIRE((choose(first, count, Backend{}) == expected));
    REQUIRE(plan.visible == pairs);
  }
};

/// All lengths up to some blocks, and passes that begin in the middle of a stream.
template <class Backend, class Value, class Route, lc::extent_t Width, class Bias = lc::no_score_bias,
          class Element = Value>
void compare() {
  auto of = std::make_unique<selecting<Value, Route, Width, Bias, Element>>(Width);
  for (lc::extent_t count = 1; count <= 2 * lc::block_keys + 1; ++count) of->template check<Backend>(0, count);
  for (const lc::extent_t first : {1u, 15u, 16u, 63u, 64u, 100u})
    for (const lc::extent_t count : {1u, 8u, 17u, 100u}) of->template check<Backend>(first, count);
  of->template check<Backend>(0, of->most);
}

}  // namespace select_tests
