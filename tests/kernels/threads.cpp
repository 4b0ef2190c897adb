// Work on many tokens by threads: the same bits for every number of threads, and for tasks in any order.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/recipes.hpp"

#include <doctest/doctest.h>
#include <atomic>
#include <lacuna/train/cross_entropy.hpp>
#include <lacuna/with_threads.hpp>
#include <memory>
#include <vector>

namespace {
namespace lc = lacuna;

/// Runs tasks last to first, and counts them.
struct backwards {
  unsigned tasks = 0;
  template <class Task>
  void for_each(lc::extent_t count, Task&& task) {
    for (lc::extent_t i = count; i-- > 0; ++tasks) task(i);
  }
};

/// Wide enough that every divided operation is divided.
using wide = lc::decoder<
    lc::vocabulary<300>, lc::width<128>, lc::context<256>,
    lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::rope<>, lc::causal>,
                               lc::ffn<lc::hidden<200>, lc::gated<lc::silu>>>>,
    lc::tied_head>;

/// Parts that are drawn: features, corrected features, blocks at random, hashes, centroids.
template <class... Parts>
using drawn_block =
    lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, Parts...>, lc::ffn<lc::hidden<96>, lc::relu>>;
using drawn =
    lc::decoder<lc::vocabulary<300>, lc::width<64>, lc::context<256>, lc::allow_selection_leak,
                drawn_block<lc::causal, lc::favor<24>>,
                drawn_block<lc::both<lc::causal, lc::window<24>>, lc::difference<lc::favor<24>>>,
                drawn_block<lc::both<lc::causal, lc::random_blocks<16, lc::draws{2}>>>,
                drawn_block<lc::lsh<lc::hashing{.rounds = 2, .buckets = 8, .chunk = 16}>, lc::shared_query_key<>>,
                drawn_block<lc::k_means<4>, lc::shared_query_key<lc::shared_form::normalised>, lc::plain_dot>,
                lc::tied_head>;

std::vector<std::uint32_t> some_tokens(lc::extent_t count) {
  std::vector<std::uint32_t> tokens;
  for (lc::extent_t i = 0; i < count; ++i) tokens.push_back(static_cast<std::uint32_t>(i * 37 % 300));
  return tokens;
}

/// Logits of the last token and all gradients.
template <class Model>
std::vector<float> learn(Model& model, const std::vector<std::uint32_t>& tokens) {
  recipes::randomise(model, 8, 0.3);
  model.clear_gradients();
  const lc::token_view view{tokens.data(), tokens.size()};
  const auto logits = model.try_forward_to_learn(view).take();
  std::vector<float> all(logits.row(tokens.size() - 1), logits.row(tokens.size() - 1) + Model::vocabulary);
  REQUIRE(model.try_backward(view, logits).ok());  // any adjoint will do
  lc::visit_tensors(
      [&](const auto& gradient) { all.insert(all.end(), std::begin(gradient.data), std::end(gradient.data)); },
      model.gradients_to_write());
  return all;
}

}  // namespace

TEST_CASE("a team calls every task once, again and again") {
  for (const unsigned threads : {1u, 2u, 3u, 5u}) {
    lc::thread_team team(threads);
    CHECK(team.size() == threads);
    for (const lc::extent_t count : {0u, 1u, 2u, 7u, 1000u})
      for (int round = 0; round < 20; ++round) {
        std::vector<std::atomic<int>> calls(count);
        team.for_each(count, [&](lc::extent_t i) { ++calls[i]; });
        for (const auto& of : calls) REQUIRE(of == 1);
      }
  }
}

