// Selections by score on SIMD lanes against the reference: the same keys, ties to the earlier one.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/select_comparison.hpp"

#include <algorithm>
#include <cmath>
#include <lacuna/with_simd.hpp>

namespace {
namespace lc = lacuna;
using namespace select_tests;

}  // namespace

TEST_CASE("the keys of highest score") {
  compare<lc::simd, float, lc::top_k<7>, 16>();
  compare<lc::simd, float, lc::top_k<16, lc::full>, 13>();
  compare<lc::simd, float, lc::top_k<5, lc::both<lc::causal, lc::window<40>>>, 64>();
  compare<lc::simd, float, lc::top_k<3, lc::except<lc::causal, lc::columns<lc::listed<0, 17, 18>>>>, 1, rising_bias>();
  compare<lc::simd, float, lc::top_k<500>, 8, lc::no_score_bias, lc::bfloat16>();
}
TEST_CASE("of equal keys the earlier ones are kept, in whatever blocks they are") {
  using route = lc::top_k<6, lc::full>;
  auto of = std::make_unique<selecting<float, route, 24>>(5);
  for (lc::extent_t t = 0; t < of->most; ++t)
    for (lc::extent_t d = 0; d < 24; ++d) of->key[t * 24 + d] = of->key[t % 3 * 24 + d];
  of->write_keys();
  of->check<lc::simd>(0, of->most);
  const auto seen = of->choose(0, of->most, lc::simd{});
  for (const auto& row : seen) {
    REQUIRE(row.size() == 6);
    for (lc::extent_t i = 0; i < 6; ++i) REQUIRE(row[i] == row[0] + 3 * i);
    REQUIRE(row[0] < 3);
  }
}
TEST_CASE("what is no number is kept first") {
  auto of = std::make_unique<selecting<float, lc::top_k<2>, 16>>(6);
  of->key[30 * 16 + 3] = std::nanf("");
  of->write_keys();
  of->check<lc::simd>(0, 100);
  const auto seen = of->choose(0, 100, lc::simd{});
  for (lc::extent_t t = 30; t < 100; ++t) REQUIRE(std::count(seen[t].begin(), seen[t].end(), 30u) == 1);
}
TEST_CASE("a watched model counts the same multiply-adds; other selections run on the reference") {
  using shape = lc::attention_shape<8, 40, 1, 1, 8>;
  using regions = lc::bi_level<5>;
  using other = lc::route_selection<regions, lc::stored_plan<40, 40, regions::most(40)>,
                                    regions::workspace<float, 40, shape>, selecting<float, lc::top_k<1>, 8>::input>;
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
