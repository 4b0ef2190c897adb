// Norm placements and depth sharing: what one block is in terms of another, bit for bit, and the bounds they keep.
#include "support/block_rig.hpp"
#include "support/recipes.hpp"
#include "support/worse.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <cmath>

namespace {
namespace lc = lacuna;

using mixer = lc::attention<lc::heads<2>, lc::kv_heads<1>, lc::rope<>, lc::causal>;
using neurons = lc::ffn<lc::hidden<5>, lc::gated<lc::silu>>;
using rms = lc::rms_norm<>;
using layer = lc::layer_norm<>;

constexpr lc::extent_t width = 8, tokens = 17;
template <class Block>
using rig = block_rig<Block, double, width>;

template <class Block>
trace trace_of_random() {
  rig<Block> block;
  randomise_by_path(block.parameters, 11, 0.5);
  return trace_of(block, tokens * width);
}
template <class Left, class Right>
void check_same() {
  CHECK(trace_of_random<Left>() == trace_of_random<Right>());
}

/// A block whose output norms are 0 passes everything through, forward and backward.
void check_silenced(any_block<double>&& block) {
  randomise_by_path(block.parameters, 3, 0.5);
  std::size_t silenced = 0;
  for (const auto& of : block.parameters) {
    if (of.path.find("output_norm.") == std::string::npos) continue;
    std::fill_n(of.data, of.size, 0.0);
    ++silenced;
  }
  CHECK(silenced >= 2);
  const auto x = random_rows(4, tokens * width), dy = random_rows(5, tokens * width);
  CHECK(block.forward(x) == x);
  CHECK(block.backward(dy) == dy);
}

}  // namespace

TEST_CASE("a block whose output norm is silent is the identity") {
  check_silenced(rig<lc::peri_norm<rms, mixer, neurons>>());
  check_silenced(rig<lc::peri_norm<rms, lc::on_output<layer>, mixer, neurons>>());
  check_silenced(rig<lc::output_norm<layer, mixer, neurons>>());
  check_silenced(rig<lc::parallel<layer, lc::on_output<rms>, mixer, neurons>>());
  check_silenced(rig<lc::parallel<rms, lc::own_norms, lc::on_output<rms>, mixer, neurons>>());
}

TEST_CASE("placements are each other's limits, bit for bit") {
  check_same<lc::peri_norm<rms, lc::on_output<lc::no_norm>, mixer, neurons>, lc::pre_norm<rms, mixer, neurons>>();
  check_same<lc::peri_norm<layer, lc::no_output_norm, mixer, neurons>, lc::pre_norm<layer, mixer, neurons>>();
  check_same<lc::peri_norm<lc::no_norm, lc::on_output<rms>, mixer, neurons>, lc::output_norm<rms, mixer, neurons>>();
  check_same<lc::deep_norm<layer, lc::residual_scale<lc::deep_alpha{1}>, mixer, neurons>,
             lc::post_norm<layer, mixer, neurons>>();
  // One sublayer has nothing to stand beside.
  check_same<lc::parallel<rms, lc::own_norms, mixer>, lc::pre_norm<rms, mixer>>();
  check_same<lc::parallel<rms, lc::own_norms, lc::on_output<layer>, neurons>,
             lc::peri_norm<rms, lc::on_output<layer>, neurons>>();
  // Without norms all that remains is x + f(x); the adjoint's two terms are added in another order.
  const auto post = trace_of_random<lc::post_norm<lc::no_norm, mixer, neurons>>();
  const auto pre = trace_of_random<lc::pre_norm<lc::no_norm, mixer, neurons>>();
  CHECK(post.y == pre.y);
  CHECK(difference(post.dx, pre.dx) <= 1e-14);
  static_assert(lc::same<lc::sandwich_norm<rms, mixer, neurons>, lc::peri_norm<rms, mixer, neurons>>);
}

TEST_CASE("one shared norm before a single branch is pre-norm but for its name") {
  const auto shared = trace_of_random<lc::parallel<rms, neurons>>();
  CHECK(shared.paths.rfind("norm.gain\n", 0) == 0);
  rig<lc::pre_norm<rms, neurons>> pre;
  rig<lc::parallel<rms, neurons>> parallel;
  randomise_by_path(parallel.parameters, 11, 0.5);
  const auto from = numbers_of(parallel.parameters);
  const auto name = [](const std::string& path) { return path == "ffn_norm.gain" ? std::string("norm.gain") : path; };
  write_numbers(pre.parameters, from, name);
  const auto expected = trace_of(pre, tokens * width);
  CHECK(shared.y == expected.y);
  CHECK(shared.dx == expected.dx);
  CHECK(shared.gradients.at("norm.gain") == expected.gradients.at("ffn_norm.gain"));
  CHECK(shared.gradients.at("ffn.gate.weight") == expected.gradients.at("ffn.gate.weight"));
}

