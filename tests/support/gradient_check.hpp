#pragma once
/// Every gradient of a whole model against central differences in f64.

#include "support/recipes.hpp"

#include <cmath>
#include <memory>
#include <string>
#include <vector>

/// One tensor: its largest gradient, and the largest difference to central differences.
struct tensor_gradient {
  std::string path;
  double largest = 0;
  double difference = 0;
};

/// The larger of a size so far and a number's; infinite for NaN, which `std::max` would pass over.
inline double larger_or_infinite(double size, double number) {
  return std::isnan(number) ? HUGE_VAL : std::max(size, std::fabs(number));
}

/// Losses on everything that a model taps, in place of those of its logits alone; 0 where it taps nothing. Guides are
/// random rows.
template <class Model>
double loss_on_taps(Model& model) {
  namespace lc = lacuna;
  static lc::tensor<double, 20, 3> guide;
  static lc::alignment_workspace<20> workspace;
  for (lc::extent_t i = 0; i < guide.size; ++i) guide[i] = lc::random_normal(8, 2, i);
  double sum = 0;
  model.visit_taps([&]<lc::extent_t Columns>(const char*, lc::rows<const double, Columns> seen,
                                             lc::rows<double, Columns> adjoint) {
    static lc::tensor<double, 20, Columns> teacher;
    for (lc::extent_t i = 0; i < teacher.size; ++i) teacher[i] = lc::random_normal(9, 2, i);
    sum += 2 * lc::square_head{}(seen, teacher.first(seen.count), adjoint, 2);
    sum += lc::density_penalty{0.5}(seen, adjoint);
    // Experts get few tokens, of which alignment has nothing to say.
    if (seen.count >= 4) sum += 3 * lc::alignment{}(seen, guide.first(seen.count), adjoint, workspace, 3);
  });
  return sum;
}

/// Checks every parameter of a recipe, and the window of a regressor. `loss(logits, adjoint)` returns the loss and
/// writes its derivative. One of `stride` numbers of each tensor is moved: under the sanitizers, which slow every
/// forward and do not look at differences, fewer than all.
template <class Recipe, class Loss>
std::vector<tensor_gradient> check_gradients(std::uint64_t seed, Loss&& loss,
                                             std::size_t stride = LACUNA_TESTS_SANITIZED ? 11 : 1) {
  namespace lc = lacuna;
  using model_type = lc::model<Recipe, lc::f64, lc::training>;
  auto model = std::make_unique<model_type>();
  recipes::randomise(*model, seed, 0.4);
  recipes::assign(*model);
  recipes::input<model_type> input;
  std::vector<double> adjoint(input.most_results * model_type::outputs);
  const auto adjoints_of = [&](lc::extent_t count) {
    return lc::rows<double, model_type::outputs>{adjoint.data(), count};
  };

  lc::extent_t rows = 0;
  // Losses that the recipe carries itself, and those on taps, belong to the loss whose gradients backward gives.
  const auto evaluate = [&] {
    const auto results = *model->try_forward_to_learn(input.view());
    rows = results.count;
    const double of_logits = loss(results, adjoints_of(rows));
    return of_logits + lc::auxiliary_loss(*model) + loss_on_taps(*model);
  };
  std::vector<tensor_gradient> report;
  // Numbers of a tensor are moved one by one; `changed` is called after each change.
  const auto compare = [&](const char* path, double* numbers, const double* gradient, std::size_t size,
                           auto&& changed) {
    tensor_gradient of{path, 0, 0};
    for (std::size_t i = 0; i < size; ++i) of.largest = larger_or_infinite(of.largest, gradient[i]);
    for (std::size_t i = 0; i < size; i += stride) {
      constexpr double step = 1e-5;
      const double kept = numbers[i];
      const auto moved = [&](double to) {
        numbers[i] = to;
        changed();
        return evaluate();
      };
      const double above = moved(kept + step), below = moved(kept - step);
      numbers[i] = kept;
      of.difference = larger_or_infinite(of.difference, (above - below) / (2 * step) - gradient[i]);
    }
    report.push_back(of);
  };
  evaluate();
  model->clear_gradients();
  if constexpr (model_type::regresses) {
    std::vector<double> of_window(input.numbers.size);
    const lc::rows<double, model_type::window_view::columns> window_adjoint{of_window.data(), input.view().count};
    if (!model->try_backward(input.view(), adjoints_of(rows), window_adjoint).ok()) std::abort();
    compare("window", input.numbers.data, of_window.data(), of_window.size(), [] {});
  } else {
    (void)model->try_backward(input.view(), adjoints_of(rows));
  }
  lc::visit_named(
      [&](const char* path, auto& weight, auto& gradient) {
        compare(path, weight.data, gradient.data, std::size(weight.data), [&] { model->update(); });
      },
      model->parameters_to_write(), model->gradients_to_write());
  return report;
}

/// The worst tensor, relative to its own largest gradient. A tensor whose true gradient is 0 (a key bias without
/// positions: softmax does not see it) is measured against the largest of the model.
inline tensor_gradient worst_of(const std::vector<tensor_gradient>& report) {
  double overall = 0;
  for (const auto& of : report) overall = std::max(overall, of.largest);
  tensor_gradient worst;
  double ratio = -1;
  for (const auto& of : report) {
    const double scale = of.largest > 1e-9 * overall ? of.largest : overall;
    const double mine = of.difference / scale;
    if (std::isnan(mine) || mine > ratio) worst = of, ratio = std::isnan(mine) ? HUGE_VAL : mine;
  }
  worst.difference = ratio;
  return worst;
}

/// A fixed linear functional of the logits: its derivative is dense and does not vanish anywhere.
inline const auto linear_loss = [](auto logits, auto adjoint) {
  double sum = 0;
  for (std::size_t i = 0; i < logits.count * adjoint.columns; ++i) {
    adjoint.data[i] = lacuna::random_normal(7, 2, i);
    sum += adjoint.data[i] * logits.data[i];
  }
  return sum;
};

/// The loss of language models: each token predicts the next.
inline const auto next_token_loss = [](auto logits, auto adjoint) {
  static constexpr std::uint32_t last = 6;
  std::vector<std::uint32_t> targets(recipes::stream + 1, recipes::stream + logits.count);
  targets.push_back(last);
  return lacuna::mean_cross_entropy(logits, lacuna::token_view{targets.data(), targets.size()}, adjoint);
};
