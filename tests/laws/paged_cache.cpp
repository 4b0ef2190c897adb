// A cache in pages: the same bits wherever pages lie, several streams over one pool, prefixes that are shared.
#include "support/recipes.hpp"
#include "support/reference_cases.hpp"

#include <set>

namespace {
namespace lc = lacuna;
using namespace reference_cases;

/// One attention over 70 tokens, its pages handed out in a drawn order.
template <class Recipe>
auto output_of(std::uint64_t order) {
  auto layer = std::make_unique<lone_attention<Recipe, 16, 70>>();
  std::uint64_t drawn = 0;
  lc::visit_tensors(
      [&](auto& weight) {
        for (auto& of : weight.data) of = static_cast<float>(0.5 * lc::random_normal(9, 0, drawn++));
      },
      layer->parameters);
  for (auto& of : layer->x.data) of = static_cast<float>(lc::random_normal(9, 1, drawn++));
  std::set<std::uint32_t> pages;
  layer->shared.each_page_table([&](auto& table) {
    for (lc::extent_t i = table.unused_count; order > 0 && i > 1; --i)
      std::swap(table.unused[i - 1], table.unused[lc::random_bits(order, 0, i).word[0] % i]);
  });
  for (lc::extent_t first = 0; first < 70;) {
    const lc::extent_t count = std::min<lc::extent_t>(70 - first, 1 + first % 23);
    layer->forward(first, count);
    first += count;
  }
  layer->shared.each_page_table([&](auto& table) {
    CHECK(table.held[0] == 5);
    pages.insert(table.page_of[0], table.page_of[0] + 5);
  });
  return std::pair{layer->y, pages};
}
template <class... Policies>
void check_any_order() {
  const auto expected = output_of<lc::attention<lc::heads<4>, lc::kv_heads<2>, Policies...>>(0).first;
  using paged = lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::paged_cache<200, lc::streams{3}>, Policies...>;
  std::set<std::set<std::uint32_t>> different;
  for (std::uint64_t order = 0; order < 6; ++order) {
    const auto [found, pages] = output_of<paged>(order);
    REQUIRE(pages.size() == 5);
    different.insert(pages);
    bool same = true;
    for (lc::extent_t i = 0; i < expected.size; ++i) same = same && found[i] == expected[i];
    CHECK(same);
  }
  CHECK(different.size() > 3);
}

template <class Cache>
using streaming =
    lc::decoder<lc::vocabulary<11>, lc::width<16>, lc::context<96>,
                lc::repeat<2, lc::pre_norm<lc::rms_norm<>,
                                           lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::rope<>, lc::causal, Cache>,
                                           lc::ffn<lc::hidden<12>, lc::relu>>>>;
using paged_model = lc::model<streaming<lc::paged_cache<128, lc::streams{3}>>>;
using plain_model = lc::model<streaming<lc::linear_cache>>;

/// A stream of its own for each seed.
std::vector<std::uint32_t> tokens_of(std::uint64_t seed) {
  std::vector<std::uint32_t> stream(96);
  for (lc::extent_t t = 0; t < 96; ++t)
    stream[t] = static_cast<std::uint32_t>(lc::random_bits(seed, 0, t).word[0] % 11);
  return stream;
}
/// The logits of tokens [first, first + count) of a stream, which continue it.
template <class Model>
std::vector<float> forward(Model& model, const std::vector<std::uint32_t>& stream, lc::extent_t first,
                           lc::extent_t count) {
  std::vector<float> all;
  REQUIRE(model.position() == first);
  REQUIRE(model
              .try_forward({stream.data() + first, count},
                           [&](lc::extent_t, auto logits) { all.insert(all.end(), logits.data, logits.data + 11); })
              .ok());
  return all;
}
std::vector<float> expected_of(std::uint64_t seed, lc::extent_t first, lc::extent_t count) {
  auto model = std::make_unique<plain_model>();
  recipes::randomise(*model, 4, 0.4);
  const auto all = forward(*model, tokens_of(seed), 0, first + count);
  return {all.begin() + static_cast<std::ptrdiff_t>(first * 11), all.end()};
}

}  // namespace

