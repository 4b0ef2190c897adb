// Probes: what they count, by a second way; that they change nothing.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <lacuna/lacuna.hpp>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;

// The head is the identity and there is no final norm, so that logits are the stream.
constexpr lc::extent_t width = 10;
template <class... Sublayers>
using layer = lc::pre_norm<lc::rms_norm<>, Sublayers...>;
using attention = lc::attention<lc::heads<2>, lc::causal>;
using feed_forward = lc::ffn<lc::hidden<12>, lc::relu>;
template <class... Blocks>
using network = lc::decoder<lc::vocabulary<width>, lc::width<width>, lc::context<20>, lc::learned_position, Blocks...,
                            lc::no_norm, lc::linear_head<>>;
using nothing_at_all = network<layer<lc::skip>>;
using half = network<layer<attention, lc::skip>>;
using whole = network<layer<attention, feed_forward>>;
using deep = network<lc::repeat<3, layer<attention, lc::ffn<lc::hidden<12>, lc::gated<lc::relu>>>>>;

constexpr std::uint32_t stream[15]{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9};

/// Every tensor is drawn by its path, so that models have equal tensors where they have equal paths.
template <class Recipe>
std::unique_ptr<lc::model<Recipe, lc::f64>> drawn() {
  auto model = std::make_unique<lc::model<Recipe, lc::f64>>();
  lc::visit_named(
      [](const char* path, auto& of) {
        std::uint64_t seed = 1;
        for (const char* at = path; *at != '\0'; ++at) seed = seed * 31 + static_cast<unsigned char>(*at);
        for (lc::extent_t i = 0; i < of.size; ++i) of[i] = 0.5 * lc::random_normal(seed, 0, i);
        if (std::string(path) == "head.weight")
          for (lc::extent_t i = 0; i < of.size; ++i) of[i] = i % (width + 1) == 0 ? 1 : 0;
      },
      model->parameters_to_write());
  model->update();
  return model;
}
/// Gives every number of one tensor the same value.
template <class Model>
void fill_tensor(Model& model, const std::string& path, double value) {
  lc::visit_named(
      [&](const char* other, auto& of) {
        if (path == other)
          for (auto& each : of.data) each = value;
      },
      model.parameters_to_write());
  model.update();
}
template <class Model, class Watcher>
std::vector<double> logits_of(Model& model, Watcher& watcher) {
  std::vector<double> all;
  model.reset();
  const auto done = model.try_forward_watched(
      lc::watched{model.backend(), watcher}, lc::token_view{stream, 15},
      [&](lc::extent_t, auto logits) { all.insert(all.end(), logits.data, logits.data + width); });
  REQUIRE(done.ok());
  return all;
}
template <class Model>
std::vector<double> logits_of(Model& model) {
  lc::work_counter none;
  return logits_of(model, none);
}