TEST_CASE("parallel branches add up, and own norms that agree are one shared norm") {
  rig<lc::parallel<layer, mixer, neurons>> shared;
  rig<lc::parallel<layer, lc::own_norms, mixer, neurons>> own;
  rig<lc::pre_norm<layer, mixer>> first;
  rig<lc::pre_norm<layer, neurons>> second;
  randomise_by_path(shared.parameters, 11, 0.5);
  const auto from = numbers_of(shared.parameters);
  const auto name = [](const std::string& path) { return is_norm(path) ? path.substr(path.find("norm.")) : path; };
  write_numbers(own.parameters, from, name);
  write_numbers(first.parameters, from, name);
  write_numbers(second.parameters, from, name);
  const auto all = trace_of(shared, tokens * width), apart = trace_of(own, tokens * width),
             one = trace_of(first, tokens * width), two = trace_of(second, tokens * width);
  CHECK(apart.y == all.y);
  const auto x = random_rows(1, tokens * width), dy = random_rows(2, tokens * width);
  auto sum = one.y, dsum = one.dx, gain = one.gradients.at("attention_norm.gain");
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += two.y[i] - x[i], dsum[i] += two.dx[i] - dy[i];
  for (std::size_t i = 0; i < gain.size(); ++i) gain[i] += two.gradients.at("ffn_norm.gain")[i];
  CHECK(difference(all.y, sum) <= 1e-14);
  CHECK(difference(all.dx, dsum) <= 1e-14);
  CHECK(difference(all.gradients.at("norm.gain"), gain) <= 1e-14);
}

TEST_CASE("a peri-norm sublayer adds at most its largest gain to a token's root mean square") {
  const auto root = [](const std::vector<double>& of, std::size_t token) {
    double sum = 0;
    for (std::size_t c = 0; c < width; ++c) sum += of[token * width + c] * of[token * width + c];
    return std::sqrt(sum / static_cast<double>(width));
  };
  // The largest excess over rms(x) + max |gain| of all tokens, with weights that are far too large.
  const auto excess = [&](any_block<double>&& block, const char* gain_path, std::uint64_t seed) {
    randomise_by_path(block.parameters, seed, 30);
    double gain = 0;
    const auto drawn = numbers_of(block.parameters);
    for (const double of : drawn.at(gain_path)) gain = std::max(gain, std::fabs(of));
    const auto x = random_rows(seed, tokens * width), y = block.forward(x);
    double most = -1e300;
    for (std::size_t t = 0; t < tokens; ++t) most = worse(most, root(y, t) - root(x, t) - gain);
    return most / gain;
  };
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    CHECK(excess(rig<lc::peri_norm<rms, mixer>>(), "attention_output_norm.gain", seed) <= 1e-12);
    CHECK(excess(rig<lc::peri_norm<rms, neurons>>(), "ffn_output_norm.gain", seed) <= 1e-12);
    CHECK(excess(rig<lc::output_norm<rms, neurons>>(), "ffn_output_norm.gain", seed) <= 1e-12);
    CHECK(excess(rig<lc::pre_norm<rms, neurons>>(), "ffn_norm.gain", seed) > 10);  // the bound is peri-norm's merit
  }
}

TEST_CASE("depth: at the start the mean square grows by one per peri-norm sublayer") {
  using deep =
      lc::repeat<8, lc::peri_norm<rms, lc::attention<lc::heads<4>, lc::causal>, lc::ffn<lc::hidden<96>, lc::relu>>>;
  block_rig<deep, double, 64> block;
  std::uint64_t counter = 0;
  for (const auto& of : block.parameters)
    if (!is_norm(of.path))
      for (std::size_t i = 0; i < of.size; ++i) of.data[i] = 0.125 * lc::random_normal(3, 4, counter++);
  const auto x = random_rows(8, 20 * 64), y = block.forward(x);
  const auto mean_square = [](const std::vector<double>& of) {
    double sum = 0;
    for (const double number : of) sum += number * number;
    return sum / static_cast<double>(of.size());
  };
  // Branches that do not agree on a direction: 16 of them add 16, more or less.
  CHECK(mean_square(y) - mean_square(x) > 16 * 0.7);
  CHECK(mean_square(y) - mean_square(x) < 16 * 1.5);
}

