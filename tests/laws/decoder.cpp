// A whole decoder: at compile time, in pieces, on every axis of a model; allocations; errors.
#include "support/allocations.hpp"
#include "support/recipes.hpp"

#include <bit>
#include <cmath>
#include <doctest/doctest.h>
#include <memory>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;

using tiny = lc::decoder<lc::vocabulary<8>, lc::width<8>, lc::context<4>,
    lc::repeat<2, lc::pre_norm<lc::rms_norm<>,
        lc::attention<lc::heads<2>, lc::kv_heads<1>, lc::rope<>, lc::causal>,
        lc::ffn<lc::hidden<12>, lc::gated<lc::silu>>>>,
    lc::tied_head>;

struct tiny_logits {
  float of[4][8];
};
constexpr tiny_logits evaluate_tiny() {
  lc::model<tiny, lc::in_place, lc::training> model;
  std::uint64_t counter = 0;
  lc::visit_tensors([&](auto& tensor) {
    for (auto& weight : tensor.data) weight = static_cast<float>(lc::random_uniform(1, 2, counter++)) - 0.4f;
  }, model.parameters_to_write());
  model.update();
  const std::uint32_t tokens[]{1, 5, 2, 7};
  const auto logits = *model.try_forward_to_learn({tokens, 4});
  tiny_logits result{};
  for (std::size_t t = 0; t < 4; ++t)
    for (std::size_t i = 0; i < 8; ++i) result.of[t][i] = logits(t, i);
  return result;
}
constexpr tiny_logits at_compile_time = evaluate_tiny();
static_assert(at_compile_time.of[3][0] != at_compile_time.of[3][1] && at_compile_time.of[0][7] != 0);

/// The logits of every token of `tokens`, taken in pieces of the given sizes.
template <class Model>
std::vector<typename Model::value> stream_logits(Model& model, const std::vector<std::uint32_t>& tokens,
                                                 const std::vector<std::size_t>& pieces) {
  std::vector<typename Model::value> all;
  model.reset();
  std::size_t at = 0;
  for (std::size_t p = 0; at < tokens.size(); ++p) {
    const std::size_t count = std::min(pieces[p % pieces.size()], tokens.size() - at);
    const auto done = model.try_forward({tokens.data() + at, count}, [&](std::size_t, const auto& logits) {
      all.insert(all.end(), logits.data, logits.data + Model::vocabulary);
    });
    REQUIRE(done.ok());
    at += count;
  }
  return all;
}

template <class Recipe>
void check_pieces() {
  const std::vector<std::uint32_t> tokens(recipes::stream, std::end(recipes::stream));
  auto one = std::make_unique<lc::model<Recipe, lc::chunk<1>>>();
  auto five = std::make_unique<lc::model<Recipe, lc::chunk<5>>>();
  auto whole = std::make_unique<lc::model<Recipe, lc::chunk<64>>>();
  auto learner = std::make_unique<lc::model<Recipe, lc::training>>();
  auto placed = std::make_unique<lc::model<Recipe, lc::in_place>>();
  recipes::randomise(*one, 11, 0.3);
  recipes::randomise(*five, 11, 0.3);
  recipes::randomise(*whole, 11, 0.3);
  recipes::randomise(*learner, 11, 0.3);
  recipes::randomise(*placed, 11, 0.3);
  const auto lent = std::make_unique<lc::model<Recipe, lc::borrowed>>(whole->parameters());

  const auto kept = *learner->try_forward_to_learn({tokens.data(), tokens.size()});
  const std::vector<float> expected(kept.data, kept.data + tokens.size() * Recipe::vocabulary);
  // Streams see the past only, so every way of cutting one up gives the same bits as the training forward.
  CHECK(stream_logits(*one, tokens, {tokens.size()}) == expected);
  CHECK(stream_logits(*five, tokens, {tokens.size()}) == expected);
  CHECK(stream_logits(*five, tokens, {1, 7, 2}) == expected);
  CHECK(stream_logits(*whole, tokens, {tokens.size()}) == expected);
  CHECK(stream_logits(*whole, tokens, {1}) == expected);
  CHECK(stream_logits(*whole, tokens, {9, 1, 1, 3}) == expected);
  CHECK(stream_logits(*placed, tokens, {4}) == expected);
  CHECK(stream_logits(*lent, tokens, {6}) == expected);
}

std::string message_of(const lc::error& why) { return why.message.c_str(); }

}  // namespace

TEST_CASE("a decoder at compile time equals run time bit for bit") {
  const auto volatile evaluate = &evaluate_tiny;
  const tiny_logits at_run_time = evaluate();
  for (std::size_t t = 0; t < 4; ++t)
    for (std::size_t i = 0; i < 8; ++i)
      CHECK(std::bit_cast<std::uint32_t>(at_run_time.of[t][i]) ==
            std::bit_cast<std::uint32_t>(at_compile_time.of[t][i]));
}

