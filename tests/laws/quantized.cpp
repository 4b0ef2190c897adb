// Weights and activations of eight bits: what rounding may change, and that nothing else does.
#include "support/recipes.hpp"
#include "support/worse.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;

using eight = lc::quantized<8>;
using both = lc::quantized<8, lc::activations<8>>;
static_assert(lc::detail::same_text(eight::name.c_str(), "quantized<8>"));
static_assert(lc::detail::same_text(both::name.c_str(), "quantized<8, activations<8>>"));

template <class Format>
using small = lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>,
                          lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal, Format>,
                                                     lc::ffn<lc::hidden<21>, lc::gated<lc::silu>, lc::bias, Format>>>,
                          lc::linear_head<lc::bias, Format>>;

constexpr double infinite = std::numeric_limits<double>::infinity();

template <class Value, std::size_t Size>
void draw(Value (&to)[Size], std::uint64_t seed, double spread = 1) {
  for (std::size_t i = 0; i < Size; ++i) to[i] = lc::convert_element<Value>(spread * lc::random_normal(seed, 3, i));
}

/// One map of a format with random weights, all on the reference.
template <class Format, class Value, lc::extent_t Outputs, lc::extent_t Inputs>
struct rig {
  static constexpr lc::extent_t tokens = 5;
  using bound = typename Format::template bound<Outputs, Inputs>;
  typename bound::template parameters<lc::weights<Value>> parameters;
  typename bound::template parameters<lc::gradients<Value>> gradients;
  typename bound::template memory<lc::keep<Value, tokens>> memory;
  typename bound::template memory<lc::reuse<Value, tokens>> adjoint;
  typename bound::template derived<lc::target<Value, Value, lc::reference>> derived;
  lc::tensor<Value, tokens, Inputs> x, dx;
  lc::tensor<Value, tokens, Outputs> y, dy;
  lc::reference backend;
  lc::nothing shared;

  rig() {
    lc::tensor<Value, Outputs, Inputs> dense;
    draw(dense.data, 1), draw(x.data, 2), draw(dy.data, 3);
    lc::quantize_weight(parameters, dense);
  }
  void forward() {
    const lc::run<lc::reference, lc::nothing> run{0, backend, shared};
    bound::forward(parameters, memory, derived, x.view(), y.view(), run);
  }
  void backward() {
    const lc::run<lc::reference, lc::nothing> run{0, backend, shared};
    bound::backward(parameters, gradients, memory, adjoint, derived, x.view(), dy.view(), dx.view(), run);
  }
  /// The dense weight that is meant.
  Value weight(lc::extent_t o, lc::extent_t i) const {
    return parameters.scale[o] * static_cast<Value>(parameters.weight[o * Inputs + i]);
  }
};

template <class Scale, class Value>
void check_steps(const std::vector<Value>& row, double slack) {
  std::vector<std::int8_t> integers(row.size(), 99);
  const auto scale = static_cast<double>(lc::widen(lc::quantize_row<Scale>(integers.data(), row.data(), row.size())));
  for (std::size_t i = 0; i < row.size(); ++i) {
    REQUIRE(integers[i] >= -127);
    REQUIRE(std::fabs(static_cast<double>(row[i]) - scale * integers[i]) <= scale * (0.5 + slack));
  }
}

/// Rows that are integers times one scale are given back bit for bit.
template <class Scale, class Value>
void check_round_trips(std::uint64_t seed) {
  for (std::uint64_t round = 0; round < 2000; ++round) {
    const auto scale =
        lc::convert_element<Scale>(static_cast<Value>(std::fabs(lc::random_normal(seed, round, 99)) * 0.01 + 1e-4));
    std::vector<std::int8_t> expected(9), found(9);
    std::vector<Value> row;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expected[i] = static_cast<std::int8_t>(lc::random_uniform(seed, round, i) * 255 - 127);
      if (i == 4) expected[i] = round % 2 == 0 ? std::int8_t{127} : std::int8_t{-127};
      row.push_back(static_cast<Value>(expected[i]) * static_cast<Value>(lc::widen(scale)));
    }
    const Scale mine = lc::quantize_row<Scale>(found.data(), row.data(), row.size());
    REQUIRE(found == expected);
    for (std::size_t i = 0; i < row.size(); ++i)
      REQUIRE(static_cast<Value>(found[i]) * static_cast<Value>(lc::widen(mine)) == row[i]);
  }
}

