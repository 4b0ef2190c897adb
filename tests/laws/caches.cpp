// Caches that forget: the same outputs as one that keeps all, bit for bit, in a state that does not grow.
#include "support/recipes.hpp"

#include <doctest/doctest.h>
#include <memory>
#include <vector>

namespace {
namespace lc = lacuna;

template <lc::extent_t Context, class... Policies>
using streaming = lc::decoder<
    lc::vocabulary<11>, lc::width<16>, lc::context<Context>,
    lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::rope<>, Policies...>,
                               lc::ffn<lc::hidden<12>, lc::relu>>>>;
using window_of_20 = lc::both<lc::causal, lc::window<20>>;
using sinks_and_20 = lc::both<lc::causal, lc::either<lc::columns<lc::leading<3>>, lc::window<20>>>;
using ring_of_20 = lc::ring_cache<20>;
using pinned_ring = lc::ring_cache<20, lc::pinned{3}>;

/// Every logit of a stream that is fed in pieces of the given length.
template <class Recipe, class... Options>
std::vector<float> logits_of(lc::extent_t tokens, lc::extent_t piece) {
  auto model = std::make_unique<lc::model<Recipe, Options...>>();
  recipes::randomise(*model, 4, 0.4);
  std::vector<std::uint32_t> stream(tokens);
  for (lc::extent_t t = 0; t < tokens; ++t)
    stream[t] = static_cast<std::uint32_t>(lc::random_bits(8, 0, t).word[0] % 11);
  std::vector<float> all;
  for (lc::extent_t t = 0; t < tokens; t += piece) {
    const lc::extent_t count = tokens - t < piece ? tokens - t : piece;
    REQUIRE(model
                ->try_forward({stream.data() + t, count},
                              [&](lc::extent_t, auto logits) { all.insert(all.end(), logits.data, logits.data + 11); })
                .ok());
  }
  return all;
}

}  // namespace

TEST_CASE("a ring gives what keeping all gives, however the stream is cut") {
  const auto check = []<class Route, class Ring>(Route, Ring) {
    const auto expected = logits_of<streaming<240, Route>>(240, 240);
    REQUIRE(expected.size() == 240 * 11);
    for (const lc::extent_t piece : {1u, 3u, 8u, 13u, 16u, 29u, 240u}) {
      CAPTURE(piece);
      CHECK((logits_of<streaming<240, Route, Ring>>(240, piece) == expected));
      CHECK((logits_of<streaming<240, Route, Ring>, lc::chunk<5>>(240, piece) == expected));
      CHECK((logits_of<streaming<240, Route, Ring>, lc::chunk<64>>(240, piece) == expected));
    }
  };
  check(window_of_20{}, ring_of_20{});
  check(sinks_and_20{}, pinned_ring{});
  // More than needed does no harm, nor does a stream that the ring never fills.
  check(window_of_20{}, lc::ring_cache<21, lc::pinned{17}>{});
  check(window_of_20{}, lc::ring_cache<1000>{});
}

TEST_CASE("the state of a ring does not grow with the context") {
  static_assert(lc::state_bytes<streaming<240, window_of_20, ring_of_20>, lc::f32> ==
                lc::state_bytes<streaming<1'000'000'000, window_of_20, ring_of_20>, lc::f32>);
  static_assert(lc::state_bytes<streaming<240, window_of_20, ring_of_20>, lc::f32> ==
                2 * 2 * sizeof(float) * 8 * lc::blocks_of(20 + 22) * lc::block_keys);
  static_assert(lc::state_bytes<streaming<240, sinks_and_20, pinned_ring>, lc::f32> ==
                2 * 2 * sizeof(float) * 8 * (1 + lc::blocks_of(20 + 22)) * lc::block_keys);
  using endless = lc::model<streaming<1'000'000'000, window_of_20, ring_of_20>>;
  using short_stream = lc::model<streaming<100'000, window_of_20, ring_of_20>>;
  static_assert(sizeof(typename endless::state_type) == sizeof(typename short_stream::state_type));
  static_assert(sizeof(typename endless::workings_type) < 100'000);
}

TEST_CASE("angles computed when they are needed are those of the table") {
  static_assert(!lc::rope<>::on_projections<4, 1'000'000'000>::in_a_table &&
                lc::rope<>::on_projections<4, 240>::in_a_table);
  const auto expected = logits_of<streaming<240, window_of_20>>(240, 16);
  CHECK((logits_of<streaming<1'000'000'000, window_of_20, ring_of_20>>(240, 16) == expected));
  CHECK((logits_of<streaming<1'000'000'000, window_of_20, ring_of_20>>(240, 1) == expected));
}

TEST_CASE("which caches serve which routes") {
  using lc::detail::cache_serves;
  static_assert(cache_serves<lc::linear_cache, lc::full, 240>());
  static_assert(cache_serves<ring_of_20, window_of_20, 240>() && cache_serves<pinned_ring, sinks_and_20, 240>());
  static_assert(!cache_serves<ring_of_20, lc::both<lc::causal, lc::window<21>>, 240>());
  static_assert(!cache_serves<ring_of_20, sinks_and_20, 240>());
  static_assert(!cache_serves<ring_of_20, lc::causal, 240>() && cache_serves<lc::ring_cache<240>, lc::causal, 240>());
  static_assert(!cache_serves<ring_of_20, lc::window<3>, 240>());
  // Wide windows cost the compiler no more than narrow ones.
  static_assert(cache_serves<lc::ring_cache<20'000>, lc::both<lc::causal, lc::window<20'000>>, 100'000>());
  static_assert(!cache_serves<lc::ring_cache<20'000>, lc::both<lc::causal, lc::window<20'001>>, 100'000>());
  static_assert(ring_of_20::stores(3, 3 + ring_of_20::ring_blocks - 1) &&
                !ring_of_20::stores(3, 3 + ring_of_20::ring_blocks));
  static_assert(pinned_ring::stores(0, 1000) && !pinned_ring::stores(1, 1000));
}
