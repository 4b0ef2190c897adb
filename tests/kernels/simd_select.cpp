// Selections by score on SIMD lanes against the reference: the same keys, ties to the earlier one.
#if __has_include(<xsimd/xsimd.hpp>)
#include <doctest/doctest.h>
#include <algorithm>
#include <cmath>
#include <lacuna/lacuna.hpp>
#include <lacuna/with_simd.hpp>
#include <memory>
#include <vector>

namespace {
namespace lc = lacuna;

struct rising_bias {
  static constexpr bool present = true;
  template <class Value>
  constexpr Value operator()(lc::extent_t, Value distance) const noexcept {
    return distance * Value(0.03);
  }
};

/// One head of a pass over up to `most` positions.
template <class Route, lc::extent_t Width, class Bias = lc::no_score_bias, class Element = float>
struct selecting {
  static constexpr lc::extent_t most = 200;
  using cache = lc::cache_view<const Element, 1, Width, lc::linear_cache::address>;
  using rule = lc::score_rule<lc::softmax, Bias, float>;
  using shape = lc::attention_shape<Width, most, 1, 1, Width>;
  using input = lc::selection_input<float, cache, rule, lc::rows<const float, Width>, cache>;
  using plan_type = lc::stored_plan<most, most, Route::most(most)>;
  using workspace = typename Route::template workspace<float, most, shape>;
  using selection = lc::route_selection<Route, plan_type, workspace, input>;
  using seen_keys = std::vector<std::vector<lc::extent_t>>;

  lc::tensor<float, most, Width> query, key;
  lc::tensor<Element, lc::blocks_of(most), Width, lc::block_keys> keys;
  plan_type plan;
  workspace work;

  explicit selecting(std::uint64_t seed) {
    std::uint64_t drawn = 0;
    for (float& of : query.data) of = static_cast<float>(lc::random_normal(seed, 0, drawn++));
    for (float& of : key.data) of = static_cast<float>(lc::random_normal(seed, 1, drawn++));
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
    const rule how{0.25f};
    const auto rows = lc::readable(query.first(most)).slice(first, count);
    const input asked{rows, own, how, 0, first, rows, own, nullptr};
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
  void check(lc::extent_t first, lc::extent_t count) {
    const seen_keys expected = choose(first, count, lc::reference{});
    const std::uint64_t pairs = plan.visible;
    REQUIRE((choose(first, count, lc::simd{}) == expected));
    REQUIRE(plan.visible == pairs);
  }
};

/// All lengths up to some blocks, and passes that begin in the middle of a stream.
template <class Route, lc::extent_t Width, class Bias = lc::no_score_bias, class Element = float>
void compare() {
  auto of = std::make_unique<selecting<Route, Width, Bias, Element>>(Width);
  for (lc::extent_t count = 1; count <= 2 * lc::block_keys + 1; ++count) of->check(0, count);
  for (const lc::extent_t first : {1u, 15u, 16u, 63u, 64u, 100u})
    for (const lc::extent_t count : {1u, 8u, 17u, 100u}) of->check(first, count);
  of->check(0, of->most);
}

}  // namespace

TEST_CASE("the keys of highest score") {
  compare<lc::top_k<7>, 16>();
  compare<lc::top_k<16, lc::full>, 13>();
  compare<lc::top_k<5, lc::both<lc::causal, lc::window<40>>>, 64>();
  compare<lc::top_k<3, lc::except<lc::causal, lc::columns<lc::listed<0, 17, 18>>>>, 1, rising_bias>();
  compare<lc::top_k<500>, 8, lc::no_score_bias, lc::bfloat16>();
}
TEST_CASE("of equal keys the earlier ones are kept, in whatever blocks they are") {
  using route = lc::top_k<6, lc::full>;
  auto of = std::make_unique<selecting<route, 24>>(5);
  for (lc::extent_t t = 0; t < of->most; ++t)
    for (lc::extent_t d = 0; d < 24; ++d) of->key[t * 24 + d] = of->key[t % 3 * 24 + d];
  of->write_keys();
  of->check(0, of->most);
  const auto seen = of->choose(0, of->most, lc::simd{});
  for (const auto& row : seen) {
    REQUIRE(row.size() == 6);
    for (lc::extent_t i = 0; i < 6; ++i) REQUIRE(row[i] == row[0] + 3 * i);
    REQUIRE(row[0] < 3);
  }
}
TEST_CASE("what is no number is kept first") {
  auto of = std::make_unique<selecting<lc::top_k<2>, 16>>(6);
  of->key[30 * 16 + 3] = std::nanf("");
  of->write_keys();
  of->check(0, 100);
  const auto seen = of->choose(0, 100, lc::simd{});
  for (lc::extent_t t = 30; t < 100; ++t) REQUIRE(std::count(seen[t].begin(), seen[t].end(), 30u) == 1);
}
TEST_CASE("a watched model counts the same multiply-adds; other selections run on the reference") {
  using shape = lc::attention_shape<8, 40, 1, 1, 8>;
  using regions = lc::bi_level<5>;
  using other = lc::route_selection<regions, lc::stored_plan<40, 40, regions::most(40)>,
                                    regions::workspace<float, 40, shape>, selecting<lc::top_k<1>, 8>::input>;
  static_assert(!lc::overridden<lc::operation::select, lc::simd, other>);
  using recipe = lc::decoder<lc::vocabulary<11>, lc::width<16>, lc::context<40>,
                             lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::top_k<5>>>>;
  auto model = std::make_unique<lc::model<recipe, lc::simd, lc::chunk<40>>>();
  std::uint64_t drawn = 0;
  lc::visit_tensors(
      [&](auto& tensor) {
        for (auto& of : tensor.data) of = static_cast<float>(lc::random_normal(4, 1, drawn++));
      },
      model->parameters_to_write());
  model->update();
  std::uint32_t tokens[40];
  for (lc::extent_t t = 0; t < 40; ++t) tokens[t] = static_cast<std::uint32_t>(t * 7 % 11);
  lc::work_counter counter;
  REQUIRE(
      model->try_forward_watched(lc::watched{model->backend(), counter}, {tokens, 40}, [](lc::extent_t, auto) {}).ok());
  CHECK(counter.multiply_adds == recipe::bound::multiply_adds(0, 40, 40));
}
#endif