TEST_CASE("wherever pages lie, the bits are those of a cache without pages") {
  check_any_order<lc::causal, lc::rope<>>();
  check_any_order<lc::both<lc::causal, lc::window<20>>, lc::alibi>();
  check_any_order<lc::top_k<3>, lc::rope<>>();
  check_any_order<lc::causal, lc::l2_gelu<>>();
}

TEST_CASE("training through pages: the same logits and gradients, again and again") {
  auto plain = std::make_unique<lc::model<streaming<lc::linear_cache>, lc::training>>();
  auto paged = std::make_unique<lc::model<streaming<lc::paged_cache<96>>, lc::training>>();
  recipes::randomise(*plain, 4, 0.4);
  recipes::randomise(*paged, 4, 0.4);
  const auto stream = tokens_of(1);
  auto adjoint = std::make_unique<lc::tensor<float, 96, 11>>();
  for (lc::extent_t i = 0; i < adjoint->size; ++i) (*adjoint)[i] = static_cast<float>(lc::random_normal(2, 0, i));
  for (const lc::extent_t count : {96u, 40u, 96u}) {
    const auto learn = [&](auto& model) {
      model.clear_gradients();
      REQUIRE(model.try_forward_to_learn({stream.data(), count}).ok());
      REQUIRE(model.try_backward({stream.data(), count}, adjoint->first(count)).ok());
    };
    learn(*plain), learn(*paged);
    bool same = true;
    lc::visit_tensors(
        [&](auto& a, auto& b) {
          for (lc::extent_t i = 0; i < a.size; ++i) same = same && a[i] == b[i];
        },
        plain->gradients_to_write(), paged->gradients_to_write());
    CHECK(same);
  }
}

TEST_CASE("streams take turns, and each is what it would be alone") {
  auto model = std::make_unique<paged_model>();
  recipes::randomise(*model, 4, 0.4);
  static_assert(paged_model::streams == 3 && plain_model::streams == 1);
  std::vector<std::uint32_t> streams[]{tokens_of(1), tokens_of(2), tokens_of(3)};
  lc::extent_t at[3]{};
  std::vector<float> found[3];
  for (lc::extent_t turn = 0; turn < 9; ++turn) {
    const lc::extent_t s = turn * 2 % 3, count = 4 + turn * 5 % 11;
    REQUIRE(model->try_select(s).ok());
    CHECK(model->stream() == s);
    const auto logits = forward(*model, streams[s], at[s], count);
    found[s].insert(found[s].end(), logits.begin(), logits.end());
    at[s] += count;
  }
  for (lc::extent_t s = 0; s < 3; ++s) {
    REQUIRE(at[s] > 16);
    CHECK((found[s] == expected_of(s + 1, 0, at[s])));
  }
  // One that starts anew gives its pages to the others.
  REQUIRE(model->try_select(1).ok());
  model->reset();
  CHECK((forward(*model, streams[0], 0, 40) == expected_of(1, 0, 40)));
}

TEST_CASE("a prefix is held once by all that share it") {
  auto model = std::make_unique<paged_model>();
  recipes::randomise(*model, 4, 0.4);
  const auto stream = tokens_of(1);
  auto other = stream;
  for (lc::extent_t t = 64; t < 96; ++t) other[t] = (stream[t] + 1) % 11;
  forward(*model, stream, 0, 70);  // 5 of 8 pages
  CHECK(model->room() == 96 - 70);
  REQUIRE(model->try_select(1).ok());
  CHECK(model->room() == 3 * 16);
  REQUIRE(model->try_share_prefix(0, 64).ok());
  CHECK(model->position() == 64);
  CHECK(model->room() == 96 - 64);
  std::vector<float> expected;
  {
    auto alone = std::make_unique<plain_model>();
    recipes::randomise(*alone, 4, 0.4);
    forward(*alone, other, 0, 64);
    expected = forward(*alone, other, 64, 20);
  }
  CHECK((forward(*model, other, 64, 20) == expected));  // 2 pages more, 1 is left
  REQUIRE(model->try_select(2).ok());
  CHECK(model->room() == 16);
  REQUIRE(model->try_share_prefix(1, 16).ok());
  // The first goes on where it was, and ends: what others hold stays theirs.
  REQUIRE(model->try_select(0).ok());
  CHECK((forward(*model, stream, 70, 10) == expected_of(1, 70, 10)));
  model->reset();
  CHECK(model->room() == 2 * 16);
  REQUIRE(model->try_select(2).ok());
  CHECK((forward(*model, stream, 16, 20) == expected_of(1, 16, 20)));
  REQUIRE(model->try_select(1).ok());
  std::vector<float> rest;
  {
    auto alone = std::make_unique<plain_model>();
    recipes::randomise(*alone, 4, 0.4);
    forward(*alone, other, 0, 84);
    rest = forward(*alone, other, 84, 12);
  }
  CHECK((forward(*model, other, 84, 12) == rest));
}

