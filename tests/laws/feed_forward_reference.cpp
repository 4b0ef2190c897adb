// Row activations, mixtures of experts and learned pooling against an independent implementation:
// tests/reference/feed_forward.py, which states the formula of the numbers, the format of the file and the tolerance.
#include "support/hashed_number.hpp"
#include "support/worse.hpp"

#include <lacuna/lacuna.hpp>

#include <doctest/doctest.h>
#include <cmath>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;

constexpr lc::reference on{};
constexpr lc::shared_items<lc::type_list<>> nothing_shared{};
using bare_run = lc::run<lc::reference, lc::shared_items<lc::type_list<>>>;

struct drawn {
  std::uint32_t seed, counter = 0;
  float one() { return static_cast<float>(hashed_number(seed, counter++)); }
};

/// The file, read case by case in order.
struct expected_file {
  std::ifstream file{LACUNA_REPOSITORY "/tests/reference/feed_forward.txt"};

  std::vector<double> numbers(std::size_t count) {
    std::vector<double> of(count);
    for (double& number : of) file >> number;
    REQUIRE(file.good());
    return of;
  }
  std::vector<double> next(const std::string& name, std::uint32_t seed, std::size_t tokens, std::size_t inputs,
                           std::size_t outputs) {
    CAPTURE(name);
    std::string found;
    std::size_t shape[4]{};
    file >> found;
    for (std::size_t& of : shape) file >> of;
    REQUIRE(found == name);
    REQUIRE(shape[0] == seed);
    REQUIRE(shape[1] == tokens);
    REQUIRE(shape[2] == inputs);
    REQUIRE(shape[3] == outputs);
    return numbers(tokens * outputs);
  }
};

void check_close(const float* found, const std::vector<double>& expected) {
  double largest = 0, difference = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::fmax(largest, std::fabs(expected[i]));
    difference = worse(difference, std::fabs(static_cast<double>(found[i]) - expected[i]));
  }
  CHECK(largest > 0.1);
  CHECK(difference <= 1e-5 * largest);
}

template <class Activation, std::uint32_t Seed, lc::extent_t Tokens, lc::extent_t Width>
void check_activation(expected_file& file, const std::string& name) {
  CAPTURE(name);
  using bound = lc::applied_activation<Activation, Width>;
  typename bound::template parameters<lc::weights<float>> parameters;
  typename bound::template memory<lc::keep<float, Tokens>> memory;
  lc::tensor<float, Tokens, Width> x, y;
  drawn numbers{Seed};
  lc::visit_tensors(
      [&](auto& of) {
        for (auto& number : of.data) number = numbers.one();
      },
      parameters);
  for (float& of : x.data) of = 4 * numbers.one();
  bound::forward(parameters, memory, x.view(), y.view(), bare_run{0, on, nothing_shared});
  check_close(y.data, file.next(name, Seed, Tokens, Width, Width));
}

template <class Recipe, std::uint32_t Seed, lc::extent_t Tokens, lc::extent_t Width>
void check_mixture(expected_file& file) {
  using bound = typename Recipe::template bound<lc::place<Width, Tokens>>;
  typename bound::template parameters<lc::weights<float>> parameters;
  typename bound::template state<lc::weights<float>> state;
  typename bound::template memory<lc::keep<float, Tokens>> memory;
  typename bound::template derived<lc::target<float, float, lc::reference>> derived;
  lc::tensor<float, Tokens, Width> x, y;
  drawn numbers{Seed};
  lc::visit_tensors([&](auto& of) {
    for (auto& number : of.data) number = numbers.one();
  }, parameters);
  for (float& of : x.data) of = 4 * numbers.one();
  bound::forward(lc::values{parameters, state, memory, derived}, x.view(), y.view(), bare_run{0, on, nothing_shared});
  check_close(y.data, file.next("mixture", Seed, Tokens, Width, Width));
  std::vector<float> losses;
  const auto collect = [&](const char*, double, double value) { losses.push_back(static_cast<float>(value)); };
  bound::losses(memory, collect);
  REQUIRE(losses.size() == 2);
  check_close(losses.data(), file.next("mixture_losses", Seed, 1, 2, 2));
}

/// Two sequences in one pass, the first of 3 tokens.
struct two_sequences {
  static constexpr lc::extent_t start(lc::extent_t sequence) { return sequence * 3; }
  static constexpr lc::extent_t end(lc::extent_t sequence, lc::extent_t tokens) { return sequence == 0 ? 3 : tokens; }
};
template <std::uint32_t Seed, lc::extent_t Tokens, lc::extent_t Width>
void check_pooling(expected_file& file) {
  using bound = lc::sequence_pooling::bound<Width>;
  typename bound::template parameters<lc::weights<float>> parameters;
  typename bound::template memory<lc::keep<float, Tokens>> memory;
  lc::tensor<float, Tokens, Width> x;
  lc::tensor<float, 2, Width> y;
  drawn numbers{Seed};
  for (float& of : parameters.weight.data) of = numbers.one();
  parameters.bias[0] = numbers.one();
  for (float& of : x.data) of = 4 * numbers.one();
  bound::forward(parameters, memory, two_sequences{}, x.view(), y.view(), bare_run{0, on, nothing_shared});
  check_close(y.data, file.next("sequence_pooling", Seed, 2, Width, Width));
}

}  // namespace

TEST_CASE("an independent implementation agrees on row activations, mixtures and learned pooling") {
  expected_file file;
  check_activation<lc::poly_relu, 1, 3, 7>(file, "poly_relu");
  check_activation<lc::poly_relu, 2, 5, 40>(file, "poly_relu");
  check_activation<lc::poly_norm<>, 1, 3, 7>(file, "poly_norm");
  check_activation<lc::poly_norm<>, 2, 5, 40>(file, "poly_norm");
  check_activation<lc::top_k_activation<3, lc::relu>, 3, 4, 9>(file, "top_k_activation");
  check_activation<lc::top_k_activation<16, lc::silu>, 4, 3, 33>(file, "top_k_activation");
  check_mixture<lc::mixture<lc::experts<4>, lc::experts_per_token<2>, lc::hidden<5>, lc::gated<lc::silu>,
                            lc::renormalised_gates, lc::balance_loss<>, lc::z_loss<>>, 5, 7, 6>(file);
  check_mixture<lc::mixture<lc::experts<3>, lc::experts_per_token<1>, lc::hidden<8>, lc::relu,
                            lc::capacity<lc::factor{1}>, lc::balance_loss<>, lc::z_loss<>>, 6, 9, 5>(file);
  check_pooling<7, 8, 6>(file);
  check_pooling<8, 4, 21>(file);
}
