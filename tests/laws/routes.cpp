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

/// A user's set of positions.
struct every_seventh {
  using slot = lc::slots::positions;
  static constexpr auto name = lc::fixed_string("every_seventh");
  static constexpr lc::spans<8> spans(lc::extent_t keys) {
    lc::spans<8> held;
    for (lc::extent_t at = 0; at < keys && held.count < 8; at += 7) held.add(at, at + 1);
    return held;
  }
};

using some_random = lc::random_blocks<4, lc::draws{.count = 2, .seed = 5}>;
using past_random = lc::random_blocks<4, lc::draws{.count = 2, .seed = 5, .past_only = true}>;
template <lc::extent_t Block>
using big_bird = lc::by_rows<
    lc::edges<Block>, lc::full,
    lc::either<lc::either<lc::columns<lc::edges<Block>>, lc::block_window<Block>>, lc::random_blocks<Block>>>;

}  // namespace

TEST_CASE("spans say what the route means") {
  const auto distance = [](lc::extent_t a, lc::extent_t b) { return a < b ? b - a : a - b; };
  check_spans<lc::full>([](auto, auto) { return true; });
  check_spans<lc::causal>([](auto q, auto k) { return k <= q; });
  check_spans<lc::window<1>>([](auto q, auto k) { return k == q; });
  check_spans<lc::window<6>>([&](auto q, auto k) { return distance(q, k) < 6; });
  check_spans<lc::both<lc::causal, lc::window<6>>>([](auto q, auto k) { return k <= q && q - k < 6; });
  check_spans<lc::chunked<5>>([](auto q, auto k) { return q / 5 == k / 5; });
  check_spans<lc::both<lc::causal, lc::chunked<5, lc::chunks_before{1}>>>(
      [](auto q, auto k) { return k <= q && q / 5 <= k / 5 + 1; });
  check_spans<lc::dilated_window<3, lc::dilation{4}>>(
      [&](auto q, auto k) { return distance(q, k) % 4 == 0 && distance(q, k) < 12; });
  check_spans<lc::dilated_window<6, lc::dilation{}>>([&](auto q, auto k) { return distance(q, k) < 6; });
  check_spans<lc::columns<lc::leading<4>>>([](auto, auto k) { return k < 4; });
  check_spans<lc::columns<lc::listed<0, 5, 6, 30>>>([](auto, auto k) { return k == 0 || k == 5 || k == 6 || k == 30; });
  check_spans<lc::columns<every_seventh>>([](auto, auto k) { return k % 7 == 0; });
  check_spans<lc::global<lc::listed<2, 9>>>([](auto q, auto k) { return q == 2 || q == 9 || k == 2 || k == 9; });
  check_spans<lc::either<lc::window<3>, lc::global<lc::listed<4, 20>>>>(
      [&](auto q, auto k) { return distance(q, k) < 3 || q == 4 || q == 20 || k == 4 || k == 20; });
  check_spans<lc::both<lc::causal, lc::either<lc::columns<lc::leading<4>>, lc::window<7>>>>(
      [](auto q, auto k) { return k <= q && (k < 4 || q - k < 7); });
  check_spans<lc::except<lc::full, lc::causal>>([](auto q, auto k) { return k > q; });
  check_spans<lc::except<lc::window<9>, lc::columns<every_seventh>>>(
      [&](auto q, auto k) { return distance(q, k) < 9 && k % 7 != 0; });
  check_spans<lc::except<lc::window<9>, lc::window<4>>>(
      [&](auto q, auto k) { return distance(q, k) < 9 && distance(q, k) >= 4; });
  check_spans<lc::by_rows<every_seventh, lc::full, lc::causal>>([](auto q, auto k) { return q % 7 == 0 || k <= q; });
  check_spans<lc::block_window<5>>([&](auto q, auto k) { return distance(q / 5, k / 5) < 2; });
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
  check_plan<lc::dilated_window<5, lc::dilation{7}>>();
  check_plan<lc::either<lc::window<9>, lc::global<lc::listed<3, 40, 41, 100>>>>();
  check_plan<lc::except<lc::causal, lc::chunked<20>>>();
  check_plan<big_bird<8>>();
  check_plan<past_random>();
}

