#pragma once
// Cases of tests/reference/attention/*.txt (its README.md has the format), and a single attention that is run on them.

#include <doctest/doctest.h>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <lacuna/lacuna.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace reference_cases {
namespace lc = lacuna;

struct numbers {
  std::vector<lc::extent_t> extents;
  std::vector<double> of;
};
struct one_case {
  std::map<std::string, numbers> tensors;
  std::map<std::string, double> settings;

  const numbers& tensor(const std::string& key) const {
    INFO(key);
    REQUIRE(tensors.count(key) == 1);
    return tensors.at(key);
  }
  double setting(const std::string& key) const {
    INFO(key);
    REQUIRE(settings.count(key) == 1);
    return settings.at(key);
  }
};

/// All cases of a file, by name.
inline std::map<std::string, one_case> read_cases(const std::string& name) {
  const std::string path = LACUNA_REPOSITORY "/tests/reference/attention/" + name + ".txt";
  std::ifstream file(path);
  INFO(path);
  REQUIRE(file.good());
  std::map<std::string, one_case> cases;
  std::string word, key;
  one_case* at = nullptr;
  while (file >> word) {
    if (word == "end") continue;
    REQUIRE(static_cast<bool>(file >> key));
    if (word == "case") {
      at = &cases[key];
    } else if (word == "integer" || word == "real") {
      REQUIRE(static_cast<bool>(file >> at->settings[key]));
    } else {
      REQUIRE((word == "tensor" || word == "indices"));
      numbers& to = at->tensors[key];
      lc::extent_t rank = 0, size = 1;
      file >> rank;
      REQUIRE(rank <= 4);
      for (lc::extent_t i = 0; i < rank; ++i) {
        to.extents.emplace_back();
        file >> to.extents.back();
        size *= to.extents.back();
      }
      REQUIRE(size < 1'000'000);
      to.of.resize(size);
      for (double& of : to.of) REQUIRE(static_cast<bool>(file >> of));
    }
  }
  REQUIRE(!cases.empty());
  return cases;
}

/// One attention, bound to a place, with all its data: what a model does for each layer.
template <class Recipe, lc::extent_t Width, lc::extent_t Tokens, class Numerics = lc::f32,
          class Backend = lc::reference, bool Keeps = true>
struct lone_attention {
  using value = typename Numerics::value;
  using bound = typename Recipe::template bound<lc::place<Width, Tokens>>;
  using plan = std::conditional_t<Keeps, lc::keep<value, Tokens>, lc::reuse<value, Tokens>>;
  typename bound::template parameters<lc::weights<typename Numerics::weight>> parameters;
  typename bound::template state<lc::weights<value>> state;
  typename bound::template memory<plan> memory;
  typename bound::template derived<lc::target<typename Numerics::weight, value, Backend>> derived;
  lc::shared_items<lc::unique<typename bound::template shares<plan>>> shared;
  lc::tensor<value, Tokens, Width> x, y;

  lone_attention() {
    bound::initialise(parameters);
    shared.build();
  }
  /// Parameters of the same path and size, and x, from a case; every parameter has to be there.
  void load(const one_case& from) {
    lc::visit_named(
        [&](const char* path, auto& to) {
          INFO(path);
          copy(from.tensor(path), to);
        },
        parameters);
    finish(from);
  }
  template <class Tensor>
  static void copy(const numbers& from, Tensor& to) {
    REQUIRE(from.of.size() == Tensor::size);
    for (lc::extent_t i = 0; i < Tensor::size; ++i)
      to[i] = static_cast<typename Tensor::element>(static_cast<lc::compute_t<typename Tensor::element>>(from.of[i]));
  }
  void finish(const one_case& from) {
    copy(from.tensor("x"), x);
    bound::refresh(parameters, derived);
  }
  /// Rows [first, first + tokens), which continue a stream.
  void forward(lc::extent_t first, lc::extent_t tokens) {
    shared.prepare(first, tokens);
    const Backend backend{};
    const lc::run<Backend, decltype(shared)> run{first, backend, shared};
    bound::forward(lc::values{parameters, state, memory, derived}, x.first(first + tokens).slice(first, tokens),
                   y.first(first + tokens).slice(first, tokens), run);
  }
  /// The largest difference from an output of the case, as a share of its largest number.
  double apart(const one_case& from, const std::string& output) const {
    const numbers& expected = from.tensor(output);
    REQUIRE(expected.of.size() == y.size);
    double largest = 0, most = 0;
    for (lc::extent_t i = 0; i < y.size; ++i) {
      const double difference = std::abs(static_cast<double>(y[i]) - expected.of[i]);
      most = std::max(most, std::isnan(difference) ? 1e9 : difference);
      largest = std::max(largest, std::abs(expected.of[i]));
    }
    return most / largest;
  }
};

/// What f64 agrees to: the digits of the files, or what is lost where a policy holds its settings in f32.
inline constexpr double settings_in_f64 = 1e-8, settings_in_f32 = 2e-7;

/// A case against a recipe in f64 and f32, the whole at once; `prepare` loads the parameters.
template <class Recipe, lc::extent_t Width, lc::extent_t Tokens, class Prepare>
void check_case(const one_case& from, const std::string& output, double tolerance, Prepare&& prepare) {
  const auto check = [&]<class Numerics>(Numerics, double most) {
    auto attention = std::make_unique<lone_attention<Recipe, Width, Tokens, Numerics>>();
    prepare(*attention, from);
    attention->finish(from);
    attention->forward(0, Tokens);
    INFO(output);
    CHECK(attention->apart(from, output) < most);
  };
  check(lc::f64{}, tolerance);
  check(lc::f32{}, 1e-5);
}
template <class Recipe, lc::extent_t Width, lc::extent_t Tokens>
void check_case(const one_case& from, const std::string& output, double tolerance = settings_in_f64) {
  check_case<Recipe, Width, Tokens>(from, output, tolerance,
                                    [](auto& attention, const one_case& of) { attention.load(of); });
}

}  // namespace reference_cases