/// One forward of four heads that share two of keys, whose values name their keys, so that what comes out are weights.
template <class Normaliser>
void weights_are_those_that_mix() {
  constexpr lc::extent_t tokens = 12, heads = 4, kv_heads = 2, head_width = 16;
  using address = lc::linear_cache::address;
  lc::tensor<double, tokens, heads * head_width> query, mixed{};
  lc::tensor<double, tokens, kv_heads * head_width> key, value{};
  lc::tensor<double, tokens, heads> log_scale;
  lc::tensor<double, kv_heads, head_width, lc::block_keys> keys{}, values{};
  for (lc::extent_t i = 0; i < query.size; ++i) query[i] = 1.5 * lc::random_normal(1, 0, i);
  for (lc::extent_t i = 0; i < key.size; ++i) key[i] = 1.5 * lc::random_normal(2, 0, i);
  for (lc::extent_t t = 0; t < tokens; ++t)
    for (lc::extent_t h = 0; h < kv_heads; ++h) value[(t * kv_heads + h) * head_width + t] = 1;
  const lc::cache_view<double, kv_heads, head_width, address> cache{keys.data, values.data, {}};
  const lc::score_rule<Normaliser, lc::no_score_bias, double> rule{0.25, {}};
  lc::shared_plan<lc::causal, tokens, tokens> plan;
  plan.prepare(0, tokens);
  lc::op::append(cache, key.view(), value.view(), 0, lc::reference{});
  lc::op::attend(mixed.view(), log_scale.view(), query.view(), readable(cache), plan.view(), rule, lc::reference{});
  lc::extent_t pairs = 0;
  lc::visit_attention_weights(readable(query.view()), readable(cache), plan.view(), rule,
                              [&](lc::extent_t t, lc::extent_t h, lc::extent_t k, double weight) {
                                CHECK(k <= t);
                                CHECK(std::fabs(weight - mixed[(t * heads + h) * head_width + k]) < 1e-14);
                                ++pairs;
                              });
  CHECK(pairs == heads * tokens * (tokens + 1) / 2);
  // Means by the definition.
  lc::attention_row_counter<1, heads> counter;
  counter.after(lc::operation::attend{}, lc::ran_on<lc::reference>{}, mixed.view(), log_scale.view(),
                readable(query.view()), readable(cache), plan.view(), rule);
  CHECK(counter.complete());
  for (lc::extent_t h = 0; h < heads; ++h) {
    lc::attention_row_share expected;
    double rows = 0, wide = 0;
    for (lc::extent_t t = 0; t < tokens; ++t) {
      double total = 0, size = 0, entropy = 0, largest = 0;
      const double* const row = mixed.data + (t * heads + h) * head_width;
      for (lc::extent_t k = 0; k <= t; ++k)
        total += row[k], size += std::fabs(row[k]), largest = std::max(largest, std::fabs(row[k]));
      if (size == 0) continue;
      for (lc::extent_t k = 0; k <= t; ++k)
        if (row[k] != 0) entropy -= std::fabs(row[k]) / size * std::log(std::fabs(row[k]) / size);
      ++rows, expected.entropy += entropy, expected.largest += largest, expected.total += total;
      if (t > 0) ++wide, expected.evenness += entropy / std::log(static_cast<double>(t + 1));
    }
    const auto found = counter.of(0, h);
    CHECK(rows > 6);
    CHECK(std::fabs(found.entropy - expected.entropy / rows) < 1e-12);
    CHECK(std::fabs(found.evenness - expected.evenness / wide) < 1e-12);
    CHECK(std::fabs(found.largest - expected.largest / rows) < 1e-12);
    CHECK(std::fabs(found.total - expected.total / rows) < 1e-12);
  }
}

/// The mean ratio and cosine of what came between two streams.
lc::residual_share between(const std::vector<double>& x, const std::vector<double>& y) {
  lc::residual_share mean;
  for (std::size_t t = 0; t < 15; ++t) {
    double xx = 0, yy = 0, xy = 0, dd = 0;
    for (std::size_t i = t * width; i < (t + 1) * width; ++i)
      xx += x[i] * x[i], yy += y[i] * y[i], xy += x[i] * y[i], dd += (y[i] - x[i]) * (y[i] - x[i]);
    mean.ratio += std::sqrt(dd / xx) / 15, mean.cosine += xy / std::sqrt(xx * yy) / 15;
  }
  return mean;
}

}  // namespace