TEST_CASE("a skipped sublayer is left out with its norms") {
  check_same<lc::pre_norm<rms, lc::skip, neurons>, lc::pre_norm<rms, neurons>>();
  check_same<lc::post_norm<rms, mixer, lc::skip>, lc::post_norm<rms, mixer>>();
  check_same<lc::peri_norm<rms, mixer, lc::skip, neurons>, lc::peri_norm<rms, mixer, neurons>>();
  check_same<lc::parallel<rms, lc::skip, neurons>, lc::parallel<rms, neurons>>();
  const auto check_identity = []<class Block>(Block) {
    rig<Block> block;
    const auto x = random_rows(4, tokens * width), dy = random_rows(5, tokens * width);
    CHECK(block.forward(x) == x);
    CHECK(block.backward(dy) == dy);
    CHECK(paths_of(block.parameters).empty());
    CHECK(rig<Block>::bound::multiply_adds(0, tokens) == 0);
  };
  check_identity(lc::pre_norm<rms, lc::skip>{});
  check_identity(lc::post_norm<rms, lc::skip, lc::skip>{});
  check_identity(lc::parallel<rms, lc::skip>{});
  // By itself it is a component that writes zeros and has no adjoint.
  rig<lc::skip> alone;
  CHECK(alone.forward(random_rows(4, tokens * width)) == std::vector<double>(tokens * width));
  CHECK(alone.backward(random_rows(5, tokens * width)) == std::vector<double>(tokens * width));
}

namespace {

template <class Block>
using around = lc::decoder<lc::vocabulary<11>, lc::width<width>, lc::context<20>, Block>;
using whole = around<lc::repeat<2, lc::pre_norm<rms, mixer, neurons>>>;
using without_attention = lc::substitute<whole, mixer, lc::skip>;
using without_neurons = lc::substitute<whole, neurons, lc::skip>;
using without_both = lc::substitute<without_attention, neurons, lc::skip>;
static_assert(lc::same<without_attention, around<lc::repeat<2, lc::pre_norm<rms, lc::skip, neurons>>>>);
static_assert(lc::same<lc::substitute<without_attention, lc::skip, mixer>, whole>);
using only_neurons = around<lc::repeat<2, lc::pre_norm<rms, neurons>>>;
using only_attention = around<lc::repeat<2, lc::pre_norm<rms, mixer>>>;
static_assert(lc::parameter_count<without_attention> == lc::parameter_count<only_neurons>);
static_assert(lc::parameter_count<without_neurons> == lc::parameter_count<only_attention>);
static_assert(lc::parameter_count<without_both> == 11 * width + width);
static_assert(lc::state_bytes<without_attention, lc::f32> == 0 && lc::state_bytes<without_both, lc::f32> == 0);
static_assert(lc::decode_multiply_adds<without_both>(3) == 11 * width);

// What a decoder puts behind the last block.
template <class Block>
using closing = typename around<Block>::bound::norm_policy;
static_assert(lc::same<closing<lc::peri_norm<rms, mixer>>, rms> && lc::same<closing<lc::output_norm<rms, mixer>>, rms>);
static_assert(lc::same<closing<lc::parallel<layer, mixer>>, layer> &&
              lc::same<closing<lc::shared<2, lc::pre_norm<layer, mixer>>>, layer>);
static_assert(lc::same<closing<lc::deep_norm<layer, lc::residual_scale<lc::deep_alpha{2}>, mixer>>, lc::no_norm>);

// Substitution reaches the norm behind a sublayer, which nobody spelled, and who shares norms.
static_assert(lc::same<lc::substitute<lc::peri_norm<rms, mixer>, rms, layer>, lc::peri_norm<layer, mixer>>);
static_assert(lc::same<lc::substitute<lc::peri_norm<rms, mixer>, lc::slots::output_norm, lc::on_output<layer>>,
                       lc::peri_norm<rms, mixer, lc::on_output<layer>>>);
static_assert(lc::same<lc::substitute<lc::parallel<rms, mixer>, lc::shared_norms, lc::own_norms>,
                       lc::parallel<rms, mixer, lc::own_norms>>);
static_assert(lc::same<lc::substitute<lc::shared<3, lc::pre_norm<rms, mixer>>, lc::own_norms, lc::shared_norms>,
                       lc::shared<3, lc::pre_norm<rms, mixer>, lc::shared_norms>>);

// DeepNet's constants for 18 decoder blocks.
static_assert(lc::deep_alpha::of_layers(8) == lc::deep_alpha{2});
static_assert(lc::deep_beta(2) == 0.5f);

}  // namespace