TEST_CASE("what finds no page, no stream, no prefix is an error, and changes nothing") {
  auto model = std::make_unique<paged_model>();
  recipes::randomise(*model, 4, 0.4);
  const auto stream = tokens_of(1), other = tokens_of(2);
  const auto sentence = [](const auto& outcome) { return std::string(outcome.why().message.c_str()); };
  forward(*model, stream, 0, 90);  // 6 of 8 pages
  CHECK(sentence(model->try_forward({stream.data(), 7})) ==
        "lacuna::forward: expected at most 6 more tokens (context 96, position 90), found 7 (shorten the prompt, or "
        "reset() the stream)");
  REQUIRE(model->try_select(2).ok());
  forward(*model, other, 0, 5);
  CHECK(model->room() == 32 - 5);
  CHECK(sentence(model->try_forward({other.data() + 5, 28})) ==
        "lacuna::forward: expected at most 27 more tokens, for which the pool has pages (position 5), found 28 "
        "(reset() a "
        "stream, or give paged_cache more positions)");
  CHECK(model->try_forward({other.data() + 5, 28}).why().kind == lc::error_kind::memory);
  CHECK((forward(*model, other, 5, 27) == expected_of(2, 5, 27)));
  CHECK(model->room() == 0);
  CHECK(
      sentence(model->try_share_prefix(0, 16)) ==
      "lacuna::share_prefix: expected another stream and an empty one to run, found stream 0 and position 32 in stream "
      "2 (select a stream, and reset() it)");
  REQUIRE(model->try_select(1).ok());
  CHECK(sentence(model->try_share_prefix(1, 16)) ==
        "lacuna::share_prefix: expected another stream and an empty one to run, found stream 1 and position 0 in "
        "stream 1 "
        "(select a stream, and reset() it)");
  CHECK(sentence(model->try_share_prefix(0, 40)) ==
        "lacuna::share_prefix: expected whole pages of 16 among 90 tokens, found 40 (share fewer, and forward the "
        "others)");
  CHECK(!model->try_share_prefix(0, 96).ok());
  CHECK(sentence(model->try_select(3)) ==
        "lacuna::select: expected a stream below 3, found 3 (give paged_cache more streams)");
  CHECK(!model->try_share_prefix(7, 16).ok());
  CHECK((model->stream() == 1 && model->position() == 0 && model->room() == 0));
  REQUIRE(model->try_select(0).ok());
  CHECK((forward(*model, stream, 90, 6) == expected_of(1, 90, 6)));
}

TEST_CASE("generation ends where the pool does") {
  using recipe =
      lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<96>,
                  lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal, lc::paged_cache<32>>>>;
  auto model = std::make_unique<lc::model<recipe>>();
  recipes::randomise(*model, 4, 0.4);
  const std::uint32_t prompt[]{1, 2, 3};
  lc::extent_t written = 0;
  for (const auto token : lc::generate(*model, {prompt, 3}, {.temperature = 0.f, .tokens = 0})) written += token < 11;
  CHECK(model->position() == 32);
  CHECK(written == 32 - 3 + 1);  // the last one is written, but no longer read
}
TEST_CASE("the state is the pool") {
  static_assert(lc::state_bytes<streaming<lc::paged_cache<128, lc::streams{3}>>, lc::f32> ==
                2 * 2 * 128 * 8 * sizeof(float));
  static_assert(lc::state_bytes<streaming<lc::paged_cache<33>>, lc::f32> == 2 * 2 * 48 * 8 * sizeof(float));
  // Never more than all streams can fill.
  static_assert(lc::state_bytes<streaming<lc::paged_cache<9999, lc::streams{2}>>, lc::f32> ==
                2 * 2 * 2 * 96 * 8 * sizeof(float));
}