TEST_CASE("sublayers' shares of the stream, against streams of models that end earlier") {
  const auto none = drawn<nothing_at_all>();
  const auto first = drawn<half>();
  const auto both = drawn<whole>();
  const auto before = logits_of(*none), middle = logits_of(*first);
  lc::residual_counter<2> counter;
  const auto behind = logits_of(*both, counter);
  CHECK(counter.complete());
  const auto of_attention = between(before, middle), of_ffn = between(middle, behind);
  CHECK(of_attention.ratio > 0.01);
  CHECK(std::fabs(counter.of(0).ratio - of_attention.ratio) < 1e-12);
  CHECK(std::fabs(counter.of(0).cosine - of_attention.cosine) < 1e-12);
  CHECK(std::fabs(counter.of(1).ratio - of_ffn.ratio) < 1e-12);
  CHECK(std::fabs(counter.of(1).cosine - of_ffn.cosine) < 1e-12);
  // It changed nothing, and the wrong number of sublayers shows.
  CHECK(behind == logits_of(*both));
  lc::residual_counter<4> wrong;
  (void)logits_of(*both, wrong);
  CHECK(!wrong.complete());
  // A sublayer that adds nothing is passed by.
  fill_tensor(*both, "blocks.0.attention.output.weight", 0);
  lc::residual_counter<2> silent;
  (void)logits_of(*both, silent);
  CHECK(silent.of(0).ratio == 0);
  CHECK(std::fabs(silent.of(0).cosine - 1) < 1e-12);
  CHECK(silent.of(1).ratio > 0);
}
TEST_CASE("the sums of every placement that is seen come as often as there are sublayers") {
  const auto check = []<class Recipe>(Recipe) {
    const auto model = drawn<Recipe>();
    lc::residual_counter<4> counter;
    (void)logits_of(*model, counter);
    CHECK(counter.complete());
    CHECK(counter.sums == 4);
    for (lc::extent_t i = 0; i < 4; ++i) CHECK(counter.of(i).ratio > 0.01);
  };
  using gated = lc::ffn<lc::hidden<12>, lc::gated<lc::silu>, lc::bias>;
  check(network<lc::repeat<2, lc::post_norm<lc::layer_norm<>, attention, gated>>>{});
  check(network<lc::repeat<2, lc::peri_norm<lc::layer_norm<>, attention, gated>>>{});
  check(network<lc::repeat<2, lc::output_norm<lc::layer_norm<>, attention, gated>>>{});
}
TEST_CASE("neurons: active, dead, as the counter of all activity has them") {
  const auto model = drawn<deep>();
  // Neuron 5 of the second layer hears nothing.
  lc::visit_named(
      [](const char* path, auto& of) {
        if (std::string(path) == "blocks.1.ffn.gate.weight")
          for (lc::extent_t i = 0; i < width; ++i) of[5 * width + i] = 0;
      },
      model->parameters_to_write());
  model->update();
  lc::neuron_counter<3, 12> neurons;
  const auto seen = logits_of(*model, neurons);
  CHECK(neurons.complete());
  CHECK(seen == logits_of(*model));
  lc::activity_counter all;
  (void)logits_of(*model, all);
  double mean = 0;
  for (lc::extent_t layer = 0; layer < 3; ++layer) {
    CHECK(neurons.tokens[layer] == 15);
    mean += neurons.active_share(layer) / 3;
  }
  CHECK(std::fabs(mean - all.share()) < 1e-12);
  CHECK(neurons.active[1][5] == 0);
  CHECK(neurons.dead(1) >= 1);
  CHECK(neurons.dead_share(1) == static_cast<double>(neurons.dead(1)) / 12);
  CHECK(neurons.active_share(1) > 0.1);
  lc::neuron_counter<3, 12> none{.threshold = 1e9};
  (void)logits_of(*model, none);
  CHECK(none.dead(0) == 12);
  CHECK(none.active_share(0) == 0);
}
TEST_CASE("of activations that keep the largest of a row, so many are active") {
  using few = network<lc::repeat<2, layer<lc::ffn<lc::hidden<12>, lc::top_k_activation<3, lc::gelu>>>>>;
  const auto model = drawn<few>();
  lc::neuron_counter<2, 12> neurons;
  (void)logits_of(*model, neurons);
  CHECK(neurons.complete());
  for (lc::extent_t each = 0; each < 2; ++each) CHECK(std::fabs(neurons.active_share(each) - 0.25) < 1e-12);
  // A width that no feed-forward has is never met.
  lc::neuron_counter<2, 13> others;
  (void)logits_of(*model, others);
  CHECK(!others.complete());
}
TEST_CASE("attention's weights are those that mix values, and rows have their entropies") {
  weights_are_those_that_mix<lc::softmax>();
  weights_are_those_that_mix<lc::softmax1>();
  weights_are_those_that_mix<lc::clipped_softmax<lc::stretch{-0.1f, 1}>>();
  weights_are_those_that_mix<lc::l2_gelu<>>();
}
TEST_CASE("rows of attention in a model: nothing changes, and equal scores share evenly") {
  const auto model = drawn<deep>();
  lc::attention_row_counter<3, 2> rows;
  const auto seen = logits_of(*model, rows);
  CHECK(seen == logits_of(*model));
  CHECK(rows.complete());
  for (lc::extent_t layer = 0; layer < 3; ++layer) {
    CHECK(rows.rows[layer][1] == 15);
    CHECK(std::fabs(rows.of(layer).total - 1) < 1e-12);
    CHECK(rows.of(layer).evenness < 0.999);
    CHECK(rows.of(layer).entropy == (rows.of(layer, 0).entropy + rows.of(layer, 1).entropy) / 2);
  }
  fill_tensor(*model, "blocks.1.attention.query.weight", 0);
  lc::attention_row_counter<3, 2> even;
  (void)logits_of(*model, even);
  double entropy = 0, largest = 0;
  for (int t = 1; t <= 15; ++t) entropy += std::log(static_cast<double>(t)) / 15, largest += 1.0 / t / 15;
  CHECK(std::fabs(even.of(1).entropy - entropy) < 1e-12);
  CHECK(std::fabs(even.of(1).evenness - 1) < 1e-12);
  CHECK(std::fabs(even.of(1).largest - largest) < 1e-12);
  CHECK(even.of(0).evenness < 0.999);
  // Rows that are no numbers are no rows without entropy.
  fill_tensor(*model, "blocks.1.attention.query.weight", std::numeric_limits<double>::quiet_NaN());
  lc::attention_row_counter<3, 2> broken;
  model->reset();
  (void)model->try_forward_watched(lc::watched{model->backend(), broken}, lc::token_view{stream, 15},
                                   [](lc::extent_t, auto) {});
  CHECK(std::isfinite(broken.of(0).entropy));
  CHECK(std::isnan(broken.of(1).entropy));
  CHECK(std::isnan(broken.of(1).largest));
  CHECK(std::isnan(lc::attention_row_counter<3, 2>{}.of(0, 0).entropy));
  // The wrong number of heads, or of layers, shows.
  lc::attention_row_counter<3, 3> others;
  lc::attention_row_counter<2, 2> fewer;
  (void)logits_of(*model, others), (void)logits_of(*model, fewer);
  CHECK(!others.complete());
  CHECK(!fewer.complete());
}
TEST_CASE("a layer may take its rows in pieces, one by one, or all at once") {
  using near = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::window<6>>>;
  using whole_cache = network<lc::repeat<2, layer<near, feed_forward>>>;
  using ring = lc::substitute<whole_cache, lc::slots::cache, lc::ring_cache<6>>;
  const auto rows_of = [](auto& model, lc::extent_t piece) {
    lc::attention_row_counter<2, 2> rows;
    const lc::watched watching{model.backend(), rows};
    model.reset();
    for (lc::extent_t t = 0; t < 15; t += piece)
      REQUIRE(model
                  .try_forward_watched(watching, lc::token_view{stream + t, std::min(piece, 15 - t)},
                                       [](lc::extent_t, auto) {})
                  .ok());
    CHECK(rows.complete());
    return rows;
  };
  const auto of_whole = drawn<whole_cache>();
  const auto of_ring = drawn<ring>();
  const auto expected = rows_of(*of_whole, 15);
  CHECK(std::fabs(expected.of(0).entropy - expected.of(1).entropy) > 1e-3);
  for (const lc::extent_t piece : {lc::extent_t{1}, lc::extent_t{4}, lc::extent_t{15}})
    for (lc::extent_t each = 0; each < 2; ++each) {
      CHECK(std::fabs(rows_of(*of_whole, piece).of(each).entropy - expected.of(each).entropy) < 1e-12);
      CHECK(std::fabs(rows_of(*of_ring, piece).of(each).entropy - expected.of(each).entropy) < 1e-12);
      CHECK(rows_of(*of_ring, piece).tokens[each] == 15);
    }
}
TEST_CASE("spikes of a loss") {
  const auto loss = [](std::uint64_t step) { return 2 + 0.1 * lc::random_normal(3, 0, step); };
  lc::spike_detector detector;
  for (std::uint64_t step = 0; step < 39; ++step) CHECK(!detector.add(step == 20 ? 50.0 : loss(step)));
  for (std::uint64_t step = 39; step < 80; ++step) CHECK(!detector.add(loss(step)));
  // The bound by the standard library: losses 40 to 79, and 60 to 79.
  std::vector<double> last, sorted;
  for (std::uint64_t step = 40; step < 80; ++step) last.push_back(loss(step));
  double mean = 0, squares = 0;
  for (const double each : last) mean += each / 40;
  for (const double each : last) squares += (each - mean) * (each - mean);
  sorted.assign(last.begin() + 20, last.end());
  std::sort(sorted.begin(), sorted.end());
  const double bound = (sorted[9] + sorted[10]) / 2 + 5 * std::sqrt(squares / 39);
  CHECK(std::fabs(detector.bound() - bound) < 1e-12);
  CHECK(!detector.add(bound - 1e-9));
  CHECK(detector.add(bound + 1));
  CHECK(detector.add(std::numeric_limits<double>::quiet_NaN()));
  CHECK(detector.spikes() == 2);
  CHECK(detector.steps() == 83);
  CHECK(std::isfinite(detector.bound()));
}
TEST_CASE("moments of neurons") {
  const auto model = drawn<whole>();
  const auto teacher = std::make_unique<lc::trainer<lc::model<whole, lc::f64>>>(*model, lc::adam_w{.beta2 = 0.9});
  const auto step = [&] {
    return teacher->try_step(
        1, 1e-3, [](auto& by, lc::extent_t) { return lc::try_learn_tokens(by, {stream, 14}, {stream + 1, 14}); });
  };
  lc::visit_neuron_moments(*teacher, [](const char*, lc::extent_t, const lc::neuron_moments&) { CHECK(false); });
  REQUIRE(step().ok());
  lc::extent_t neurons = 0;
  const auto& second = teacher->moments().second;
  lc::visit_neuron_moments(*teacher, [&](const char* path, lc::extent_t neuron, const lc::neuron_moments& of) {
    if (std::string(path) != "blocks.0.ffn.up.weight") return;
    CHECK(neuron == neurons++);
    // After one step the moments are the gradient and its square: every step is 1, or 0 where there is no gradient.
    double squares = 0, moved = 0;
    lc::visit_named(
        [&](const char* other, const auto& v) {
          if (std::string(other) == path)
            for (lc::extent_t i = neuron * width; i < (neuron + 1) * width; ++i)
              squares += v[i] / 0.1 / width, moved += v[i] > 0 ? 1.0 / width : 0;
        },
        second);
    CHECK(std::fabs(of.second - squares) <= 1e-9 * squares);
    CHECK(std::fabs(of.effective_step - moved) < 1e-3);
  });
  CHECK(neurons == 12);
  // Both shares are 0.9, so that the square of a mean gradient is below the mean square: no step is above 1.
  for (int i = 0; i < 20; ++i) REQUIRE(step().ok());
  lc::extent_t rows = 0;
  double largest = 0;
  lc::visit_neuron_moments(*teacher, [&](const char*, lc::extent_t, const lc::neuron_moments& of) {
    CHECK(of.effective_step <= 1 + 1e-9);
    largest = std::max(largest, of.effective_step), ++rows;
  });
  CHECK(largest > 0.1);
  CHECK(rows == 10 + 20 + 10 * 4 + 12 + 10 + 10);
}
TEST_CASE("a silenced sublayer adds nothing, and the rest is what it was") {
  const auto model = drawn<whole>();
  CHECK(*lc::try_silence(*model, "blocks.0.ffn") == width * 12);
  const auto first = drawn<half>();
  CHECK(logits_of(*model) == logits_of(*first));
  CHECK(*lc::try_silence(*model, "blocks.0.attention") == width * width);
  const auto none = drawn<nothing_at_all>();
  CHECK(logits_of(*model) == logits_of(*none));
  for (const char* wrong : {"blocks.0.att", "blocks.1.ffn", "", "head"}) {
    const auto refused = lc::try_silence(*model, wrong);
    REQUIRE(!refused.ok());
    CHECK(std::string(refused.why().message.c_str()).find(std::string("found '") + wrong + "'") != std::string::npos);
  }
  // With a norm behind it, biases, experts.
  using others = network<lc::peri_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, lc::causal, lc::bias>,
                                       lc::mixture<lc::experts<2>, lc::experts_per_token<1>, lc::hidden<4>, lc::silu>>>;
  const auto normed = drawn<others>();
  CHECK(lc::try_silence(*normed, "blocks.0.attention").ok());
  CHECK(lc::try_silence(*normed, "blocks.0.mixture").ok());
  CHECK(logits_of(*normed) == logits_of(*none));
}
