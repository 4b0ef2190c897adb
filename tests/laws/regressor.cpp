// Regressors: windows of series to forecasts. An independent implementation, what series may do without changing more
// than they should, the axes of a model, files, and what is refused.
#include "support/compiled_tiles.hpp"
#include "support/hashed_number.hpp"
#include "support/recipes.hpp"
#include "support/scratch.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <cmath>
#include <fstream>
#include <lacuna/io.hpp>
#include <lacuna/with_simd.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;

using recipe = recipes::inverted;
constexpr lc::extent_t steps = 10, series = 4, variates = 3, ahead = 5;
template <class Recipe, class... Options>
using training_model = lc::model<Recipe, lc::f64, lc::training, Options...>;

template <class Value>
std::vector<double> copied(lc::rows<Value, variates> forecast) {
  return {forecast.data, forecast.data + forecast.count * variates};
}
/// A window like that of the gradient tests, and the forecast of it.
struct window {
  std::vector<double> numbers = std::vector<double>(steps * series);
  window() {
    const recipes::input<training_model<recipe>> from;
    std::copy(from.numbers.data, from.numbers.data + numbers.size(), numbers.begin());
  }
  lc::rows<double, series> view() { return {numbers.data(), numbers.size() / series}; }
  template <class Model>
  std::vector<double> forecast(Model& model) {
    return copied(model.try_predict(view()).take());
  }
};
/// The largest difference; infinite for NaN.
double apart(const std::vector<double>& left, const std::vector<double>& right) {
  REQUIRE(left.size() == right.size());
  double most = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const double here = std::fabs(left[i] - right[i]);
    most = std::isnan(here) ? HUGE_VAL : std::max(most, here);
  }
  return most;
}
double largest(const std::vector<double>& of) { return apart(of, std::vector<double>(of.size())); }
template <class Recipe, class... Options>
auto drawn() {
  auto model = std::make_unique<lc::model<Recipe, Options...>>();
  recipes::randomise(*model, 6, 0.4);
  return model;
}
template <class Refused>
std::string why(const Refused& refused) {
  REQUIRE(!refused.ok());
  return refused.why().message.c_str();
}

template <class Model>
void draw_as_the_script(Model& model) {
  std::uint32_t counter = 0;
  lc::visit_tensors(
      [&](auto& tensor) {
        for (auto& of : tensor.data)
          of += static_cast<std::remove_reference_t<decltype(of)>>(hashed_number(1, counter++));
      },
      model.parameters_to_write());
  model.update();
}
/// What torch says, by name; all of it was read.
std::map<std::string, std::vector<double>> read_expected() {
  std::ifstream file(LACUNA_REPOSITORY "/tests/reference/series.txt");
  std::map<std::string, std::vector<double>> all;
  std::string name;
  all["loss"].resize(1);
  file >> name >> all["loss"][0];
  REQUIRE(name == "loss");
  std::size_t size = 0;
  while (file >> name >> size) {
    REQUIRE(size < 1000);
    all[name].resize(size);
    for (double& of : all[name]) file >> of;
    REQUIRE(file.good());
  }
  return all;
}

}  // namespace

TEST_CASE("torch's encoder agrees: the forecast, and the gradients of all parameters and of the window") {
  auto expected = read_expected();
  auto model = std::make_unique<training_model<recipe>>();
  auto single = std::make_unique<lc::model<recipe>>();
  draw_as_the_script(*model), draw_as_the_script(*single);
  lc::tensor<double, steps, series> given;
  lc::tensor<float, steps, series> given_single;
  for (std::uint32_t i = 0; i < steps * series; ++i) {
    const double column = i % series;
    given[i] = 2 - column + (1 + column / 2) * 4 * hashed_number(2, i);
    given_single[i] = static_cast<float>(given[i]);
  }
  const auto forecast = model->try_forward_to_learn(given.view()).take();
  const auto& wanted = expected.at("forecast");
  CHECK(apart(copied(forecast), wanted) <= 1e-10 * largest(wanted));
  CHECK(apart(copied(single->try_predict(given_single.view()).take()), wanted) <= 1e-5 * largest(wanted));

  lc::tensor<double, ahead, variates> adjoint;
  double loss = 0;
  for (std::uint32_t i = 0; i < adjoint.size; ++i) {
    const double off = forecast.data[i] - hashed_number(3, i);
    loss += off * off / adjoint.size;
    adjoint[i] = 2 * off / adjoint.size;
  }
  CHECK(std::fabs(loss - expected.at("loss")[0]) <= 1e-12 * loss);

  lc::tensor<double, steps, series> of_window;
  REQUIRE(model->try_backward(given.view(), adjoint.view(), of_window.view()).ok());
  const auto& wanted_window = expected.at("window");
  CHECK(apart({of_window.data, of_window.data + of_window.size}, wanted_window) <= 1e-9 * largest(wanted_window));
  double overall = 0;
  for (const auto& [name, gradient] : expected) overall = std::max(overall, largest(gradient));
  std::size_t tensors = 0;
  lc::visit_named(
      [&](const char* path, const auto& gradient) {
        CAPTURE(path);
        const auto& of = expected.at(path);
        const double unit = largest(of) > 1e-9 * overall ? largest(of) : overall;
        CHECK(apart({std::begin(gradient.data), std::end(gradient.data)}, of) <= 1e-9 * unit);
        ++tensors;
      },
      model->gradients_to_write());
  CHECK(tensors + 3 == expected.size());
}

