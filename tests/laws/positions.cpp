// Positions: the slopes of alibi, its attention against the definition, the table of sinusoidal; streams of both.
#include "support/recipes.hpp"
#include "support/worse.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;

template <lc::extent_t Heads>
std::vector<double> slopes() {
  std::vector<double> all;
  for (lc::extent_t head = 0; head < Heads; ++head) all.push_back(lc::alibi_bias<Heads>{}(head, -1.0));
  return all;
}

// A constant expression; the further, the lower.
static_assert(lc::alibi_bias<8>{}(0, 4.0f) == -2.0f && lc::alibi_bias<8>{}(7, 256.0f) == -1.0f);
static_assert(lc::alibi_bias<1>{}(0, 256.0) == -1.0);

/// One attention and nothing else that mixes tokens, so that a few lines of f64 compute the same.
template <class Route>
using one_attention =
    lc::decoder<lc::vocabulary<11>, lc::width<12>, lc::context<20>,
                lc::pre_norm<lc::no_norm, lc::attention<lc::heads<6>, lc::kv_heads<3>, lc::alibi, Route>>,
                lc::linear_head<>>;

/// The parameters of `one_attention` by path.
struct dense_weights {
  std::vector<double> embedding, query, key, value, output, head;
};
template <class Parameters>
dense_weights read_weights(const Parameters& parameters) {
  dense_weights read;
  lc::visit_named(
      [&](const std::string path, const auto& of) {
        const std::vector<double> all(std::begin(of.data), std::end(of.data));
        if (path == "embedding.weight") read.embedding = all;
        if (path == "blocks.0.attention.query.weight") read.query = all;
        if (path == "blocks.0.attention.key.weight") read.key = all;
        if (path == "blocks.0.attention.value.weight") read.value = all;
        if (path == "blocks.0.attention.output.weight") read.output = all;
        if (path == "head.weight") read.head = all;
      },
      parameters);
  return read;
}
/// y = W x, row-major W.
std::vector<double> product(const std::vector<double>& weight, const std::vector<double>& x) {
  std::vector<double> y(weight.size() / x.size());
  for (std::size_t o = 0; o < y.size(); ++o)
    for (std::size_t i = 0; i < x.size(); ++i) y[o] += weight[o * x.size() + i] * x[i];
  return y;
}
/// Logits of the stream by the definition of softmax attention with 6 heads of 2 columns over 3 key heads, the bias
/// given by `bias(slope, query, key)`.
template <class Route, class Bias>
std::vector<double> dense_logits(const dense_weights& weights, Bias&& bias) {
  constexpr double slope[]{0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125};
  constexpr std::size_t tokens = std::size(recipes::stream), width = 12, heads = 6, head_width = 2;
  std::vector<std::vector<double>> x, query, key, value;
  for (const std::uint32_t token : recipes::stream) {
    const auto from = weights.embedding.begin() + static_cast<std::ptrdiff_t>(token * width);
    x.emplace_back(from, from + static_cast<std::ptrdiff_t>(width));
    query.push_back(product(weights.query, x.back()));
    key.push_back(product(weights.key, x.back()));
    value.push_back(product(weights.value, x.back()));
  }
  std::vector<double> logits;
  for (std::size_t t = 0; t < tokens; ++t) {
    std::vector<double> mixed(width);
    for (std::size_t h = 0; h < heads; ++h) {
      double sum = 0, mean[head_width]{};
      for (std::size_t s = 0; s < tokens; ++s) {
        if (!lc::allows<Route>(t, s, tokens)) continue;
        double score = 0;
        for (std::size_t d = 0; d < head_width; ++d)
          score += query[t][h * head_width + d] * key[s][h / 2 * head_width + d];
        const double weight =
            std::exp(score / std::sqrt(head_width) + bias(slope[h], static_cast<double>(t), static_cast<double>(s)));
        sum += weight;
        for (std::size_t d = 0; d < head_width; ++d) mean[d] += weight * value[s][h / 2 * head_width + d];
      }
      for (std::size_t d = 0; d < head_width; ++d) mixed[h * head_width + d] = mean[d] / sum;
    }
    auto y = product(weights.output, mixed);
    for (std::size_t c = 0; c < width; ++c) y[c] += x[t][c];
    for (const double logit : product(weights.head, y)) logits.push_back(logit);
  }
  return logits;
}

