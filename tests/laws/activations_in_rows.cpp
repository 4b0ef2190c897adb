// Activations with parameters, and activations that see whole rows: poly_relu, poly_norm, top_k_activation.
#include "support/recipes.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;

template <class Activation>
using with = lc::decoder<lc::vocabulary<11>, lc::width<6>, lc::context<20>,
    lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<12>, Activation>>>>;

// Parameters, figures and the variant algebra.
static_assert(lc::parameter_count<with<lc::poly_relu>> == lc::parameter_count<with<lc::relu>> + 2 * 4);
static_assert(lc::parameter_count<with<lc::poly_norm<>>> == lc::parameter_count<with<lc::relu>> + 2 * 4);
static_assert(lc::parameter_count<with<lc::top_k_activation<3, lc::relu>>> == lc::parameter_count<with<lc::relu>>);
static_assert(lc::same<lc::substitute<with<lc::top_k_activation<3, lc::relu>>, lc::relu, lc::gated<lc::silu>>,
                       with<lc::top_k_activation<3, lc::gated<lc::silu>>>>);
static_assert(
    lc::same<lc::substitute<with<lc::gated<lc::silu>>, lc::silu, lc::poly_norm<>>, with<lc::gated<lc::poly_norm<>>>>);
// An activation without parameters takes no room; one that selects keeps nothing but the rows that were there.
template <class Activation>
using memory_of = typename lc::model<with<Activation>, lc::training>::memory_type;
static_assert(sizeof(memory_of<lc::top_k_activation<3, lc::relu>>) == sizeof(memory_of<lc::relu>));
static_assert(sizeof(memory_of<lc::top_k_activation<3, lc::gated<lc::silu>>>) ==
              sizeof(memory_of<lc::gated<lc::silu>>));

using bare_run = lc::run<lc::reference, lc::shared_items<lc::type_list<>>>;
constexpr lc::reference on{};
constexpr lc::shared_items<lc::type_list<>> nothing_shared{};

/// Rows of drawn numbers through an activation, outside of a model.
template <class Activation, lc::extent_t Width, class Value>
struct applied {
  using bound = lc::applied_activation<Activation, Width>;
  static constexpr lc::extent_t tokens = 5;
  typename bound::template parameters<lc::weights<Value>> parameters;
  typename bound::template memory<lc::keep<Value, tokens>> memory;
  lc::tensor<Value, tokens, Width> x, y;

  explicit applied(double scale = 1) {
    bound::initialise(parameters);
    for (lc::extent_t i = 0; i < x.size; ++i) x[i] = static_cast<Value>(scale * lc::random_normal(5, 3, i));
  }
  const auto& run() {
    bound::forward(parameters, memory, x.view(), y.view(), bare_run{0, on, nothing_shared});
    return y;
  }
};

/// What a drawn model gives: logits, and gradients of its parameters by path.
template <class Value>
struct outcome_of {
  std::vector<Value> logits;
  std::vector<std::pair<std::string, std::vector<Value>>> gradients;
};
template <class Recipe, class Numerics, class Change>
auto learned(Change&& change) {
  auto model = std::make_unique<lc::model<Recipe, Numerics, lc::training>>();
  // The same number for the same path, whatever else there is.
  lc::visit_named(
      [](const std::string path, auto& tensor) {
        std::uint64_t seed = 7;
        for (const char letter : path) seed = seed * 31 + static_cast<unsigned char>(letter);
        for (std::size_t i = 0; i < std::size(tensor.data); ++i)
          tensor.data[i] +=
              static_cast<std::remove_reference_t<decltype(tensor.data[0])>>(0.5 * lc::random_normal(seed, 1, i));
      },
      model->parameters_to_write());
  change(*model);
  model->update();
  using value = typename decltype(model)::element_type::value;
  const lc::token_view tokens{recipes::stream, 19};
  const auto logits = *model->try_forward_to_learn(tokens);
  outcome_of<value> result;
  result.logits.assign(logits.data, logits.data + 19 * 11);
  std::vector<value> adjoint(19 * 11);
  for (std::size_t i = 0; i < adjoint.size(); ++i) adjoint[i] = static_cast<value>(lc::random_normal(7, 2, i));
  REQUIRE(model->try_backward(tokens, {adjoint.data(), 19}).ok());
  lc::visit_named(
      [&](const std::string path, const auto& gradient) {
        result.gradients.emplace_back(path, std::vector<value>(std::begin(gradient.data), std::end(gradient.data)));
      },
      model->gradients_to_write());
  return result;
}
constexpr auto unchanged = [](auto&) {};
/// Coefficients of every layer.
constexpr auto polynomial = [](auto linear, auto quadratic) {
  return [=](auto& model) {
    lc::visit_named(
        [&](const std::string path, auto& tensor) {
          using value = std::remove_reference_t<decltype(tensor.data[0])>;
          const auto ends = [&](const char* with) { return path.ends_with(std::string("activation.") + with); };
          if (ends("linear")) tensor.data[0] = static_cast<value>(linear);
          if (ends("quadratic")) tensor.data[0] = static_cast<value>(quadratic);
          if (ends("cubic") || ends("constant")) tensor.data[0] = value(0);
        },
        model.parameters_to_write());
  };
};

