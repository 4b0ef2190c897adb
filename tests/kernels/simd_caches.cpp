// Caches on the SIMD backend: streams as on the reference, however they are cut.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/recipes.hpp"

#include <doctest/doctest.h>
#include <cmath>
#include <lacuna/with_simd.hpp>
#include <memory>
#include <vector>

namespace {
namespace lc = lacuna;

template <class Cache>
using streaming = lc::decoder<
    lc::vocabulary<11>, lc::width<48>, lc::context<240>,
    lc::repeat<
        2, lc::pre_norm<lc::rms_norm<>,
                        lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::rope<>, Cache,
                                      lc::both<lc::causal, lc::either<lc::columns<lc::leading<5>>, lc::window<20>>>>>>>;

template <class Recipe, class Backend>
std::vector<float> logits_of(lc::extent_t piece) {
  auto model = std::make_unique<lc::model<Recipe, Backend>>();
  recipes::randomise(*model, 4, 0.3);
  std::vector<std::uint32_t> stream(240);
  for (lc::extent_t t = 0; t < 240; ++t) stream[t] = static_cast<std::uint32_t>(lc::random_bits(8, 0, t).word[0] % 11);
  std::vector<float> all;
  for (lc::extent_t t = 0; t < 240; t += piece)
    REQUIRE(model
                ->try_forward({stream.data() + t, std::min<lc::extent_t>(piece, 240 - t)},
                              [&](lc::extent_t, auto logits) { all.insert(all.end(), logits.data, logits.data + 11); })
                .ok());
  return all;
}
template <class Cache>
void check() {
  const auto expected = logits_of<streaming<Cache>, lc::reference>(240);
  for (const lc::extent_t piece : {1u, 3u, 13u, 240u}) {
    CAPTURE(piece);
    const auto found = logits_of<streaming<Cache>, lc::simd>(piece);
    REQUIRE(found.size() == expected.size());
    float apart = 0, largest = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const float difference = std::abs(found[i] - expected[i]);
      apart = std::max(apart, std::isnan(difference) ? 1e9f : difference);
      largest = std::max(largest, std::abs(expected[i]));
    }
    CHECK(apart < 1e-5f * largest);
  }
}

}  // namespace

TEST_CASE("positions inside a ring, on lanes") {
  check<lc::ring_cache<20, lc::pinned{5}, lc::ring_positions::of_the_cache>>();
}
TEST_CASE("a cache in pages, on lanes") { check<lc::paged_cache<240, lc::streams{2}>>(); }
#endif
