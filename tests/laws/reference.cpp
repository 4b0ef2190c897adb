// Logits, loss and every gradient against an independent implementation: tests/reference/make.py, which states the
// formula of the parameters, the format of the files and the tolerances.
#include "support/gradient_check.hpp"
#include "support/hashed_number.hpp"

#include <algorithm>
#include <cmath>
#include <doctest/doctest.h>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;

/// A tensor of the file: shape, sum of the weights, and what is known of the gradient.
struct expected_tensor {
  std::string path;
  std::vector<lc::extent_t> extents;
  double weights = 0, largest = 0, sum = 0, squares = 0;
  double entries[5]{};
};
struct expected_model {
  double loss = 0;
  std::vector<double> logits;
  double largest_logit = 0;
  std::vector<expected_tensor> tensors;
  double largest_gradient = 0;
};

expected_model read_expected(const std::string& name, std::size_t wanted_rows, std::size_t wanted_columns) {
  const std::string path = LACUNA_REPOSITORY "/tests/reference/" + name + ".txt";
  std::ifstream file(path);
  INFO(path);
  expected_model all;
  std::string word;
  std::size_t rows = 0, columns = 0, count = 0;
  file >> word >> all.loss;
  REQUIRE(word == "loss");
  file >> word >> rows >> columns;
  REQUIRE(word == "logits");
  REQUIRE(rows == wanted_rows);
  REQUIRE(columns == wanted_columns);
  all.logits.resize(rows * columns);
  for (double& of : all.logits) {
    file >> of;
    all.largest_logit = std::max(all.largest_logit, std::fabs(of));
  }
  file >> word >> count;
  REQUIRE(word == "tensors");
  REQUIRE(count < 1000);
  all.tensors.resize(count);
  for (expected_tensor& of : all.tensors) {
    std::size_t rank = 0;
    file >> of.path >> rank;
    REQUIRE(rank <= 4);
    of.extents.resize(rank);
    for (lc::extent_t& extent : of.extents) file >> extent;
    file >> of.weights >> of.largest >> of.sum >> of.squares;
    for (double& entry : of.entries) file >> entry;
    all.largest_gradient = std::max(all.largest_gradient, of.largest);
  }
  REQUIRE(file.good());
  file >> word;
  REQUIRE(file.eof());
  return all;
}

/// Adds the numbers to a fresh model, whose weights are 0 and gains 1.
template <class Model>
void draw(Model& model, std::uint32_t seed) {
  std::uint32_t counter = 0;
  lc::visit_tensors([&](auto& tensor) {
    for (auto& of : tensor.data)
      of += static_cast<std::remove_reference_t<decltype(of)>>(hashed_number(seed, counter++));
  }, model.parameters_to_write());
  model.update();
}

/// The largest difference to the file's logits, relative to its largest logit.
template <class Logits>
double logit_difference(const expected_model& expected, const Logits& logits) {
  double difference = 0;
  for (std::size_t i = 0; i < expected.logits.size(); ++i) {
    const double mine = std::fabs(static_cast<double>(logits[i]) - expected.logits[i]);
    if (std::isnan(mine)) return HUGE_VAL;
    difference = std::max(difference, mine);
  }
  return difference / expected.largest_logit;
}

/// The logits of the stream from an inference model of which one chunk holds the stream.
template <class Recipe, class Numerics>
std::vector<typename Numerics::value> inferred(std::uint32_t seed) {
  auto model = std::make_unique<lc::model<Recipe, Numerics, lc::chunk<20>>>();
  draw(*model, seed);
  std::vector<typename Numerics::value> all;
  const lc::token_view tokens{recipes::stream, std::size(recipes::stream)};
  const auto each = [&](lc::extent_t, auto logits) { all.insert(all.end(), logits.data, logits.data + 11); };
  REQUIRE(model->try_forward(tokens, each).ok());
  return all;
}

/// Paths, order and shapes, and the parameters bit for bit: their sums are exact.
template <class Model>
void check_parameters(const expected_model& expected, const Model& model) {
  std::size_t at = 0;
  lc::visit_named([&](const std::string path, const auto& weight) {
    using tensor = std::remove_cvref_t<decltype(weight)>;
    CAPTURE(path);
    REQUIRE(at < expected.tensors.size());
    const expected_tensor& of = expected.tensors[at++];
    REQUIRE(of.path == path);
    REQUIRE(of.extents == std::vector<lc::extent_t>(tensor::extents, tensor::extents + tensor::rank));
    double sum = 0;
    for (const double value : weight.data) sum += value;
    REQUIRE(sum == of.weights);
  }, model.parameters());
  REQUIRE(at == expected.tensors.size());
}