/// Same logits and same gradients, bit for bit; of paths that both have.
template <class Value>
void check_equal(const outcome_of<Value>& found, const outcome_of<Value>& expected) {
  CHECK(found.logits == expected.logits);
  std::size_t compared = 0;
  for (const auto& of : expected.gradients)
    for (const auto& other : found.gradients)
      if (of.first == other.first) {
        INFO(of.first);
        CHECK(of.second == other.second);
        ++compared;
      }
  CHECK(compared == expected.gradients.size());
}

template <class Value>
void check_selection(lc::extent_t columns, lc::extent_t kept, bool ties) {
  std::vector<Value> row(columns);
  for (std::size_t i = 0; i < columns; ++i) {
    const double drawn = lc::random_normal(columns + kept, 4, i);
    row[i] = static_cast<Value>(ties ? std::round(drawn) : drawn);
  }
  std::vector<std::size_t> order(columns);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::fabs(row[a]) != std::fabs(row[b]) ? std::fabs(row[a]) > std::fabs(row[b]) : a < b;
  });
  std::vector<Value> expected(columns, 0);
  for (std::size_t i = 0; i < std::min<std::size_t>(kept, columns); ++i) expected[order[i]] = row[order[i]];
  lc::operation::keep_largest::select(row.data(), columns, kept);
  CHECK(row == expected);
}

}  // namespace

TEST_CASE("the largest of a row: as by sorting, ties to the lower index") {
  for (const lc::extent_t columns : {1u, 2u, 7u, 64u, 300u})
    for (const lc::extent_t kept : {0u, 1u, 2u, 5u, 63u, 64u, 299u, 300u, 1000u})
      for (const bool ties : {false, true}) {
        check_selection<float>(columns, kept, ties);
        check_selection<double>(columns, kept, ties);
      }
  // What is not a number is not lost, and the count stays exact.
  float row[]{1, std::nanf(""), -std::numeric_limits<float>::infinity(), 1e-40f, 2};
  lc::operation::keep_largest::select(row, 5, 2);
  CHECK(std::isnan(row[1]));
  CHECK(std::isinf(row[2]));
  CHECK(row[0] == 0);
  CHECK(row[3] == 0);
  CHECK(row[4] == 0);
  constexpr float at_compile_time = [] {
    float of[]{3, -4, 4, 1};
    lc::operation::keep_largest::select(of, 4, 2);
    return of[0] + of[1] + of[2] + of[3];
  }();
  static_assert(at_compile_time == 0);
}

TEST_CASE("top_k_activation with a k of the hidden width is the activation itself, bit for bit") {
  const auto relu = learned<with<lc::relu>, lc::f32>(unchanged);
  check_equal(learned<with<lc::top_k_activation<12, lc::relu>>, lc::f32>(unchanged), relu);
  check_equal(learned<with<lc::top_k_activation<99, lc::relu>>, lc::f32>(unchanged), relu);
  const auto silu = learned<with<lc::gated<lc::silu>>, lc::f32>(unchanged);
  check_equal(learned<with<lc::top_k_activation<12, lc::gated<lc::silu>>>, lc::f32>(unchanged), silu);
  check_equal(learned<with<lc::gated<lc::top_k_activation<12, lc::silu>>>, lc::f32>(unchanged), silu);
  // A k that every row of relu stays below, and one that it does not.
  const auto most = learned<with<lc::top_k_activation<11, lc::relu>>, lc::f32>(unchanged);
  check_equal(most, relu);
  CHECK(learned<with<lc::top_k_activation<2, lc::relu>>, lc::f32>(unchanged).logits != relu.logits);
}

TEST_CASE("poly_relu: one coefficient alone is relu or its square, bit for bit") {
  check_equal(learned<with<lc::poly_relu>, lc::f32>(polynomial(1, 0)), learned<with<lc::relu>, lc::f32>(unchanged));
  check_equal(learned<with<lc::poly_relu>, lc::f32>(polynomial(0, 1)),
              learned<with<lc::squared_relu>, lc::f32>(unchanged));
  check_equal(learned<with<lc::gated<lc::poly_relu>>, lc::f32>(polynomial(1, 0)),
              learned<with<lc::gated<lc::relu>>, lc::f32>(unchanged));
}

TEST_CASE("poly_norm: linear alone is rms_norm without a gain, bit for bit") {
  applied<lc::poly_norm<>, 13, float> one;
  one.parameters.linear[0] = 1;
  one.parameters.quadratic[0] = one.parameters.cubic[0] = 0;
  using norm = lc::rms_norm<lc::epsilon{1e-6f}>::bound<13>;
  norm::parameters<lc::weights<float>> gains;
  norm::memory<lc::keep<float, 5>> memory;
  norm::initialise(gains);
  lc::tensor<float, 5, 13> expected;
  norm::forward(gains, memory, one.x.view(), expected.view(), bare_run{0, on, nothing_shared});
  const auto& found = one.run();
  for (lc::extent_t i = 0; i < found.size; ++i)
    CHECK(std::bit_cast<std::uint32_t>(found[i]) == std::bit_cast<std::uint32_t>(expected[i]));
}