TEST_CASE("models without attention, without feed-forward, without either run and learn") {
  const auto logits_of = []<class Recipe>(Recipe) {
    auto model = std::make_unique<lc::model<Recipe, lc::f64, lc::training>>();
    randomise_by_path(named_tensors_of<double>(model->parameters_to_write()), 3, 0.4);
    model->update();
    const lc::token_view all{recipes::stream, std::size(recipes::stream)};
    const auto logits = *model->try_forward_to_learn(all);
    std::vector<double> adjoint(all.count * 11, 0.5);
    REQUIRE(model->try_backward(all, {adjoint.data(), all.count}).ok());
    return std::vector<double>(logits.data, logits.data + all.count * 11);
  };
  CHECK(logits_of(without_attention{}) == logits_of(only_neurons{}));
  CHECK(logits_of(without_neurons{}) == logits_of(only_attention{}));
  CHECK(logits_of(without_both{}) != logits_of(only_neurons{}));
}

TEST_CASE("alternating blocks are a repeated stack") {
  using one = lc::pre_norm<rms, mixer>;
  using other = lc::peri_norm<rms, neurons>;
  check_same<lc::repeat<3, lc::stack<one, other>>, lc::stack<one, other, one, other, one, other>>();
  static_assert(rig<lc::repeat<3, lc::stack<one, other>>>::bound::layers == 6);
}

namespace {

/// The logits of every token of the stream, taken in pieces of a size.
template <class Model>
std::vector<typename Model::value> stream_logits(Model& model, std::size_t piece) {
  std::vector<typename Model::value> all;
  const auto each = [&](lc::extent_t, const auto& logits) {
    all.insert(all.end(), logits.data, logits.data + Model::vocabulary);
  };
  for (std::size_t at = 0; at < std::size(recipes::stream); at += piece)
    REQUIRE(model.try_forward({recipes::stream + at, std::min(piece, std::size(recipes::stream) - at)}, each).ok());
  return all;
}

}  // namespace

TEST_CASE("streamed equals whole equals training, and the work is as counted") {
  using recipe = recipes::placements;
  auto learner = std::make_unique<lc::model<recipe, lc::training>>();
  auto streamed = std::make_unique<lc::model<recipe, lc::chunk<5>>>();
  recipes::randomise(*learner, 11, 0.3);
  recipes::randomise(*streamed, 11, 0.3);
  const auto kept = *learner->try_forward_to_learn({recipes::stream, std::size(recipes::stream)});
  const std::vector<float> expected(kept.data, kept.data + std::size(recipes::stream) * 11);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{4}, std::size_t{7}, std::size(recipes::stream)}) {
    CAPTURE(piece);
    streamed->reset();
    CHECK(stream_logits(*streamed, piece) == expected);
  }
  streamed->reset();
  lc::work_counter counter;
  const auto each = [](lc::extent_t, const auto&) {};
  REQUIRE(streamed->try_forward_watched(lc::watched{streamed->backend(), counter}, {recipes::stream, 5}, each).ok());
  CHECK(counter.multiply_adds == recipe::bound::multiply_adds(0, 5, 5));
}

TEST_CASE("a norm of the embedding is a table of normalised rows") {
  using plain =
      lc::decoder<lc::vocabulary<11>, lc::width<width>, lc::context<20>, lc::pre_norm<rms, neurons>, lc::linear_head<>>;
  using normed = lc::substitute<plain, lc::slots::embedding_norm, lc::embedding_norm<rms>>;
  static_assert(lc::parameter_count<normed> == lc::parameter_count<plain> + width);
  auto one = std::make_unique<lc::model<normed>>();
  auto two = std::make_unique<lc::model<plain>>();
  const auto tensors = named_tensors_of<float>(one->parameters_to_write());
  randomise_by_path(tensors, 5, 0.5);
  const auto from = numbers_of(tensors);
  write_numbers(named_tensors_of<float>(two->parameters_to_write()), from,
                [](const std::string& path) { return path; });
  auto& table = two->parameters_to_write().embedding.weight;
  const auto& gain = from.at("embedding_norm.gain");
  for (std::size_t row = 0; row < 11; ++row) {
    double sum = 0;
    for (std::size_t c = 0; c < width; ++c) sum += std::pow(static_cast<double>(table[row * width + c]), 2);
    const double inverse = 1 / std::sqrt(sum / static_cast<double>(width) + 1e-5);
    for (std::size_t c = 0; c < width; ++c)
      table[row * width + c] = static_cast<float>(table[row * width + c] * inverse * gain[c]);
  }
  one->update(), two->update();
  const auto found = stream_logits(*one, 19), wanted = stream_logits(*two, 19);
  CHECK(difference({found.begin(), found.end()}, {wanted.begin(), wanted.end()}) <= 1e-6);
  CHECK(paths_of(tensors).find("embedding_norm.gain\nblocks.0.") != std::string::npos);
}