TEST_CASE("inference, chunks, storages and the training forward give the same bits") {
  check_pieces<recipes::llama>();
  check_pieces<recipes::gpt>();
  using past =
      lc::substitute<recipes::mixed, lc::full, lc::causal>;  // a stream can be cut only where rows see the past
  check_pieces<lc::substitute<past, lc::window<3>, lc::both<lc::causal, lc::window<3>>>>();
}

TEST_CASE("later tokens do not change earlier logits") {
  auto model = std::make_unique<lc::model<recipes::llama>>();
  recipes::randomise(*model, 5, 0.5);
  std::vector<std::uint32_t> tokens(recipes::stream, std::end(recipes::stream));
  const auto before = stream_logits(*model, tokens, {19});
  tokens[12] = 0;
  const auto after = stream_logits(*model, tokens, {19});
  CHECK(std::equal(before.begin(), before.begin() + 12 * 11, after.begin()));
  CHECK(!std::equal(before.begin() + 12 * 11, before.end(), after.begin() + 12 * 11));
}

TEST_CASE("what a row does not see is never read") {
  // The cache of an earlier, longer stream is poisoned: rows must not touch it.
  auto model = std::make_unique<lc::model<recipes::gpt>>();
  recipes::randomise(*model, 5, 0.5);
  const std::vector<std::uint32_t> tokens(recipes::stream, std::end(recipes::stream));
  const auto expected = stream_logits(*model, std::vector<std::uint32_t>(tokens.begin(), tokens.begin() + 9), {9});
  auto poisoned = std::make_unique<lc::model<recipes::gpt>>();
  recipes::randomise(*poisoned, 5, 0.5);
  auto& parameters = poisoned->parameters_to_write();
  const float kept = parameters.position_part.weight[10 * 8];
  parameters.position_part.weight[10 * 8] = std::nanf("");
  (void)stream_logits(*poisoned, tokens, {19});
  parameters.position_part.weight[10 * 8] = kept;
  CHECK(stream_logits(*poisoned, std::vector<std::uint32_t>(tokens.begin(), tokens.begin() + 9), {9}) == expected);
}

TEST_CASE("nothing is allocated after construction") {
  const std::size_t before = allocations();
  lc::model<recipes::llama> model;
  CHECK(allocations() == before + 1);
  recipes::randomise(model, 3, 0.4);
  lc::model<recipes::llama, lc::training> learner;
  recipes::randomise(learner, 3, 0.4);
  static float adjoint[19 * 11];
  const std::size_t built = allocations();
  CHECK(built == before + 2);
  REQUIRE(model.try_forward({recipes::stream, 19}).ok());
  unsigned sum = 0;
  for (auto token :
       lc::generate(model, lc::token_view{recipes::stream, 3}, {.temperature = 0.8f, .top_k = 4, .top_p = 0.9f}))
    sum += token;
  CHECK(sum > 0);
  REQUIRE(learner.try_forward_to_learn({recipes::stream, 19}).ok());
  REQUIRE(learner.try_backward({recipes::stream, 19}, {adjoint, 19}).ok());
  CHECK(allocations() == built);
  static lc::model<recipes::llama, lc::in_place> placed;
  REQUIRE(placed.try_forward({recipes::stream, 19}).ok());
  CHECK(allocations() == built);
}