TEST_CASE("variates in another order are forecast in that order, but for rounding") {
  const auto model = drawn<recipe, lc::f64>();
  window given, turned;
  constexpr lc::extent_t to[series]{2, 0, 1, 3};
  for (lc::extent_t t = 0; t < steps; ++t)
    for (lc::extent_t c = 0; c < series; ++c) turned.view()(t, to[c]) = given.view()(t, c);
  const auto forecast = given.forecast(*model), other = turned.forecast(*model);
  std::vector<double> back(forecast.size());
  for (std::size_t h = 0; h < ahead; ++h)
    for (std::size_t v = 0; v < variates; ++v) back[h * variates + v] = other[h * variates + to[v]];
  CHECK(apart(forecast, other) > 0.1);
  CHECK(apart(forecast, back) <= 1e-13);
}

TEST_CASE("a series that is moved and scaled has its forecast moved and scaled, but for epsilon") {
  // Where epsilon is next to nothing, the law is, too.
  using sharp = lc::substitute<recipe, lc::slots::input_norm, lc::instance_norm<lc::epsilon{1e-12f}>>;
  using plain = lc::substitute<recipe, lc::slots::input_norm, lc::no_instance_norm>;
  constexpr double moved[]{30, -2, 0.5}, scaled[]{5, 0.3, 1};
  const auto off = [&](auto& model) {
    window given, other;
    for (lc::extent_t t = 0; t < steps; ++t)
      for (lc::extent_t v = 0; v < variates; ++v) other.view()(t, v) = moved[v] + scaled[v] * given.view()(t, v);
    auto expected = given.forecast(model);
    for (std::size_t i = 0; i < expected.size(); ++i)
      expected[i] = moved[i % variates] + scaled[i % variates] * expected[i];
    return apart(expected, other.forecast(model));
  };
  CHECK(off(*drawn<recipe, lc::f64>()) <= 1e-3);
  CHECK(off(*drawn<recipe, lc::f64>()) > 1e-8);
  CHECK(off(*drawn<sharp, lc::f64>()) <= 1e-9);
  CHECK(off(*drawn<plain, lc::f64>()) > 1);
}

TEST_CASE("a covariate is read as it is; a series that never changes has a forecast") {
  const auto model = drawn<recipe, lc::f64>();
  window given;
  const auto forecast = given.forecast(*model);
  for (lc::extent_t t = 0; t < steps; ++t) given.view()(t, 3) += 7;
  CHECK(apart(forecast, given.forecast(*model)) > 1e-2);
  for (lc::extent_t t = 0; t < steps; ++t) given.view()(t, 1) = 1e6;
  const auto flat = given.forecast(*model);
  for (std::size_t h = 0; h < ahead; ++h) CHECK(std::fabs(flat[h * variates + 1] - 1e6) < 1);
}

TEST_CASE("the same bits: again, in training, in every storage, for any chunk") {
  window given;
  const auto model = drawn<recipe, lc::f64>();
  const auto forecast = given.forecast(*model);
  CHECK(forecast == given.forecast(*model));
  const auto learns = drawn<recipe, lc::f64, lc::training>();
  CHECK(forecast == copied(learns->try_forward_to_learn(given.view()).take()));
  CHECK(forecast == given.forecast(*learns));
  CHECK(forecast == given.forecast(*drawn<recipe, lc::f64, lc::in_place, lc::chunk<2>>()));
  auto borrowing = std::make_unique<lc::model<recipe, lc::f64, lc::borrowed>>(model->parameters());
  CHECK(forecast == given.forecast(*borrowing));
  CHECK(forecast == copied(model->predict(lc::readable(given.view()))));
  static_assert(decltype(model)::element_type::chunk_tokens == series);
}