/// Central differences of the scales and of the inputs of one map, in f64.
template <class Rig>
double worst_difference(Rig& of, bool inputs) {
  of.forward();
  of.backward();
  double worst = 0;
  const auto loss = [&] {
    of.forward();
    double sum = 0;
    for (lc::extent_t i = 0; i < of.y.size; ++i) sum += of.y[i] * of.dy[i];
    return sum;
  };
  const auto compare = [&](double& number, double gradient) {
    const double kept = number, step = 1e-6;
    number = kept + step;
    const double above = loss();
    number = kept - step;
    const double below = loss();
    number = kept;
    worst = worse(worst, std::fabs((above - below) / (2 * step) - gradient) / (1 + std::fabs(gradient)));
  };
  if (inputs)
    for (lc::extent_t i = 0; i < of.x.size; ++i) compare(of.x[i], of.dx[i]);
  else
    for (lc::extent_t o = 0; o < of.gradients.scale.size; ++o) compare(of.parameters.scale[o], of.gradients.scale[o]);
  return worst;
}

/// At compile time: two outputs of three inputs, in both forms.
constexpr bool products_are_constant_expressions() {
  lc::tensor<std::int8_t, 2, 3> weight{{1, -2, 127, 0, 3, -127}};
  lc::tensor<float, 2> scale{{0.5f, 2}};
  const lc::quantized_matrix<float, 2, 3> w(weight.data, scale.data);
  lc::tensor<float, 1, 3> x{{127, 63.5f, -1}};
  lc::tensor<float, 1, 2> y;
  lc::op::multiply_quantized(y.view(), x.view(), w, lc::reference{});
  bool right = y[0] == -63.5f && y[1] == 635;
  lc::quantized_buffer<float, 1, 3> rows;
  lc::op::quantize_rows(rows.first(1), x.view(), lc::reference{});
  right = right && rows.integers[0] == 127 && rows.integers[1] == 64 && rows.integers[2] == -1 && rows.scales[0] == 1;
  lc::op::multiply_integers(y.view(), rows.first(1), w, lc::reference{});
  std::int8_t integers[2]{};
  const float numbers[2]{-0.5f, 0.25f};
  right = right && lc::quantize_row<float>(integers, numbers, 2) == 0.5f / 127 && integers[1] == 64;
  return right && y[0] == -64 && y[1] == 638;
}
static_assert(products_are_constant_expressions());
static_assert(lc::most_integer_inputs == 133144);
static_assert(lc::parameter_bytes<small<both>, lc::f32> ==
              4 * (11 * 8 + 2 * 11 + 8 + 2 * (2 * 8 + 4 * 8 + 21 * 2 + 8 + 21 * 2 + 8)) + 11 * 8 +
                  2 * (4 * 64 + 3 * 21 * 8));
// A head takes a format and a bias in any order, and a substitution reaches its defaults.
static_assert(lc::same_tensors<small<eight>, lc::substitute<small<lc::dense>, lc::dense, eight>>);
static_assert(lc::same_tensors<lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>,
                                           lc::pre_norm<lc::no_norm, lc::skip>, lc::linear_head<both>>,
                               lc::substitute<lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>,
                                                          lc::pre_norm<lc::no_norm, lc::skip>, lc::linear_head<>>,
                                              lc::slots::format, both>>);
static_assert(lc::detail::same_text(lc::linear_head<lc::bias, both>::name.c_str(),
                                    "linear_head<quantized<8, activations<8>>>"));

template <class Model>
std::vector<float> logits_of(Model& model, const std::uint32_t* tokens, std::size_t count, std::size_t piece) {
  std::vector<float> all;
  model.reset();
  for (std::size_t at = 0; at < count; at += piece)
    REQUIRE(
        model
            .try_forward({tokens + at, std::min(piece, count - at)},
                         [&](std::size_t, const auto& logits) { all.insert(all.end(), logits.data, logits.data + 11); })
            .ok());
  return all;
}