/// The logits of every token of the stream, taken in pieces of the given sizes.
template <class Model>
std::vector<typename Model::value> stream_logits(Model& model, const std::vector<std::size_t>& pieces) {
  std::vector<typename Model::value> all;
  model.reset();
  std::size_t at = 0;
  for (std::size_t p = 0; at < std::size(recipes::stream); ++p) {
    const std::size_t count = std::min(pieces[p % pieces.size()], std::size(recipes::stream) - at);
    const auto done = model.try_forward({recipes::stream + at, count}, [&](std::size_t, const auto& logits) {
      all.insert(all.end(), logits.data, logits.data + Model::vocabulary);
    });
    REQUIRE(done.ok());
    at += count;
  }
  return all;
}

template <class Route, class Bias>
void check_dense(Bias&& bias) {
  auto model = std::make_unique<lc::model<one_attention<Route>, lc::f64, lc::chunk<20>>>();
  recipes::randomise(*model, 21, 0.8);
  const auto found = stream_logits(*model, {std::size(recipes::stream)});
  const auto expected = dense_logits<Route>(read_weights(model->parameters()), bias);
  REQUIRE(found.size() == expected.size());
  double largest = 0, difference = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    largest = std::max(largest, std::fabs(expected[i]));
    difference = worse(difference, std::fabs(found[i] - expected[i]));
  }
  CHECK(difference <= 1e-12 * largest);
}

template <class Recipe>
void check_pieces() {
  auto whole = std::make_unique<lc::model<Recipe, lc::chunk<64>>>();
  auto one = std::make_unique<lc::model<Recipe, lc::chunk<1>>>();
  auto five = std::make_unique<lc::model<Recipe, lc::chunk<5>>>();
  auto learner = std::make_unique<lc::model<Recipe, lc::training>>();
  recipes::randomise(*whole, 12, 0.3);
  recipes::randomise(*one, 12, 0.3);
  recipes::randomise(*five, 12, 0.3);
  recipes::randomise(*learner, 12, 0.3);
  const auto expected = stream_logits(*whole, {19});
  CHECK(stream_logits(*whole, {1}) == expected);
  CHECK(stream_logits(*whole, {9, 1, 1, 3}) == expected);
  CHECK(stream_logits(*one, {19}) == expected);
  CHECK(stream_logits(*five, {1, 7, 2}) == expected);
  const auto kept = *learner->try_forward_to_learn({recipes::stream, 19});
  CHECK(std::vector<float>(kept.data, kept.data + 19 * Recipe::vocabulary) == expected);
}

using with_alibi = lc::substitute<recipes::llama, lc::rope<>, lc::alibi>;
using with_sinusoidal = lc::substitute<recipes::gpt, lc::learned_position, lc::sinusoidal<>>;

/// Both, at compile time.
constexpr bool runs_at_compile_time() {
  using tiny = lc::decoder<lc::vocabulary<4>, lc::width<3>, lc::context<4>, lc::sinusoidal<lc::theta{10.f}>,
                           lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<3>, lc::alibi, lc::causal>>>;
  lc::model<tiny, lc::in_place, lc::training> model;
  std::uint64_t counter = 0;
  lc::visit_tensors(
      [&](auto& tensor) {
        for (auto& weight : tensor.data) weight = static_cast<float>(lc::random_uniform(1, 2, counter++)) - 0.4f;
      },
      model.parameters_to_write());
  model.update();
  const std::uint32_t tokens[]{1, 1, 1};
  const auto logits = *model.try_forward_to_learn({tokens, 3});
  return logits(0, 0) != logits(1, 0) && logits(1, 0) != logits(2, 0);
}
static_assert(runs_at_compile_time());

}  // namespace