TEST_CASE("figures are constexpr and are what is used") {
  using model = lc::model<lc::zoo::stories260k>;
  static_assert(lc::parameter_count<lc::zoo::stories260k> == 260'032);
  static_assert(lc::parameter_bytes<lc::zoo::stories260k, lc::bf16> == 520'064);
  static_assert(lc::parameter_count<lc::zoo::shipped> == 730'368);
  static_assert(sizeof(model::parameters_type) == 4 * 260'032);
  // Five layers of keys and values for 512 positions of 4 heads of 8.
  static_assert(lc::state_bytes<lc::zoo::stories260k, lc::f32> == 5 * 2 * 512 * 4 * 8 * 4);
  static_assert(sizeof(model::state_type) == lc::state_bytes<lc::zoo::stories260k, lc::f32>);
  static_assert(lc::gradient_bytes<model> == 0);
  static_assert(lc::gradient_bytes<lc::model<lc::zoo::stories260k, lc::training>> > 4 * 260'032);
  static_assert(sizeof(lc::model<lc::zoo::stories260k, lc::in_place>) == lc::model_bytes<model>);
  // Layers reuse one workspace: it does not grow with their number.
  using deep = lc::decoder<lc::vocabulary<512>, lc::width<64>, lc::context<512>,
      lc::repeat<50, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<8>, lc::kv_heads<4>, lc::rope<>, lc::causal>,
                                  lc::ffn<lc::hidden<172>, lc::gated<lc::silu>>>>>;
  static_assert(lc::workspace_bytes<lc::model<deep>> == lc::workspace_bytes<model>);
  CHECK(lc::workspace_bytes<model> < 100'000);
}

TEST_CASE("counted work is the cost formula") {
  const auto count = []<class Recipe>(lc::extent_t first, lc::extent_t tokens, Recipe) {
    auto model = std::make_unique<lc::model<Recipe, lc::chunk<20>>>();
    lc::work_counter before, counter;
    const std::uint32_t zeros[20]{};
    if (first > 0) {
      const auto each = [](lc::extent_t, const auto&) {};
      REQUIRE(model->try_forward_watched(lc::watched{model->backend(), before}, {zeros, first}, each).ok());
    }
    const auto each = [](lc::extent_t, const auto&) {};
    REQUIRE(model->try_forward_watched(lc::watched{model->backend(), counter}, {zeros, tokens}, each).ok());
    CHECK(counter.multiply_adds == Recipe::bound::multiply_adds(first, tokens, tokens));
    return counter.multiply_adds;
  };
  CHECK(count(0, 1, recipes::llama{}) == lc::decode_multiply_adds<recipes::llama>(0));
  CHECK(count(7, 1, recipes::llama{}) == lc::decode_multiply_adds<recipes::llama>(7));
  count(0, 20, recipes::llama{});
  count(3, 16, recipes::gpt{});
  count(0, 20, recipes::mixed{});
}

TEST_CASE("activity: the share of neurons that are not zero") {
  auto model = std::make_unique<lc::model<recipes::llama, lc::inference>>();
  recipes::randomise(*model, 3, 0.4);
  lc::activity_counter all;
  const auto each = [](lc::extent_t, const auto&) {};
  const auto plain = model->try_forward({recipes::stream, 19});
  const float expected = (*plain)(0, 3);
  model->reset();
  const auto watched = model->try_forward_watched(lc::watched{model->backend(), all}, {recipes::stream, 19}, each);
  CHECK((*watched)(0, 3) == expected);
  CHECK(all.seen == 2 * 19 * 12);
  CHECK(all.share() == 1.0);  // silu is nowhere exactly zero

  using sparse = lc::substitute<recipes::llama, lc::silu, lc::relu>;
  auto other = std::make_unique<lc::model<sparse>>();
  recipes::randomise(*other, 3, 0.4);
  lc::activity_counter some;
  REQUIRE(other->try_forward_watched(lc::watched{other->backend(), some}, {recipes::stream, 19}, each).ok());
  CHECK(some.share() > 0.2);
  CHECK(some.share() < 0.8);
}

TEST_CASE("wrong input is a clear error and changes nothing") {
  auto model = std::make_unique<lc::model<recipes::llama>>();
  recipes::randomise(*model, 3, 0.4);
  const auto none = model->try_forward({nullptr, 0});
  REQUIRE(!none.ok());
  CHECK(none.why().kind == lc::error_kind::length);
  CHECK(message_of(none.why()).find("expected at least one token, found none") != std::string::npos);
  const std::uint32_t wrong[]{3, 11};
  const auto range = model->try_forward({wrong, 2});
  REQUIRE(!range.ok());
  CHECK(range.why().kind == lc::error_kind::token);
  CHECK(message_of(range.why()).find("token 1: expected a number below 11, found 11") != std::string::npos);
  const std::vector<std::uint32_t> many(21, 1);
  const auto longer = model->try_forward({many.data(), many.size()});
  REQUIRE(!longer.ok());
  CHECK(message_of(longer.why()).find("context 20, position 0), found 21") != std::string::npos);
  CHECK(model->position() == 0);
  REQUIRE(model->try_forward({many.data(), 20}).ok());
  CHECK(!model->try_forward({many.data(), 1}).ok());
  CHECK(model->position() == 20);
  model->reset();
  CHECK(model->try_forward({many.data(), 1}).ok());
  CHECK_THROWS_AS((void)model->forward({wrong, 2}), lc::failure);
  // Backward refuses tokens that forward would refuse.
  auto learner = std::make_unique<lc::model<recipes::llama, lc::training>>();
  const std::vector<float> adjoint(2 * 11);
  REQUIRE(learner->try_forward_to_learn({many.data(), 2}).ok());
  CHECK(!learner->try_backward({wrong, 2}, {adjoint.data(), 2}).ok());
  // A stream under a route that sees ahead comes in one call.
  auto ahead = std::make_unique<lc::model<recipes::mixed, lc::chunk<20>>>();
  REQUIRE(ahead->try_forward({many.data(), 3}).ok());
  const auto more = ahead->try_forward({many.data(), 1});
  REQUIRE(!more.ok());
  CHECK(message_of(more.why()).find("expected the whole stream in one call") != std::string::npos);
}