template <class Format>
void check_model() {
  using recipe = small<Format>;
  auto model = std::make_unique<lc::model<recipe, lc::chunk<7>>>();
  recipes::randomise(*model, 3, 0.3);
  const auto whole = logits_of(*model, recipes::stream, 19, 19);
  CHECK(std::isfinite(whole.back()));
  CHECK(whole == logits_of(*model, recipes::stream, 19, 1));
  auto learns = std::make_unique<lc::model<recipe, lc::training, lc::in_place>>();
  recipes::randomise(*learns, 3, 0.3);
  const auto kept = *learns->try_forward_to_learn({recipes::stream, 19});
  CHECK(whole == std::vector<float>(kept.data, kept.data + 19 * 11));

  std::vector<std::uint32_t> other(recipes::stream, recipes::stream + 19);
  other[12] = 7;
  const auto changed = logits_of(*model, other.data(), 19, 19);
  CHECK(std::equal(whole.begin(), whole.begin() + 12 * 11, changed.begin()));
  CHECK_FALSE(std::equal(whole.begin() + 12 * 11, whole.begin() + 13 * 11, changed.begin() + 12 * 11));

  lc::work_counter counter;
  model->reset();
  REQUIRE(model
              ->try_forward_watched(lc::watched{model->backend(), counter}, {recipes::stream, 19},
                                    [](lc::extent_t, const auto&) {})
              .ok());
  CHECK(counter.multiply_adds == recipe::bound::multiply_adds(0, 19, 19));
  CHECK(counter.multiply_adds == lc::substitute<recipe, Format, lc::dense>::bound::multiply_adds(0, 19, 19));

  model->parameters_to_write().embedding.weight[4 * 8] = std::numeric_limits<float>::quiet_NaN();
  const auto broken = logits_of(*model, recipes::stream, 2, 2);  // tokens 3 and 1, not 4
  CHECK(std::equal(broken.begin(), broken.end(), whole.begin()));
  const auto later = logits_of(*model, recipes::stream, 3, 3);
  CHECK(std::equal(later.begin(), later.begin() + 22, whole.begin()));
  for (std::size_t i = 22; i < 33; ++i) CHECK(std::isnan(later[i]));
}

}  // namespace

// Rounded inputs do not add up, so that `cached` refuses the format, and formats that hold it, with its sentence.
static_assert(lc::is_linear<lc::quantized<8>> && !lc::is_linear<lc::quantized<8, lc::activations<8>>>);
static_assert(!lc::is_linear<lc::sum<lc::dense, lc::quantized<8, lc::activations<8>>>>);

TEST_CASE("numbers are rounded to nearest, ties to even") {
  for (int i = -2600; i <= 2600; ++i) {
    const double x = i * 0.05;
    REQUIRE(lc::nearest_integer_of(x) == static_cast<int>(std::nearbyint(x)));
    const float f = static_cast<float>(i) * 0.25f;
    for (const float near : {f, std::nextafter(f, -1e9f), std::nextafter(f, 1e9f)})
      REQUIRE(lc::nearest_integer_of(near) == static_cast<int>(std::nearbyint(near)));
  }
}

TEST_CASE("a quantised row is off by half a step at most, and rows on the grid are given back") {
  for (const double spread : {1e-42, 1e-37, 1e-6, 1e-3, 1.0, 1e30}) {
    std::vector<float> row(33);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>(spread * lc::random_normal(5, 0, i));
    check_steps<float>(row, 1e-12);
    check_steps<lc::bfloat16>(row, 1e-12);
    if (spread < 1e3) check_steps<lc::float16>(row, 1e-12);
    check_steps<double>(std::vector<double>(row.begin(), row.end()), 1e-12);
  }
  check_round_trips<float, float>(1);
  check_round_trips<double, double>(2);
  check_round_trips<lc::bfloat16, float>(3);
  check_round_trips<lc::float16, float>(4);

  const std::vector<float> zero(12, -0.0f);
  std::vector<std::int8_t> integers(12, 5);
  for (const auto range : {lc::quantized_range::whole, lc::quantized_range::least_squared_error}) {
    CHECK(lc::quantize_row<float>(integers.data(), zero.data(), 12, range) == 0);
    CHECK(std::count(integers.begin(), integers.end(), 0) == 12);
  }
}