TEST_CASE("poly_norm does not see the scale of its input") {
  applied<lc::poly_norm<lc::epsilon{1e-30f}>, 13, double> one(1), seven(7), small(0.03);
  one.run(), seven.run(), small.run();
  for (lc::extent_t i = 0; i < one.y.size; ++i) {
    CHECK(seven.y[i] == doctest::Approx(one.y[i]).epsilon(1e-12));
    CHECK(small.y[i] == doctest::Approx(one.y[i]).epsilon(1e-12));
  }
  // With the paper's epsilon that ends where the cubes are small beside it.
  applied<lc::poly_norm<>, 13, double> usual(7), tiny(1e-3);
  usual.run(), tiny.run();
  double moved = 0;
  for (lc::extent_t i = 0; i < one.y.size; ++i) {
    CHECK(usual.y[i] == doctest::Approx(one.y[i]).epsilon(1e-5));
    moved = std::max(moved, std::fabs(tiny.y[i] - one.y[i]));
  }
  CHECK(moved > 0.1);
}

TEST_CASE("fresh polynomials: a third of each power, no constant") {
  lc::model<with<lc::poly_norm<>>> model;
  unsigned seen = 0;
  lc::visit_named(
      [&](const std::string path, const auto& tensor) {
        if (path.find(".activation.") == std::string::npos) return;
        ++seen;
        CHECK(tensor.data[0] == (path.ends_with("constant") ? 0.0f : 1.0f / 3.0f));
      },
      model.parameters());
  CHECK(seen == 8);
}

TEST_CASE("a neuron that is not among the largest has no gradient") {
  // One token: the rows of `up` of the neurons that were not chosen are bit-zero.
  auto model = std::make_unique<lc::model<with<lc::top_k_activation<3, lc::gelu>>, lc::training>>();
  recipes::randomise(*model, 3, 0.5);
  const float adjoint[11]{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  REQUIRE(model->try_forward_to_learn({recipes::stream, 1}).ok());
  REQUIRE(model->try_backward({recipes::stream, 1}, {adjoint, 1}).ok());
  lc::visit_named(
      [&](const std::string path, const auto& gradient) {
        if (!path.ends_with("ffn.up.weight")) return;
        unsigned active = 0;
        for (std::size_t neuron = 0; neuron < 12; ++neuron)
          active +=
              std::any_of(gradient.data + neuron * 6, gradient.data + neuron * 6 + 6, [](float of) { return of != 0; });
        CHECK(active == 3);
      },
      model->gradients_to_write());
}

TEST_CASE("activity: at most k of the hidden neurons") {
  const auto share = [](auto recipe) {
    auto model = std::make_unique<lc::model<decltype(recipe)>>();
    recipes::randomise(*model, 3, 0.4);
    lc::activity_counter counter;
    const auto each = [](lc::extent_t, const auto&) {};
    REQUIRE(model->try_forward_watched(lc::watched{model->backend(), counter}, {recipes::stream, 19}, each).ok());
    CHECK(counter.seen == 2 * 19 * 12);
    return counter.share();
  };
  CHECK(share(with<lc::top_k_activation<3, lc::silu>>{}) == 3.0 / 12);
  CHECK(share(with<lc::top_k_activation<3, lc::gated<lc::silu>>>{}) == 3.0 / 12);
  const double chosen = share(with<lc::top_k_activation<6, lc::relu>>{});
  CHECK(chosen <= 6.0 / 12);
  CHECK(chosen > 0.2);
}

TEST_CASE("streamed, whole and training forwards of row activations give the same bits") {
  const lc::token_view tokens{recipes::stream, 19};
  auto learner = std::make_unique<lc::model<recipes::rows, lc::training>>();
  auto five = std::make_unique<lc::model<recipes::rows, lc::chunk<5>>>();
  auto one = std::make_unique<lc::model<recipes::rows, lc::chunk<1>>>();
  recipes::randomise(*learner, 4, 0.4);
  recipes::randomise(*five, 4, 0.4);
  recipes::randomise(*one, 4, 0.4);
  const auto kept = *learner->try_forward_to_learn(tokens);
  const std::vector<float> expected(kept.data, kept.data + 19 * 11);
  const auto streamed = [&](auto& model) {
    std::vector<float> all;
    const auto each = [&](lc::extent_t, const auto& logits) { all.insert(all.end(), logits.data, logits.data + 11); };
    REQUIRE(model.try_forward(tokens, each).ok());
    return all;
  };
  CHECK(streamed(*five) == expected);
  CHECK(streamed(*one) == expected);
}
