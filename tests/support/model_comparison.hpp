#pragma once
// A model that learns, on two backends: results and gradients, tensor by tensor.

#include "support/recipes.hpp"
#include "support/worse.hpp"

#include <doctest/doctest.h>
#include <cmath>
#include <memory>
#include <vector>

namespace model_comparison {
namespace lc = lacuna;

/// A model that has learned one stream or window in f32; the adjoints of its results are fixed numbers.
template <class Recipe, class Backend>
struct learned {
  using model_type = lc::model<Recipe, lc::f32, lc::training, Backend>;
  std::unique_ptr<model_type> model = std::make_unique<model_type>();
  recipes::input<model_type> input;
  std::vector<float> results, of_window;

  learned() {
    recipes::randomise(*model, 6, 0.4);
    recipes::assign(*model);
    const auto found = model->try_forward_to_learn(input.view());
    REQUIRE(found.ok());
    results.assign(found->data, found->data + found->count * model_type::outputs);
    std::vector<float> adjoint(results.size());
    for (std::size_t i = 0; i < adjoint.size(); ++i) adjoint[i] = static_cast<float>(lc::random_normal(7, 2, i));
    const lc::rows<float, model_type::outputs> down{adjoint.data(), found->count};
    model->clear_gradients();
    if constexpr (model_type::regresses) {
      of_window.resize(input.numbers.size);
      const lc::rows<float, model_type::window_view::columns> to{of_window.data(), input.view().count};
      REQUIRE(model->try_backward(input.view(), down, to).ok());
    } else {
      REQUIRE(model->try_backward(input.view(), down).ok());
    }
  }
};

/// Calls `use(largest, apart)` for some numbers and others.
template <class Use>
void compare(const float* found, const float* expected, std::size_t count, Use&& use) {
  double largest = 0, apart = 0;
  for (std::size_t i = 0; i < count; ++i) {
    largest = std::fmax(largest, std::fabs(static_cast<double>(expected[i])));
    apart = worse(apart, std::fabs(static_cast<double>(found[i]) - static_cast<double>(expected[i])));
  }
  use(largest, apart);
}

/// Results and gradients on a backend are those of the reference: to `most` of the largest number of each tensor, and
/// of those whose gradient is nearly 0 to that of the largest of the model. `most` is larger where rounding is: where
/// scores choose keys or decide clusters, where sums nearly cancel, where activations divide by a row's size.
template <class Recipe, class Backend>
void check(const char* name, double most = 2e-5) {
  INFO(std::string(name));
  const learned<Recipe, lc::reference> expected;
  const learned<Recipe, Backend> found;
  REQUIRE(found.results.size() == expected.results.size());
  compare(found.results.data(), expected.results.data(), found.results.size(), [&](double largest, double apart) {
    CHECK(largest > 0);
    CHECK(apart <= most * largest);
  });
  compare(found.of_window.data(), expected.of_window.data(), found.of_window.size(),
          [&](double largest, double apart) { CHECK(apart <= most * largest); });
  double overall = 0;
  lc::visit_tensors(
      [&](const auto& of) {
        compare(of.data, of.data, of.size, [&](double largest, double) { overall = std::fmax(overall, largest); });
      },
      expected.model->gradients_to_write());
  CHECK(overall > 0);
  lc::visit_named(
      [&](const char* path, const auto& of, const auto& other) {
        INFO(path);
        compare(of.data, other.data, of.size, [&](double largest, double apart) {
          CHECK(apart <= most * std::fmax(largest, 1e-2 * overall));
          // What has no gradient on one has none on the other.
          CHECK((largest > 0 || apart == 0));
        });
      },
      found.model->gradients_to_write(), expected.model->gradients_to_write());
}

}  // namespace model_comparison
