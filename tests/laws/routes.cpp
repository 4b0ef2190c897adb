// Routes: spans against brute force, and the block plan against the route, for every length and offset.
#include <lacuna/lacuna.hpp>

#include <doctest/doctest.h>
#include <memory>

namespace {
namespace lc = lacuna;

/// A route with several spans per row, as a user would write one: every third stretch of 5 keys of the past.
struct stripes {
  using slot = lc::slots::route;
  static constexpr auto name = lc::fixed_string("stripes");
  static constexpr lc::spans<16> spans(lc::extent_t query, lc::extent_t keys) {
    lc::spans<16> seen;
    for (lc::extent_t from = query % 4; from <= query && from < keys && seen.count < 15; from += 15)
      seen.add(from, from + 5 < keys ? from + 5 : keys);
    return seen;
  }
};
/// A route whose odd rows see nothing.
struct even_rows {
  using slot = lc::slots::route;
  static constexpr lc::spans<1> spans(lc::extent_t query, lc::extent_t keys) {
    return query % 2 == 0 ? lc::spans<1>{0, keys} : lc::spans<1>{};
  }
};

/// A row that sees all among rows that see their neighbourhood, and two rows apart from each other.
struct one_global_row {
  using slot = lc::slots::route;
  static constexpr lc::spans<1> spans(lc::extent_t query, lc::extent_t keys) {
    return query % 16 == 3 ? lc::spans<1>{0, keys} : lc::window<9>::spans(query, keys);
  }
};

template <class Route, class Truth>
void check_spans(Truth&& truth) {
  for (lc::extent_t keys = 0; keys <= 40; ++keys)
    for (lc::extent_t q = 0; q < 40; ++q) {
      const auto seen = Route::spans(q, keys);
      REQUIRE(seen.count <= decltype(Route::spans(q, keys))::most);
      for (lc::extent_t i = 0; i < seen.count; ++i) {
        REQUIRE(seen.items[i].begin < seen.items[i].end);
        REQUIRE(seen.items[i].end <= keys);
        if (i > 0) REQUIRE(seen.items[i - 1].end < seen.items[i].begin);
      }
      for (lc::extent_t k = 0; k < keys; ++k) REQUIRE(lc::allows<Route>(q, k, keys) == truth(q, k));
    }
}

template <class Route>
void check_plan() {
  constexpr lc::extent_t context = 150, tokens = 70;
  auto plan = std::make_unique<lc::shared_plan<Route, tokens, context>>();
  for (lc::extent_t first : {0u, 1u, 7u, 8u, 15u, 16u, 33u, 80u})
    for (lc::extent_t count = 1; count <= tokens; count += count < 20 ? 1 : 7) {
      plan->prepare(first, count);
      const auto view = plan->view();
      REQUIRE(view.queries == count);
      REQUIRE(view.begin[lc::groups_of(count)] <= std::size(plan->runs));
      std::uint64_t pairs = 0;
      for (lc::extent_t q = 0; q < count; ++q) {
        bool seen[context + 16]{};
        lc::extent_t last = 0;
        bool any = false;
        view.for_each_block(q, [&](lc::extent_t block, std::uint32_t mask) {
          REQUIRE((!any || block > last));
          any = true, last = block;
          for (lc::extent_t j = 0; j < lc::block_keys; ++j)
            if ((mask >> j & 1u) != 0) seen[block * lc::block_keys + j] = true, ++pairs;
        });
        for (lc::extent_t k = 0; k < context + 16; ++k)
          REQUIRE(seen[k] == (k < first + count && lc::allows<Route>(first + q, k, first + count)));
      }
      REQUIRE(view.pairs == pairs);
      REQUIRE(pairs == lc::pairs<Route>(first, count, first + count));
    }
}

}  // namespace

TEST_CASE("spans say what the route means") {
  const auto distance = [](lc::extent_t a, lc::extent_t b) { return a < b ? b - a : a - b; };
  check_spans<lc::full>([](auto, auto) { return true; });
  check_spans<lc::causal>([](auto q, auto k) { return k <= q; });
  check_spans<lc::window<1>>([](auto q, auto k) { return k == q; });
  check_spans<lc::window<6>>([&](auto q, auto k) { return distance(q, k) < 6; });
  check_spans<lc::both<lc::causal, lc::window<6>>>([](auto q, auto k) { return k <= q && q - k < 6; });
  check_spans<lc::both<stripes, lc::causal>>(
      [](auto q, auto k) { return k <= q && k >= q % 4 && (k - q % 4) % 15 < 5; });
}

TEST_CASE("the block plan is the route") {
  check_plan<lc::full>();
  check_plan<lc::causal>();
  check_plan<lc::window<1>>();
  check_plan<lc::window<20>>();
  check_plan<lc::both<lc::causal, lc::window<33>>>();
  check_plan<stripes>();
  check_plan<lc::both<stripes, lc::causal>>();
  check_plan<even_rows>();
  check_plan<one_global_row>();
}

TEST_CASE("plans of long contexts stay inside their storage") {
  const auto check = []<class Route>(Route) {
    constexpr lc::extent_t context = 3000;
    auto plan = std::make_unique<lc::shared_plan<Route, 40, context>>();
    plan->prepare(context - 40, 40);
    const auto view = plan->view();
    REQUIRE(view.begin[5] <= std::size(plan->runs));
    std::uint64_t pairs = 0;
    for (lc::extent_t q = 0; q < 40; ++q)
      view.for_each_block(q, [&](lc::extent_t block, std::uint32_t mask) {
        for (lc::extent_t j = 0; j < lc::block_keys; ++j)
          if ((mask >> j & 1u) != 0) {
            ++pairs;
            REQUIRE(lc::allows<Route>(context - 40 + q, block * lc::block_keys + j, context));
          }
      });
    CHECK(pairs == lc::pairs<Route>(context - 40, 40, context));
    CHECK(view.pairs == pairs);
  };
  check(one_global_row{});
  check(even_rows{});
  check(lc::causal{});
  check(lc::window<700>{});
}

TEST_CASE("which routes see ahead") {
  static_assert(!lc::route_sees_ahead<lc::causal> && lc::route_sees_ahead<lc::full> &&
                lc::route_sees_ahead<lc::window<2>>);
  static_assert(!lc::route_sees_ahead<lc::window<1>> && !lc::route_sees_ahead<lc::both<lc::full, lc::causal>>);
  static_assert(lc::route_sees_ahead<one_global_row>);
}

TEST_CASE("pairs in closed form") {
  static_assert(lc::pairs<lc::causal>(0, 48, 48) == 48 * 49 / 2);
  static_assert(lc::pairs<lc::full>(0, 48, 48) == 48 * 48);
  // n (2 w + 1) - w (w + 1) with w keys on each side, and n (w + 1) - w (w + 1) / 2 on one.
  static_assert(lc::pairs<lc::window<5>>(0, 48, 48) == 412);
  static_assert(lc::pairs<lc::both<lc::causal, lc::window<5>>>(0, 48, 48) == 230);
}

TEST_CASE("full stretches are one run however long they are") {
  static lc::shared_plan<lc::causal, 8, 4096> plan;
  plan.prepare(4000, 8);
  CHECK(plan.view().begin[1] == 2);
  CHECK(plan.view().runs[0].count == 250);
  // Bytes of a causal plan do not grow with the context.
  CHECK(sizeof(lc::shared_plan<lc::causal, 8, 4096>) == sizeof(lc::shared_plan<lc::causal, 8, 65536>));
}
