// Positions inside a ring: as those of the text until something is evicted, then as if it had never been there.
#include "support/recipes.hpp"
#include "support/reference_cases.hpp"

namespace {
namespace lc = lacuna;
using namespace reference_cases;

constexpr auto in_cache = lc::ring_positions::of_the_cache;
template <lc::extent_t Pinned, lc::extent_t Recent>
using sinks = lc::both<lc::causal, lc::either<lc::columns<lc::leading<Pinned>>, lc::window<Recent>>>;

template <class... Policies>
using streaming =
    lc::decoder<lc::vocabulary<11>, lc::width<16>, lc::context<240>,
                lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<4>, lc::kv_heads<2>, Policies...>>>>;

template <class Recipe, class... Options>
std::vector<float> logits_of(lc::extent_t tokens, lc::extent_t piece) {
  auto model = std::make_unique<lc::model<Recipe, Options...>>();
  recipes::randomise(*model, 4, 0.4);
  std::vector<std::uint32_t> stream(tokens);
  for (lc::extent_t t = 0; t < tokens; ++t)
    stream[t] = static_cast<std::uint32_t>(lc::random_bits(8, 0, t).word[0] % 11);
  std::vector<float> all;
  for (int again = 0; again < 2; ++again) {  // a second stream finds turned keys of the first
    all.clear();
    model->reset();
    for (lc::extent_t t = 0; t < tokens; t += piece)
      REQUIRE(
          model
              ->try_forward({stream.data() + t, std::min(piece, tokens - t)},
                            [&](lc::extent_t, auto logits) { all.insert(all.end(), logits.data, logits.data + 11); })
              .ok());
  }
  return all;
}

}  // namespace

TEST_CASE("positions inside the cache against an independent implementation") {
  auto cases = read_cases("sinks");
  check_case<lc::attention<lc::heads<3>, sinks<2, 5>, lc::rope<>, lc::ring_cache<5, lc::pinned{2}, in_cache>>, 24, 21>(
      cases["sinks_21"], "y.in_cache");
  check_case<
      lc::attention<lc::heads<2>, lc::kv_heads<1>, sinks<4, 9>, lc::rope<>, lc::ring_cache<9, lc::pinned{4}, in_cache>>,
      16, 33>(cases["sinks_33"], "y.in_cache");
}

TEST_CASE("until something is evicted nothing differs; then pinned keys come nearer") {
  using linear = streaming<sinks<5, 20>, lc::rope<>>;
  using moved = streaming<sinks<5, 20>, lc::rope<>, lc::ring_cache<20, lc::pinned{5}, in_cache>>;
  const auto expected = logits_of<linear>(240, 240), found = logits_of<moved>(240, 240);
  REQUIRE(found.size() == expected.size());
  for (lc::extent_t i = 0; i < 25 * 11; ++i) REQUIRE(found[i] == expected[i]);
  float apart = 0;
  for (lc::extent_t i = 25 * 11; i < 26 * 11; ++i) apart = std::max(apart, std::abs(found[i] - expected[i]));
  CHECK(apart > 1e-4f);
  for (const lc::extent_t piece : {1u, 3u, 8u, 13u, 29u}) {
    CAPTURE(piece);
    CHECK((logits_of<moved>(240, piece) == found));
    CHECK((logits_of<moved, lc::chunk<64>>(240, piece) == found));
  }
  // A larger ring than the route needs evicts later.
  using larger = streaming<sinks<5, 20>, lc::rope<>, lc::ring_cache<40, lc::pinned{5}, in_cache>>;
  const auto later = logits_of<larger>(240, 7);
  for (lc::extent_t i = 0; i < 45 * 11; ++i) REQUIRE(later[i] == expected[i]);
  CHECK(later != expected);
}

TEST_CASE("without positions, or without pinned keys, there is nothing to move") {
  using text = streaming<sinks<5, 20>, lc::ring_cache<20, lc::pinned{5}>>;
  using cache = streaming<sinks<5, 20>, lc::ring_cache<20, lc::pinned{5}, in_cache>>;
  CHECK(logits_of<cache>(240, 9) == logits_of<text>(240, 9));
  using window = lc::both<lc::causal, lc::window<20>>;
  using none_pinned = streaming<window, lc::rope<>, lc::ring_cache<20, lc::pinned{0}, in_cache>>;
  CHECK(logits_of<none_pinned>(240, 9) == logits_of<streaming<window, lc::rope<>>>(240, 9));
}

TEST_CASE("the state keeps the pinned keys once more, and does not grow; the work is the formula") {
  using text = streaming<sinks<5, 20>, lc::rope<>, lc::ring_cache<20, lc::pinned{5}>>;
  using cache = streaming<sinks<5, 20>, lc::rope<>, lc::ring_cache<20, lc::pinned{5}, in_cache>>;
  static_assert(lc::state_bytes<cache, lc::f32> == lc::state_bytes<text, lc::f32> + 2 * 5 * 8 * sizeof(float));
  auto model = std::make_unique<lc::model<cache>>();
  recipes::randomise(*model, 4, 0.4);
  std::vector<std::uint32_t> stream(100, 3);
  lc::work_counter counter;
  REQUIRE(
      model
          ->try_forward_watched(lc::watched{model->backend(), counter}, {stream.data(), 100}, [](lc::extent_t, auto) {})
          .ok());
  CHECK(counter.multiply_adds == cache::bound::multiply_adds(0, 100, 100));
}

TEST_CASE("angles computed where they are needed turn keys as those of a table do") {
  using far = lc::decoder<
      lc::vocabulary<11>, lc::width<16>, lc::context<1'000'000'000>,
      lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<4>, lc::kv_heads<2>, sinks<5, 20>, lc::rope<>,
                                                               lc::ring_cache<20, lc::pinned{5}, in_cache>>>>>;
  using near = streaming<sinks<5, 20>, lc::rope<>, lc::ring_cache<20, lc::pinned{5}, in_cache>>;
  CHECK(logits_of<far>(200, 16) == logits_of<near>(200, 16));
}