TEST_CASE("gradients and the window's adjoint add up over windows") {
  const auto model = drawn<recipe, lc::f64, lc::training>();
  window given;
  std::vector<double> adjoint(ahead * variates, 0.5), of_window(steps * series);
  const lc::rows<const double, variates> adjoints{adjoint.data(), ahead};
  const auto learn = [&] {
    REQUIRE(model->try_forward_to_learn(given.view()).ok());
    REQUIRE(model->try_backward(given.view(), adjoints, {of_window.data(), steps}).ok());
  };
  learn();
  const auto once = of_window;
  const double gradient = model->gradients_to_write().embedding.weight[0];
  CHECK(gradient != 0);
  CHECK(largest(once) > 0);
  learn();
  CHECK(std::fabs(model->gradients_to_write().embedding.weight[0] - 2 * gradient) <= 1e-14);
  for (std::size_t i = 0; i < once.size(); ++i) CHECK(std::fabs(of_window[i] - 2 * once[i]) <= 1e-15);
  // Without the window's adjoint the gradients are the same.
  model->clear_gradients();
  REQUIRE(model->try_backward(given.view(), adjoints).ok());
  CHECK(model->gradients_to_write().embedding.weight[0] == gradient);
}

TEST_CASE("the simd backend agrees, and multiply-adds are those of the formula") {
  using middle = lc::zoo::itransformer<7, 24, 18, 32, 4, 2, 40, 2>;
  const auto model = drawn<middle>();
  const auto fast = drawn<middle, lc::simd>();
  const auto learns = drawn<middle, lc::training>();
  const auto learns_fast = drawn<middle, lc::training, lc::simd>();
  lc::tensor<float, 24, 9> given;
  for (lc::extent_t i = 0; i < given.size; ++i)
    given[i] = static_cast<float>(static_cast<double>(i % 9) + lc::random_normal(4, 1, i));
  const auto wide = [](auto forecast) {
    return std::vector<double>(forecast.data, forecast.data + forecast.count * forecast.columns);
  };
  const auto forecast = wide(model->try_predict(given.view()).take());
  CHECK(forecast.size() == 18 * 7);
  CHECK(apart(forecast, wide(fast->try_predict(given.view()).take())) <= 1e-5 * largest(forecast));

  lc::tensor<float, 18, 7> adjoint;
  for (lc::extent_t i = 0; i < adjoint.size; ++i) adjoint[i] = static_cast<float>(lc::random_normal(5, 1, i));
  lc::tensor<float, 24, 9> of_window, of_window_fast;
  REQUIRE(learns->try_forward_to_learn(given.view()).ok());
  REQUIRE(learns_fast->try_forward_to_learn(given.view()).ok());
  REQUIRE(learns->try_backward(given.view(), adjoint.view(), of_window.view()).ok());
  REQUIRE(learns_fast->try_backward(given.view(), adjoint.view(), of_window_fast.view()).ok());
  const auto close = [](const char* path, const auto& left, const auto& right, double unit) {
    const std::vector<double> of(std::begin(left.data), std::end(left.data));
    INFO(path);
    CHECK(apart(of, {std::begin(right.data), std::end(right.data)}) <= 1e-4 * std::max(largest(of), unit));
  };
  close("window", of_window, of_window_fast, 0);
  const auto& head = learns->gradients_to_write().head_part.weight;
  const double unit = 0.01 * largest({std::begin(head.data), std::end(head.data)});
  lc::visit_named([&](const char* path, const auto& left, const auto& right) { close(path, left, right, unit); },
                  learns->gradients_to_write(), learns_fast->gradients_to_write());

  lc::work_counter counted;
  REQUIRE(model->try_predict_watched(lc::watched{model->backend(), counted}, given.view()).ok());
  CHECK(counted.multiply_adds == lc::predict_multiply_adds<middle>());
  CHECK(counted.multiply_adds == lc::figures<middle>.multiply_adds_first);
  // By hand: embedding, two blocks of four projections, all pairs and two maps, and the head of the variates.
  constexpr std::uint64_t block = 9 * 4 * 32 * 32 + 2 * 9 * 9 * 32 + 9 * 2 * 32 * 40;
  CHECK(counted.multiply_adds == 9 * 24 * 32 + 2 * block + 7 * 32 * 18);
}

