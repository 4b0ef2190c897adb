#pragma once
// The law of gradients on recipes that nobody chose: 200 coordinates of each, against central differences in f64.

#include <doctest/doctest.h>

#include <set>
#include <utility>

#include "support/gradient_check.hpp"
#include "support/sampled_recipes.hpp"

namespace sampled {

/// A tensor of a model and its gradient, number by number.
struct any_parameter {
  std::string path;
  double* numbers;
  const double* gradient;
  std::size_t size;
};

/// A model behind an interface, so that the check is compiled once.
struct any_model {
  std::vector<any_parameter> parameters;
  virtual ~any_model() = default;
  /// The loss after a change of parameters.
  virtual double evaluate() = 0;
  virtual void differentiate() = 0;
};

template <class Recipe>
class model_to_check final : public any_model {
 public:
  model_to_check() {
    recipes::randomise(*model_, 5, 0.4);
    recipes::assign(*model_);
    lc::visit_named(
        [&](const char* path, auto& weight, auto& gradient) {
          parameters.push_back({path, weight.data, gradient.data, std::size(weight.data)});
        },
        model_->parameters_to_write(), model_->gradients_to_write());
  }
  double evaluate() override {
    model_->update();
    const auto results = *model_->try_forward_to_learn(recipes::input<model_type>::view());
    return linear_loss(results, adjoints_of(count_ = results.count)) + lc::auxiliary_loss(*model_);
  }
  void differentiate() override {
    evaluate();
    model_->clear_gradients();
    REQUIRE(model_->try_backward(recipes::input<model_type>::view(), adjoints_of(count_)).ok());
  }

 private:
  using model_type = lc::model<Recipe, lc::f64, lc::training>;
  lc::rows<double, model_type::outputs> adjoints_of(lc::extent_t count) { return {adjoint_.data(), count}; }
  std::unique_ptr<model_type> model_ = std::make_unique<model_type>();
  std::vector<double> adjoint_ = std::vector<double>(recipes::input<model_type>::most_results * model_type::outputs);
  lc::extent_t count_ = 0;
};

/// 200 random coordinates with a gradient, from all tensors that have any in turn: to 1e-6 of the tensor's largest.
inline void check_coordinates(any_model& model, std::uint64_t seed) {
  model.differentiate();
  std::vector<double> largest;
  std::size_t with_gradient = 0;
  for (const auto& of : model.parameters) {
    double most = 0;
    for (std::size_t i = 0; i < of.size; ++i) most = larger_or_infinite(most, of.gradient[i]);
    REQUIRE(std::isfinite(most));
    largest.push_back(most);
    if (most > 1e-9) ++with_gradient;
  }
  REQUIRE(with_gradient > 3);
  std::set<std::pair<std::size_t, std::size_t>> checked;
  for (std::uint64_t draw = 0; checked.size() < 200 && draw < 100000; ++draw) {
    const std::size_t at = draw % model.parameters.size();
    const auto& of = model.parameters[at];
    // Where the true gradient is 0 (a key bias without positions), rounding is all that there is.
    if (!(largest[at] > 1e-9)) continue;
    const auto i = static_cast<std::size_t>(lc::random_uniform(seed, 3, draw) * static_cast<double>(of.size));
    const double gradient = of.gradient[i], kept = of.numbers[i];
    if (gradient == 0 || !checked.insert({at, i}).second) continue;
    // Of fourth order: some compositions bend within a thousandth, where the usual two points are off by 1e-6. Where a
    // kink lies between the points (a ReLU, a choice), nearer ones do not have it between them.
    const auto slope = [&](double step) {
      const auto around = [&](double distance) {
        of.numbers[i] = kept + distance;
        const double above = model.evaluate();
        of.numbers[i] = kept - distance;
        return above - model.evaluate();
      };
      const double found = (8 * around(step) - around(2 * step)) / (12 * step);
      of.numbers[i] = kept;
      return found;
    };
    double difference = std::fabs(slope(1e-5) - gradient);
    if (!(difference <= 1e-6 * largest[at])) difference = std::fabs(slope(3e-7) - gradient);
    INFO(of.path << "[" << i << "]: gradient " << gradient << ", difference " << difference << ", largest "
                 << largest[at]);
    CHECK(difference <= 1e-6 * largest[at]);
  }
  CHECK(checked.size() == 200);
}

/// Variants [First, First + Count) of a space.
template <class Space, lc::extent_t First, lc::extent_t Count>
void check_variants() {
  lc::for_each_index<Count>([](auto index) {
    using variant = typename Space::template variant<First + decltype(index)::value>;
    INFO(std::string(variant::name.c_str()));
    model_to_check<typename variant::recipe> model;
    check_coordinates(model, variant::index);
  });
}

}  // namespace sampled