TEST_CASE("the range of the least squared error is never worse, and better where one number is far out") {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    // Of few numbers one that is far out loses more than the others gain.
    std::vector<float> row(4000);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>(lc::random_normal(seed, 1, i));
    const bool outlier = seed % 2 == 1;
    if (outlier) row[7] = 6;
    std::vector<std::int8_t> integers(row.size());
    const auto error_of = [&](lc::quantized_range range) {
      const float scale = lc::quantize_row<float>(integers.data(), row.data(), row.size(), range);
      double sum = 0;
      for (std::size_t i = 0; i < row.size(); ++i)
        sum += std::pow(static_cast<double>(row[i]) - static_cast<double>(scale) * integers[i], 2);
      return sum;
    };
    const double whole = error_of(lc::quantized_range::whole);
    const double least = error_of(lc::quantized_range::least_squared_error);
    CHECK(least <= whole * (1 + 1e-12));
    if (outlier) CHECK(least < 0.99 * whole);
    // No hundredth of the range is better: all of them, without the shortcut.
    for (int hundredths = 1; hundredths <= 100; ++hundredths) {
      const double largest = std::fabs(
          *std::max_element(row.begin(), row.end(), [](float a, float b) { return std::fabs(a) < std::fabs(b); }));
      const double scale = static_cast<double>(static_cast<float>(largest * hundredths / 12700));
      double sum = 0;
      for (const float number : row)
        sum += std::pow(number - scale * std::clamp(std::nearbyint(number / scale), -127.0, 127.0), 2);
      REQUIRE(least <= sum * (1 + 1e-9));
    }
  }
}

TEST_CASE("with plain activations it is the dense product of integers times scales") {
  rig<eight, double, 7, 13> of;
  of.forward();
  for (lc::extent_t t = 0; t < of.tokens; ++t)
    for (lc::extent_t o = 0; o < 7; ++o) {
      double sum = 0;
      for (lc::extent_t i = 0; i < 13; ++i) sum += of.weight(o, i) * of.x[t * 13 + i];
      REQUIRE(of.y[t * 7 + o] == doctest::Approx(sum).epsilon(1e-12));
    }
  CHECK(worst_difference(of, false) <= 1e-7);
  of.gradients = {}, of.dx = {};
  CHECK(worst_difference(of, true) <= 1e-7);
}

TEST_CASE("with quantised activations it is the exact product of integers, times two scales") {
  rig<both, float, 7, 70> of;
  for (lc::extent_t i = 0; i < 70; ++i) of.x[2 * 70 + i] = 0;        // a row of 0
  for (lc::extent_t i = 0; i < 70; ++i) of.x[3 * 70 + i] *= 1e-33f;  // below what is told from 0
  of.forward();
  const auto rows = of.memory.inputs.first(of.tokens);
  for (lc::extent_t t = 0; t < of.tokens; ++t) {
    const bool vanishes = t == 2 || t == 3;
    float largest = 0;
    for (lc::extent_t i = 0; i < 70; ++i) largest = std::max(largest, std::fabs(of.x[t * 70 + i]));
    CHECK(rows.scales[t] == (vanishes ? 0 : largest / 127));
    for (lc::extent_t i = 0; i < rows.stride; ++i) {
      const float number = i < 70 && !vanishes ? of.x[t * 70 + i] : 0;
      REQUIRE(std::abs(rows.row(t)[i]) <= 127);
      REQUIRE(std::fabs(number - rows.scales[t] * rows.row(t)[i]) <= rows.scales[t] * 0.50001f);
    }
    for (lc::extent_t o = 0; o < 7; ++o) {
      std::int64_t sum = 0;
      for (lc::extent_t i = 0; i < 70; ++i) sum += std::int64_t{rows.row(t)[i]} * of.parameters.weight[o * 70 + i];
      REQUIRE(of.y[t * 7 + o] == static_cast<float>(sum) * rows.scales[t] * of.parameters.scale[o]);
    }
  }
}