TEST_CASE("published sizes, and parameters that know nothing of the number of series") {
  using base = lc::zoo::itransformer<7>;
  constexpr lc::extent_t block = 4 * (512 * 512 + 512) + 4 * 512 + 512 * 2048 + 2048 + 2048 * 512 + 512;
  static_assert(lc::parameter_count<base> == 96 * 512 + 512 + 2 * block + 2 * 512 + 512 * 96 + 96);
  static_assert(lc::figures<base>["lookback"] == 96);
  static_assert(lc::figures<base>["horizon"] == 96);
  static_assert(lc::same_tensors<base, lc::zoo::itransformer<321>>);
  static_assert(lc::same_tensors<base, lc::substitute<base, lc::slots::covariates, lc::covariates<4>>>);
  static_assert(!lc::same_tensors<base, lc::substitute<base, lc::slots::horizon, lc::horizon<192>>>);
  constexpr lc::extent_t small = 4 * (256 * 256 + 256) + 4 * 256 + 2 * 256 * 256 + 2 * 256;
  static_assert(lc::parameter_count<lc::zoo::itransformer_etth1> ==
                96 * 256 + 256 + 2 * small + 2 * 256 + 256 * 96 + 96);
  CHECK(lc::tensor_table<base>[0].path.c_str() == std::string("embedding.weight"));
}

TEST_CASE("files: saved and loaded again, also for other numbers of series; other steps are refused") {
  const scratch files;
  const auto model = drawn<recipe>();
  REQUIRE(lc::try_save(*model, files.path("forecasts.safetensors")).ok());
  lc::tensor<float, steps, series> given;
  for (lc::extent_t i = 0; i < given.size; ++i) given[i] = static_cast<float>(lc::random_normal(8, 0, i));
  auto loaded = lc::try_load<lc::model<recipe>>(files.path("forecasts.safetensors")).take();
  CHECK(copied(loaded.try_predict(given.view()).take()) == copied(model->try_predict(given.view()).take()));

  using wider = lc::substitute<recipe, lc::slots::variates, lc::variates<6>>;
  auto more = lc::try_load<lc::model<wider>>(files.path("forecasts.safetensors")).take();
  lc::tensor<float, steps, 7> other;
  for (lc::extent_t i = 0; i < other.size; ++i) other[i] = static_cast<float>(lc::random_normal(8, 0, i));
  CHECK(more.try_predict(other.view()).ok());

  using longer = lc::substitute<recipe, lc::slots::lookback, lc::lookback<12>>;
  CHECK(why(lc::try_load<lc::model<longer>>(files.path("forecasts.safetensors")))
            .find("lookback: expected 12, found 10") != std::string::npos);
}

TEST_CASE("what is wrong with a window is said, and nothing changes") {
  const auto model = drawn<recipe, lc::f64, lc::training>();
  window given;
  const auto forecast = given.forecast(*model);
  const lc::rows<double, series> shorter{given.numbers.data(), steps - 1};
  CHECK(why(model->try_predict(shorter)) ==
        "lacuna::predict: expected a window of 10 steps, found 9 (give as many steps as lookback<N> says)");
  given.view()(4, 3) = std::nan("");
  CHECK(why(model->try_predict(given.view())) ==
        "lacuna::predict: step 4, column 3: expected a finite number, found NaN (fill what is missing in the series)");
  CHECK(why(model->try_forward_to_learn(given.view())) == why(model->try_predict(given.view())));
  given.view()(4, 3) = -HUGE_VAL;
  CHECK(why(model->try_predict(given.view())).find("found infinity") != std::string::npos);

  window again;
  CHECK(forecast == again.forecast(*model));
  std::vector<double> adjoint(ahead * variates, 1.0), of_window(steps * series);
  const lc::rows<const double, variates> adjoints{adjoint.data(), ahead};
  // A forecast alone keeps no promise for backward.
  CHECK(why(model->try_backward(again.view(), adjoints)).find("call try_forward_to_learn") != std::string::npos);
  REQUIRE(model->try_forward_to_learn(again.view()).ok());
  CHECK(
      why(model->try_backward(again.view(), {adjoint.data(), ahead - 1})) ==
      "lacuna::backward: expected 5 adjoint rows, as in the last forward, found 4 (call try_forward_to_learn with the "
      "same window first)");
  CHECK(why(model->try_backward(again.view(), adjoints, {of_window.data(), 3})).find("found 3") != std::string::npos);
  CHECK(why(model->try_backward(shorter, adjoints)).find("found 9") != std::string::npos);
  CHECK(largest(of_window) == 0);
  for (const double of : model->gradients_to_write().embedding.weight.data) CHECK(of == 0);
  CHECK(model->try_backward(again.view(), adjoints).ok());
  // A window that was refused does not undo the last forward.
  given.view()(4, 3) = std::nan("");
  CHECK(!model->try_forward_to_learn(given.view()).ok());
  CHECK(model->try_backward(again.view(), adjoints).ok());
}