TEST_CASE("the slopes of alibi") {
  CHECK(slopes<8>() == std::vector<double>{0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625});
  CHECK(slopes<6>() == std::vector<double>{0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125});
  CHECK(slopes<2>() == std::vector<double>{0.0625, 0.00390625});
  CHECK(slopes<1>() == std::vector<double>{0.00390625});
  // Twelve: those of 8, then 2^-0.5, 2^-1.5, ..., every second one of 16.
  const auto twelve = slopes<12>();
  const auto eight = slopes<8>();
  CHECK(std::equal(eight.begin(), eight.end(), twelve.begin()));
  for (int i = 0; i < 4; ++i)
    CHECK(twelve[static_cast<std::size_t>(8 + i)] == doctest::Approx(std::exp2(-0.5 - i)).epsilon(1e-14));
  CHECK(lc::alibi_bias<12>{}(8, 3.0f) == static_cast<float>(-twelve[8]) * 3.0f);
}

TEST_CASE("attention with alibi is the definition") {
  const auto by_distance = [](double slope, double query, double key) { return -slope * std::fabs(query - key); };
  check_dense<lc::causal>(by_distance);
  check_dense<lc::both<lc::causal, lc::window<5>>>(by_distance);
  check_dense<lc::full>(by_distance);
  // Where rows see the past only, the distance is the key's position but for a constant of the row, which softmax
  // does not see.
  check_dense<lc::causal>([](double slope, double, double key) { return slope * key; });
}

TEST_CASE("alibi and sinusoidal: every way of cutting up a stream gives the same bits") {
  check_pieces<with_alibi>();
  check_pieces<with_sinusoidal>();
}

TEST_CASE("the table of sinusoidal, of even and odd width") {
  const auto check = []<class Value, lc::extent_t Width, lc::theta Base>(Value, lc::constant<lc::extent_t, Width>,
                                                                         lc::constant<lc::theta, Base>) {
    constexpr lc::extent_t context = 300;
    using position = typename lc::sinusoidal<Base>::template bound<Width, context>;
    using table_type = lc::sinusoidal_table<Value, Width, context, Base>;
    static_assert(lc::same<typename position::template shares<Value>, lc::type_list<table_type>>);
    auto shared = std::make_unique<lc::shared_items<lc::type_list<table_type>>>();
    shared->build();
    // Five rows from position 290 on.
    lc::tensor<Value, 5, Width> x;
    for (std::size_t i = 0; i < 5 * Width; ++i) x[i] = static_cast<Value>(i);
    const lc::reference backend;
    const lc::run<lc::reference, lc::shared_items<lc::type_list<table_type>>> run{290, backend, *shared};
    position::forward(typename position::template parameters<lc::weights<Value>>{}, x.view(), run);
    for (std::size_t t = 0; t < 5; ++t)
      for (std::size_t c = 0; c < Width; ++c) {
        const double pair = static_cast<double>(c / 2), width = static_cast<double>(Width);
        const double step = std::pow(static_cast<double>(Base.value), -2 * pair / width);
        const double angle = static_cast<double>(290 + t) * step;
        const double wave = c % 2 == 0 ? std::sin(angle) : std::cos(angle);
        CHECK(static_cast<double>(x[t * Width + c]) - static_cast<double>(t * Width + c) ==
              doctest::Approx(wave).epsilon(sizeof(Value) == 4 ? 1e-5 : 1e-12));
        CHECK(static_cast<double>(shared->template get<table_type>().view()(290 + t, c)) ==
              doctest::Approx(wave).epsilon(sizeof(Value) == 4 ? 1e-7 : 1e-13));
      }
  };
  check(double{}, lc::constant<lc::extent_t, 8>{}, lc::constant<lc::theta, lc::theta{}>{});
  check(float{}, lc::constant<lc::extent_t, 7>{}, lc::constant<lc::theta, lc::theta{}>{});
  check(double{}, lc::constant<lc::extent_t, 7>{}, lc::constant<lc::theta, lc::theta{100.f}>{});
  check(double{}, lc::constant<lc::extent_t, 1>{}, lc::constant<lc::theta, lc::theta{}>{});
}

