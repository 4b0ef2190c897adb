// Attention on SIMD lanes against the reference: routes, places in the stream, biases, extreme scores.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/attention_comparison.hpp"

#include <algorithm>
#include <lacuna/with_simd.hpp>
#include <limits>
#include <utility>
#include <vector>

namespace {
namespace lc = lacuna;
using namespace attention_tests;

template <class Route, class Normaliser, class Bias, lc::extent_t Heads, lc::extent_t KvHeads, lc::extent_t HeadWidth>
void compare_simd() {
  compare<lc::simd, float, Route, Normaliser, Bias, Heads, KvHeads, HeadWidth>();
}

}  // namespace

TEST_CASE("pairs of groups: every row meets the blocks that its plan names, in their order") {
  constexpr lc::extent_t all_keys = 300, most = 3, branches = 2, most_rows = 2 * lc::by_lanes::paired_rows + 5;
  using plan_type = lc::stored_plan<most_rows, all_keys, most, all_keys, branches>;
  using seen = std::vector<std::pair<lc::extent_t, std::uint32_t>>;
  auto plan = std::make_unique<plan_type>();
  lc::extent_t merged = 0;
  for (lc::extent_t tokens = 1; tokens <= most_rows; ++tokens) {
    std::uint64_t drawn = 1000 * tokens;
    // Some rows see long stretches that others share, some see a few keys of their own, some nothing.
    const auto draw = [&](lc::extent_t below) {
      return static_cast<lc::extent_t>(lc::random_uniform(3, 0, drawn++) * static_cast<double>(below));
    };
    plan->prepare_rows(0, tokens, all_keys, [&](lc::extent_t row, auto& to, lc::extent_t) {
      lc::extent_t at = draw(90);
      for (lc::extent_t i = 0; i < most && at < all_keys; ++i) {
        const lc::extent_t kind = draw(4), length = kind == 0 ? 0 : kind == 1 ? 1 + row % 3 : 100 * kind - 150;
        to.add(at, at + length);
        at += length + 1 + draw(60);
      }
    });
    const lc::block_plan_view view = plan->view();
    for (lc::extent_t first = 0; first < tokens; first += lc::by_lanes::paired_rows) {
      const lc::extent_t rest = tokens - first, count = std::min(rest, lc::by_lanes::paired_rows);
      std::vector<seen> met(count), expected(count);
      lc::by_lanes::pair_cursor cursor(view, first / lc::by_lanes::paired_rows, count);
      lc::by_lanes::paired_tile<3> tile;
      while (cursor.fill(tile))
        for (lc::extent_t b = 0; b < tile.count; ++b) {
          merged += tile.masks[b] == tile.merged[b] ? 1 : 0;
          for (lc::extent_t row = 0; row < count; ++row) {
            const std::uint32_t mask = tile.masks[b] == nullptr ? 0xffffu : tile.masks[b][row];
            CHECK(tile.shows<1>(b, row) == (mask != 0));
            if (mask != 0) met[row].push_back({tile.block[b], mask});
          }
        }
      CHECK(cursor.done());
      for (lc::extent_t row = 0; row < count; ++row)
        view.for_each_block(first + row,
                            [&](lc::extent_t block, std::uint32_t mask) { expected[row].push_back({block, mask}); });
      REQUIRE(met == expected);
    }
  }
  CHECK(merged > 100);
}
TEST_CASE("routes") {
  using lc::causal;
  using none = lc::no_score_bias;
  compare_simd<causal, lc::softmax, none, 2, 2, 8>();
  compare_simd<lc::full, lc::softmax, none, 4, 2, 16>();
  compare_simd<lc::both<causal, lc::window<20>>, lc::softmax, none, 2, 1, 24>();
  compare_simd<lc::window<5>, lc::softmax, none, 1, 1, 32>();
  compare_simd<with_gaps, lc::softmax, none, 2, 2, 8>();
  compare_simd<with_gaps, lc::softmax, none, 3, 1, 20>();
}
TEST_CASE("biases and bent scores") {
  compare_simd<lc::causal, lc::softmax, falling_bias, 4, 2, 8>();
  compare_simd<lc::full, soft_cap, falling_bias, 2, 2, 24>();
  compare_simd<lc::causal, soft_cap, lc::no_score_bias, 2, 1, 16>();
  compare_simd<lc::causal, soft_cap_by_lanes, lc::no_score_bias, 2, 1, 16>();
}
TEST_CASE("extreme scores: no overflow, weights below e^-64 are 0, not-a-number shows") {
  auto of = std::make_unique<comparison<lc::simd, float, lc::causal, lc::softmax, lc::no_score_bias, 2, 1, 8>>();
  for (auto& x : of->query.data) x *= 300;
  // Such scores are rounded to more than the adjoints' tolerance.
  of->check(0, 40, false);
  of->check(200, 1, false);
  of->query[3] = std::nanf("");
  of->plan.prepare(0, 9);
  const comparison<lc::simd, float, lc::causal, lc::softmax, lc::no_score_bias, 2, 1, 8>::readable cache{
      of->keys.data, of->values.data, {}};
  lc::op::attend(of->found.first(9), of->found_scale.first(9), of->query.first(9), cache, of->plan.view(),
                 lc::score_rule<lc::softmax, lc::no_score_bias, float>{0.5f}, lc::simd{});
  CHECK(std::isnan(of->found[0]));
  CHECK(!std::isnan(of->found[16]));
}
TEST_CASE("a head whose hidden values are no numbers is computed again, and no other") {
  using type = comparison<lc::simd, float, lc::causal, lc::softmax, lc::no_score_bias, 2, 2, 16>;
  // `behind`: a position after the last row, in the last block that one sees.
  const auto check = [](lc::extent_t tokens, lc::extent_t behind, lc::extent_t rows_of_tiles) {
    auto of = std::make_unique<type>();
    of->plan.prepare(0, tokens);
    const typename type::readable cache{of->keys.data, of->values.data, {}};
    const auto attend = [&] {
      lc::op::attend(of->found.first(tokens), of->found_scale.first(tokens), of->query.first(tokens), cache,
                     of->plan.view(), lc::score_rule<lc::softmax, lc::no_score_bias, float>{0.25f}, lc::simd{});
    };
    attend();
    const auto before = of->found;
    const auto scale_before = of->found_scale;
    of->values[behind / 16 * 2 * 256 + behind % 16 * 16 + 5] = std::numeric_limits<float>::infinity();  // of head 0
    attend();
    for (lc::extent_t i = 0; i < tokens * 32; ++i) {
      REQUIRE(of->found[i] == doctest::Approx(before[i]).epsilon(1e-5));
      if (i % 32 >= 16 && i < rows_of_tiles * 32) REQUIRE(of->found[i] == before[i]);
    }
    for (lc::extent_t i = 0; i < tokens * 2; ++i)
      REQUIRE(of->found_scale[i] == doctest::Approx(scale_before[i]).epsilon(1e-5));
  };
  check(9, 12, 9);    // a tile of rows
  check(17, 20, 16);  // a tile, and a single row
}
#endif