template <class Model>
void check_gradients_of(const expected_model& expected, Model& model) {
  std::size_t at = 0;
  lc::visit_named([&](const std::string path, const auto& gradient) {
    const expected_tensor& of = expected.tensors[at++];
    CAPTURE(path);
    // A tensor whose true gradient is 0 (a key bias without positions) holds rounding only.
    const double unit = of.largest > 1e-9 * expected.largest_gradient ? of.largest : expected.largest_gradient;
    const auto size = static_cast<double>(std::size(gradient.data));
    double largest = 0, sum = 0, squares = 0;
    const auto close = [](double found, double wanted, double scale) {
      CHECK(std::fabs(found - wanted) / scale <= 1e-9);
    };
    for (const double value : gradient.data) {
      largest = std::max(largest, std::fabs(value));
      sum += value;
      squares += value * value;
    }
    close(largest, of.largest, unit);
    close(sum, of.sum, size * unit);
    close(squares, of.squares, 2 * size * unit * unit);
    for (std::size_t i = 0; i < 5; ++i) close(gradient[i * (std::size(gradient.data) - 1) / 4], of.entries[i], unit);
  }, model.gradients_to_write());
}

template <class Recipe>
void check_against(const std::string& name, std::uint32_t seed) {
  CAPTURE(name);
  const expected_model expected = read_expected(name, std::size(recipes::stream), 11);
  const lc::token_view tokens{recipes::stream, std::size(recipes::stream)};
  auto model = std::make_unique<lc::model<Recipe, lc::f64, lc::training>>();
  draw(*model, seed);
  check_parameters(expected, *model);

  const auto logits = *model->try_forward_to_learn(tokens);
  std::vector<double> adjoint(tokens.count * 11);
  const double loss = next_token_loss(logits, lc::rows<double, 11>{adjoint.data(), tokens.count});
  CHECK(logit_difference(expected, logits.data) <= 1e-10);
  CHECK(logit_difference(expected, inferred<Recipe, lc::f64>(seed)) <= 1e-10);
  CHECK(logit_difference(expected, inferred<Recipe, lc::f32>(seed)) <= 1e-5);
  CHECK(std::fabs(loss + lc::auxiliary_loss(*model) - expected.loss) <= 1e-12);
  REQUIRE(model->try_backward(tokens, {adjoint.data(), tokens.count}).ok());
  check_gradients_of(expected, *model);
}

/// An encoder's rows, of three sequences in one pass, in place of logits.
template <class Recipe>
void check_encoder_against(const std::string& name, std::uint32_t seed) {
  CAPTURE(name);
  constexpr lc::extent_t sequences = 3, width = 8;
  const expected_model expected = read_expected(name, sequences, width);
  const lc::token_view tokens{recipes::stream, std::size(recipes::stream)};
  auto model = std::make_unique<lc::model<Recipe, lc::f64, lc::training>>();
  draw(*model, seed);
  recipes::assign(*model);
  check_parameters(expected, *model);

  const auto rows = *model->try_forward_to_learn(tokens);
  REQUIRE(rows.count == sequences);
  CHECK(logit_difference(expected, rows.data) <= 1e-10);
  double loss = 0, adjoint[sequences * width];
  for (std::size_t i = 0; i < sequences * width; ++i) {
    const double factor = static_cast<double>(i % 5) - 2;
    loss += factor * rows.data[i] + rows.data[i] * rows.data[i] / 2;
    adjoint[i] = factor + rows.data[i];
  }
  CHECK(std::fabs(loss - expected.loss) <= 1e-12);
  REQUIRE(model->try_backward(tokens, {adjoint, sequences}).ok());
  check_gradients_of(expected, *model);

  const auto encoded = [&]<class Numerics>(Numerics) {
    auto running = std::make_unique<lc::model<Recipe, Numerics>>();
    draw(*running, seed);
    recipes::assign(*running);
    const auto given = running->try_encode(tokens, {recipes::lengths, sequences});
    REQUIRE(given.ok());
    return logit_difference(expected, given->data);
  };
  CHECK(encoded(lc::f64{}) <= 1e-10);
  CHECK(encoded(lc::f32{}) <= 1e-5);
}

}  // namespace

TEST_CASE("an independent implementation agrees: logits, loss and gradients") {
  check_against<recipes::llama>("llama", 1);
  check_against<recipes::gpt>("gpt", 2);
  check_against<recipes::mixed>("mixed", 3);
  check_against<recipes::mixtures>("mixtures", 9);
  check_encoder_against<recipes::bert>("bert", 5);
}