TEST_CASE("fixed positions have no parameters") {
  static_assert(!lc::same<with_alibi, recipes::llama> && !lc::same<with_sinusoidal, recipes::gpt>);
  static_assert(lc::parameter_count<with_alibi> == lc::parameter_count<recipes::llama>);
  static_assert(lc::parameter_count<with_sinusoidal> == lc::parameter_count<recipes::gpt> - 20 * 8);
  static_assert(sizeof(with_sinusoidal::bound::parameters<lc::weights<float>>) ==
                sizeof(recipes::gpt::bound::parameters<lc::weights<float>>) - 20 * 8 * sizeof(float));
}

TEST_CASE("sinusoidal positions are learned positions that hold the table") {
  auto fixed = std::make_unique<lc::model<with_sinusoidal>>();
  auto learned = std::make_unique<lc::model<recipes::gpt>>();
  recipes::randomise(*fixed, 6, 0.4);
  // Both without the positions, in the order of the walk.
  std::vector<float> numbers;
  lc::visit_tensors([&](const auto& of) { numbers.insert(numbers.end(), std::begin(of.data), std::end(of.data)); },
                    fixed->parameters());
  auto table = std::make_unique<lc::sinusoidal_table<float, 8, 20, lc::theta{}>>();
  table->build();
  std::size_t at = 0;
  lc::visit_named(
      [&](const std::string path, auto& of) {
        for (std::size_t i = 0; i < std::size(of.data); ++i)
          of[i] = path == "position.weight" ? table->of[i] : numbers[at++];
      },
      learned->parameters_to_write());
  CHECK(at == numbers.size());
  learned->update();
  CHECK(stream_logits(*fixed, {19}) == stream_logits(*learned, {19}));
}

TEST_CASE("a share of a head's columns turns, the others pass") {
  constexpr lc::extent_t columns = 24, head_width = 12, rotated = lc::rotary_share{0.34f}.of(head_width);
  static_assert(rotated == 4 && lc::rotary_share{}.of(head_width) == head_width);
  lc::rotation_angles<double, rotated, 9, lc::theta{100.0f}> angles;
  angles.build();
  const auto turned = [&](auto pairs, lc::extent_t right) {
    lc::tensor<double, 9, columns> x;
    for (lc::extent_t i = 0; i < x.size; ++i) x[i] = lc::random_normal(2, 0, i);
    const auto before = x;
    lc::op::rotate(x.view(), angles.view<head_width>(), 0, false, pairs, lc::reference{});
    double most = 0;
    for (lc::extent_t t = 0; t < 9; ++t)
      for (lc::extent_t head = 0; head < columns; head += head_width) {
        const auto at = [&](const auto& of, lc::extent_t column) { return of[t * columns + head + column]; };
        for (lc::extent_t c = rotated; c < head_width; ++c) CHECK(at(x, c) == at(before, c));
        // Pair i turns by t * 100^(-2i / 4), whatever the head's own width is.
        for (lc::extent_t i = 0; i < rotated / 2; ++i) {
          const lc::extent_t a = right == 1 ? 2 * i : i, b = a + right;
          const double angle = static_cast<double>(t) * std::pow(100.0, -static_cast<double>(i) / 2);
          most = worse(most, std::abs(at(x, a) - (at(before, a) * std::cos(angle) - at(before, b) * std::sin(angle))));
          most = worse(most, std::abs(at(x, b) - (at(before, a) * std::sin(angle) + at(before, b) * std::cos(angle))));
        }
      }
    return most;
  };
  CHECK(turned(lc::constant<lc::rotary_pairs, lc::rotary_pairs::neighbours>{}, 1) < 1e-14);
  CHECK(turned(lc::constant<lc::rotary_pairs, lc::rotary_pairs::halves>{}, 2) < 1e-14);
}
