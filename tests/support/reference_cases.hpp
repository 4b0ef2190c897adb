#pragma once
// Cases of tests/reference/attention/*.txt (its README.md has the format), and a single attention that is run on them.

#include "hashed_number.hpp"
#include "worse.hpp"

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
  std::string name;
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
      at->name = key;
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

/// The largest difference of numbers from those expected, as a share of the largest of these.
template <class Element>
double relative_difference(const Element* found, const std::vector<double>& expected) {
  double most = 0, largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    most = worse(most, std::abs(static_cast<double>(found[i]) - expected[i]));
    largest = std::max(largest, std::abs(expected[i]));
  }
  return most / largest;
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
  /// The difference from an output of the case: see `relative_difference`.
  double apart(const one_case& from, const std::string& output) const {
    const numbers& expected = from.tensor(output);
    REQUIRE(expected.of.size() == y.size);
    return relative_difference(y.data, expected.of);
  }
};

/// What scripts call a parameter.
inline std::string name_in_files(const std::string& path) {
  return path == "sink_keys" ? "sink.key" : path == "sink_values" ? "sink.value" : path;
}

/// What gradients.py says about one output of a case, and the numbers that it draws for it.
class reference_gradients {
 public:
  reference_gradients(const one_case& from, const std::string& output)
      : expected_(of_all(from.name + "/" + output)), seed_(static_cast<std::uint32_t>(from.setting("seed"))) {}
  /// The i-th number of the adjoint of the output.
  double adjoint(lc::extent_t i) const { return 4 * drawn(0, i); }
  /// The gradient of a tensor against its contractions, `most` a share of the largest number. Whether there are any.
  /// Maps made of tokens hold values with rows and columns exchanged; a gate holds zeros around the blocks of a script.
  bool check(const std::string& path, const double* gradient, lc::extent_t size, double most) const {
    const std::string name = name_of(path);
    INFO(name);
    if (expected_.tensors.count(name + ".rows") == 0) return false;
    const auto &rows = expected_.tensor(name + ".rows").of, &columns = expected_.tensor(name + ".columns").of;
    const bool turned = name.size() > 7 && name.compare(name.size() - 7, 7, ".values") == 0;
    const bool blocks = size == rows.size() * rows.size() * columns.size() && rows.size() > 1;
    REQUIRE((blocks || size == rows.size() * columns.size()));
    std::vector<double> by_row(rows.size()), by_column(columns.size());
    for (lc::extent_t i = 0; i < rows.size(); ++i)
      for (lc::extent_t j = 0; j < columns.size(); ++j) {
        const lc::extent_t at = turned   ? j * rows.size() + i
                                : blocks ? (i * rows.size() + i) * columns.size() + j
                                         : i * columns.size() + j;
        by_row[i] += gradient[at] * drawn(100000, j), by_column[j] += gradient[at] * drawn(200000, i);
      }
    CHECK(relative_difference(by_row.data(), rows) < most);
    CHECK(relative_difference(by_column.data(), columns) < most);
    return true;
  }

 private:
  static const one_case& of_all(const std::string& key) {
    static const auto all = read_cases("gradients");
    INFO(key);
    REQUIRE(all.count(key) == 1);
    return all.at(key);
  }
  std::string name_of(const std::string& path) const {
    for (const std::string& name : {name_in_files(path), path + "s", "ffn." + path + "s"})
      if (expected_.tensors.count(name + ".rows") == 1) return name;
    return path;
  }
  double drawn(std::uint32_t moved, lc::extent_t i) const {
    return hashed_number(seed_ + moved, static_cast<std::uint32_t>(i));
  }

  const one_case& expected_;
  std::uint32_t seed_;
};

/// After a forward of so many tokens in f64: the gradients of x and of every parameter against those of PyTorch.
template <class Recipe, lc::extent_t Width, lc::extent_t Tokens>
void check_gradients(lone_attention<Recipe, Width, Tokens, lc::f64>& of, const one_case& from,
                     const std::string& output, lc::extent_t tokens, double most) {
  using bound = typename lone_attention<Recipe, Width, Tokens, lc::f64>::bound;
  struct adjoint_parts {
    typename bound::template parameters<lc::gradients<double>> gradients{};
    typename bound::template state<lc::gradients<double>> state{};
    typename bound::template memory<lc::reuse<double, Tokens>> memory{};
    lc::tensor<double, Tokens, Width> dy{}, dx{};
  };
  const reference_gradients expected(from, output);
  const auto to = std::make_unique<adjoint_parts>();
  for (lc::extent_t i = 0; i < tokens * Width; ++i) to->dy[i] = expected.adjoint(i);
  const lc::reference backend{};
  const lc::run<lc::reference, decltype(of.shared)> run{0, backend, of.shared};
  bound::backward(lc::values{of.parameters, of.state, of.memory, of.derived},
                  lc::adjoints{to->gradients, to->state, to->memory}, of.x.first(tokens), to->dy.first(tokens),
                  to->dx.first(tokens), run);
  INFO(from.name << " " << output);
  CHECK(expected.check("x", to->dx.data, tokens * Width, most));
  lc::visit_named(
      [&](const char* path, const auto& each) {
        // Centroids move by a rule of their own.
        if (std::strcmp(path, "centroids") == 0) return;
        INFO(path);
        CHECK(expected.check(path, each.data, each.size, most));
      },
      to->gradients);
}

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
    using attention_type = lone_attention<Recipe, Width, Tokens, Numerics>;
    if constexpr (lc::same<Numerics, lc::f64> && !lc::forgets<typename attention_type::bound>) {
      // Among equal numbers a change of any decides anew what is kept: there is no gradient.
      if (from.name != "top_k_ties") check_gradients(*attention, from, output, Tokens, most);
    }
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