TEST_CASE("integers on the grid lose nothing: both forms agree with the dense product") {
  rig<both, double, 6, 9> of;
  rig<eight, double, 6, 9> plain;
  for (lc::extent_t t = 0; t < of.tokens; ++t)
    for (lc::extent_t i = 0; i < 9; ++i)
      of.x[t * 9 + i] = plain.x[t * 9 + i] = 0.25 * (i == 0 ? 127 : static_cast<int>((i * 37 + t * 11) % 255) - 127);
  of.forward(), plain.forward();
  for (lc::extent_t i = 0; i < of.y.size; ++i) CHECK(of.y[i] == doctest::Approx(plain.y[i]).epsilon(1e-13));
}

TEST_CASE("scales have their gradient; it passes straight through the rounding of activations") {
  rig<both, double, 7, 13> of;
  rig<eight, double, 7, 13> plain;
  CHECK(worst_difference(of, false) <= 1e-7);
  plain.forward(), plain.backward();
  for (lc::extent_t i = 0; i < of.dx.size; ++i) CHECK(of.dx[i] == plain.dx[i]);
  // Gradients accumulate.
  const double once = of.gradients.scale[3], of_input = of.dx[5];
  of.backward();
  CHECK(of.gradients.scale[3] == doctest::Approx(2 * once));
  CHECK(of.dx[5] == doctest::Approx(2 * of_input));
}

TEST_CASE("what is no number or infinite makes all outputs of its token none, and of no other") {
  for (const double bad : {std::nan(""), infinite, -infinite}) {
    rig<both, float, 4, 21> of, clean;
    of.x[2 * 21 + 20] = static_cast<float>(bad);
    of.parameters.scale[1] = clean.parameters.scale[1] = 0;
    of.forward(), clean.forward();
    for (lc::extent_t t = 0; t < of.tokens; ++t)
      for (lc::extent_t o = 0; o < 4; ++o)
        CHECK((t == 2 ? std::isnan(of.y[t * 4 + o]) : of.y[t * 4 + o] == clean.y[t * 4 + o]));
  }
}

TEST_CASE("whole models: cuts, order, counters, what is no number") {
  check_model<eight>();
  check_model<both>();
}

TEST_CASE("a model that learns has gradients of scales and none of integers") {
  auto model = std::make_unique<lc::model<small<both>, lc::training>>();
  recipes::randomise(*model, 5, 0.3);
  REQUIRE(model->try_forward_to_learn({recipes::stream, 19}).ok());
  const std::vector<float> adjoint(19 * 11, 0.25f);
  REQUIRE(model->try_backward({recipes::stream, 19}, {adjoint.data(), 19}).ok());
  std::size_t scales = 0;
  lc::visit_named(
      [&](const char* path, const auto& gradient) {
        const std::string name = path;
        if (name.find(".scale") == std::string::npos) return;
        ++scales;
        INFO(name);
        CHECK(std::any_of(std::begin(gradient.data), std::end(gradient.data), [](float g) { return g != 0; }));
        CHECK(
            std::all_of(std::begin(gradient.data), std::end(gradient.data), [](float g) { return std::isfinite(g); }));
      },
      model->gradients_to_write());
  CHECK(scales == 2 * 7 + 1);
}

TEST_CASE("what no symmetric quantiser writes is found") {
  lc::quantized<8>::bound<3, 5>::parameters<lc::weights<float>> of;
  lc::path_text path;
  path << "blocks.1.ffn.up";
  CHECK(of.try_check(path).ok());
  of.weight[7] = -127;
  CHECK(of.try_check(path).ok());
  of.weight[7] = -128;
  CHECK(std::string(of.try_check(path).why().message.c_str()) ==
        "tensor 'blocks.1.ffn.up.weight': element 7: expected an integer from -127 to 127, found -128");
  of.weight[7] = 0;
  for (const float bad : {-1e-9f, std::numeric_limits<float>::quiet_NaN()}) {
    of.scale[2] = bad;
    CHECK(std::string(of.try_check(path).why().message.c_str()) ==
          "tensor 'blocks.1.ffn.up.scale': element 2: expected a number from 0 on, found one below it or none");
  }
}