TEST_CASE("random blocks are distinct, drawn from the others, and stay") {
  for (lc::extent_t keys = 1; keys <= 80; ++keys) {
    const lc::extent_t blocks = (keys + 3) / 4;
    for (lc::extent_t q = 0; q < keys; ++q) {
      const lc::extent_t row = q / 4;
      lc::extent_t candidates = 0, drawn = 0;
      for (lc::extent_t block = 1; block + 1 < blocks; ++block) {
        const bool candidate = block + 1 < row || block > row + 1;
        candidates += candidate;
        const bool seen = lc::allows<some_random>(q, block * 4, keys);
        REQUIRE((!seen || candidate));
        for (lc::extent_t k = block * 4; k < block * 4 + 4; ++k) REQUIRE(lc::allows<some_random>(q, k, keys) == seen);
        drawn += seen;
      }
      REQUIRE(!lc::allows<some_random>(q, 0, keys));
      REQUIRE(!lc::allows<some_random>(q, keys - 1, keys));
      REQUIRE(drawn == (candidates < 2 ? candidates : 2));
      // From the past alone: whatever comes later.
      REQUIRE(past_random::spans(q, keys).count <= 2);
      for (lc::extent_t k = 0; k < keys; ++k)
        REQUIRE(lc::allows<past_random>(q, k, keys) == lc::allows<past_random>(q, k, 1000));
      for (lc::extent_t k = row > 1 ? row * 4 - 4 : 0; k < keys; ++k) REQUIRE(!lc::allows<past_random>(q, k, keys));
    }
  }
  // Every candidate is drawn about equally often, in every seed anew.
  lc::extent_t times[40]{};
  const auto count = [&]<std::uint64_t seed>(std::integral_constant<std::uint64_t, seed>) {
    for (lc::extent_t k = 0; k < 40; ++k)
      times[k] += lc::allows<lc::random_blocks<1, lc::draws{.count = 4, .seed = seed}>>(20, k, 40);
  };
  [&]<std::size_t... seed>(std::index_sequence<seed...>) {
    (count(std::integral_constant<std::uint64_t, seed>{}), ...);
  }(std::make_index_sequence<200>{});
  for (lc::extent_t k = 0; k < 40; ++k) {
    CAPTURE(k);
    const bool candidate = k > 0 && k < 39 && (k < 19 || k > 21);
    CHECK((candidate ? times[k] > 5 && times[k] < 45 : times[k] == 0));  // 800 / 35 = 23
  }
}

TEST_CASE("BigBird's rows have (5 + r) blocks, and blocks beside a global one a block less") {
  constexpr lc::extent_t block = 8, keys = 16 * block;
  for (lc::extent_t q = 0; q < keys; ++q) {
    const lc::extent_t row = q / block;
    const lc::extent_t expected = row == 0 || row == 15 ? 16 : row == 1 || row == 14 ? 7 : 8;
    REQUIRE(lc::pairs<big_bird<block>>(q, 1, keys) == expected * block);
  }
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
  static_assert(!lc::route_sees_ahead<lc::columns<lc::leading<0>>> &&
                !lc::route_sees_ahead<lc::columns<lc::leading<1>>> &&
                lc::route_sees_ahead<lc::columns<lc::leading<2>>> && lc::route_sees_ahead<lc::columns<lc::listed<90>>>);
  static_assert(!lc::route_sees_ahead<lc::both<lc::causal, lc::either<lc::columns<lc::leading<4>>, lc::window<7>>>>);
  static_assert(!lc::route_sees_ahead<lc::both<lc::causal, lc::chunked<8>>> && lc::route_sees_ahead<lc::chunked<8>>);
  static_assert(lc::route_sees_ahead<lc::either<lc::causal, lc::columns<lc::listed<90>>>>);
  // What depends on the length of the stream cannot be cut, even where it only looks back.
  static_assert(lc::route_sees_ahead<lc::both<lc::causal, some_random>> && !lc::route_sees_ahead<past_random>);
  static_assert(lc::route_sees_ahead<lc::both<lc::causal, big_bird<8>>>);
}

TEST_CASE("pairs in closed form") {
  static_assert(lc::pairs<lc::causal>(0, 48, 48) == 48 * 49 / 2);
  static_assert(lc::pairs<lc::full>(0, 48, 48) == 48 * 48);
  // n (2 w + 1) - w (w + 1) with w keys on each side, and n (w + 1) - w (w + 1) / 2 on one.
  static_assert(lc::pairs<lc::window<5>>(0, 48, 48) == 412);
  static_assert(lc::pairs<lc::both<lc::causal, lc::window<5>>>(0, 48, 48) == 230);
  // MASFormer: sum over rows of min(i + 1, i mod c + 1 + c).
  static_assert(lc::pairs<lc::both<lc::causal, lc::chunked<8, lc::chunks_before{1}>>>(0, 48, 48) ==
                8 * 9 / 2 + 5 * (8 * 9 / 2 + 8 * 8));
  // Overlaps count once.
  static_assert(lc::pairs<lc::either<lc::window<5>, lc::columns<lc::listed<7>>>>(0, 48, 48) == 412 + 48 - 9);
}

TEST_CASE("sizes larger than any stream see all of it") {
  constexpr lc::extent_t most = ~lc::extent_t{0}, keys = 48;
  const auto sees_all = [](const auto& seen) {
    return seen.count == 1 && seen.items[0].begin == 0 && seen.items[0].end == keys;
  };
  for (lc::extent_t query = 0; query < keys; ++query) {
    CHECK(sees_all(lc::window<most>::spans(query, keys)));
    CHECK(sees_all(lc::window<most - 40>::spans(query, keys)));
    CHECK(sees_all(lc::block_window<most>::spans(query, keys)));
    CHECK(sees_all(lc::block_window<7, most>::spans(query, keys)));
    const auto alone = lc::dilated_window<3, lc::dilation{most - 2}>::spans(query, keys);
    CHECK((alone.count == 1 && alone.items[0].begin == query && alone.items[0].end == query + 1));
    CHECK(lc::random_blocks<most>::spans(query, keys).count == 0);
  }
}

TEST_CASE("full stretches are one run however long they are") {
  static lc::shared_plan<lc::causal, 8, 4096> plan;
  plan.prepare(4000, 8);
  CHECK(plan.view().begin[1] == 2);
  CHECK(plan.view().runs[0].count == 250);
  // Bytes of a causal plan do not grow with the context.
  CHECK(sizeof(lc::shared_plan<lc::causal, 8, 4096>) == sizeof(lc::shared_plan<lc::causal, 8, 65536>));
}