TEST_CASE("results do not depend on the number of threads, nor on the order of tasks") {
  const auto tokens = some_tokens(230);
  const auto alone = std::make_unique<lc::model<wide, lc::simd, lc::training>>();
  const auto expected = learn(*alone, tokens);
  for (const unsigned threads : {1u, 2u, 4u}) {
    lc::thread_team team(threads);
    using backend = lc::simd_threads<lc::thread_team>;
    const auto model = std::make_unique<lc::model<wide, backend, lc::training>>(backend(team));
    CHECK(learn(*model, tokens) == expected);
  }
  backwards order;
  using backend = lc::simd_threads<backwards>;
  const auto model = std::make_unique<lc::model<wide, backend, lc::training>>(backend(order));
  CHECK(learn(*model, tokens) == expected);
  CHECK(order.tasks > 100);
  // A tag without an executor works as simd.
  const auto idle = std::make_unique<lc::model<wide, backend, lc::training>>();
  CHECK(learn(*idle, tokens) == expected);
}

TEST_CASE("parts that are drawn are drawn alike on any number of threads") {
  const auto tokens = some_tokens(230);
  const auto alone = std::make_unique<lc::model<drawn, lc::simd, lc::training, lc::chunk<256>>>();
  const auto expected = learn(*alone, tokens);
  for (const unsigned threads : {1u, 3u}) {
    lc::thread_team team(threads);
    using backend = lc::simd_threads<lc::thread_team>;
    const auto model = std::make_unique<lc::model<drawn, backend, lc::training, lc::chunk<256>>>(backend(team));
    CHECK(learn(*model, tokens) == expected);
  }
}
TEST_CASE("products of eight bits by tasks in any order") {
  constexpr lc::extent_t outputs = 201, inputs = 90, count = 70;
  lc::tensor<std::int8_t, outputs, inputs> weight;
  lc::tensor<float, outputs> scale;
  lc::tensor<float, count, inputs> x;
  for (lc::extent_t i = 0; i < weight.size; ++i)
    weight[i] = static_cast<std::int8_t>(lc::random_uniform(1, 0, i) * 255 - 127);
  for (lc::extent_t i = 0; i < outputs; ++i) scale[i] = static_cast<float>(lc::random_uniform(2, 0, i));
  for (lc::extent_t i = 0; i < x.size; ++i) x[i] = static_cast<float>(lc::random_normal(3, 0, i));
  const lc::quantized_matrix<float, outputs, inputs> of(weight.data, scale.data);
  static lc::quantized_buffer<float, count, inputs> rows;
  lc::op::quantize_rows(rows.first(count), x.view(), lc::simd{});
  backwards order;
  const lc::simd_threads<backwards> tasks(order);
  lc::tensor<float, count, outputs> expected, found;
  lc::op::multiply_integers(expected.view(), rows.first(count), of, lc::simd{});
  lc::op::multiply_integers(found.view(), rows.first(count), of, tasks);
  CHECK(order.tasks == 4);
  for (lc::extent_t i = 0; i < found.size; ++i) REQUIRE(found[i] == expected[i]);
  lc::op::multiply_quantized(expected.view(), x.view(), of, lc::simd{});
  lc::op::multiply_quantized(found.view(), x.view(), of, tasks);
  CHECK(order.tasks == 8);
  for (lc::extent_t i = 0; i < found.size; ++i) REQUIRE(found[i] == expected[i]);
}

TEST_CASE("prefill in large chunks and decoding, by threads") {
  const auto tokens = some_tokens(200);
  const auto alone = std::make_unique<lc::model<wide, lc::simd, lc::chunk<256>>>();
  lc::thread_team team(2);
  using backend = lc::simd_threads<lc::thread_team>;
  const auto model = std::make_unique<lc::model<wide, backend, lc::chunk<256>>>(backend(team));
  recipes::randomise(*alone, 8, 0.3);
  recipes::randomise(*model, 8, 0.3);
  for (const lc::extent_t part : {150u, 1u, 49u}) {
    const lc::extent_t from = model->position();
    const auto expected = alone->forward({tokens.data() + from, part});
    const auto found = model->forward({tokens.data() + from, part});
    for (lc::extent_t i = 0; i < 300; ++i) REQUIRE(found(0, i) == expected(0, i));
  }
}
#endif
