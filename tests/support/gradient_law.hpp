#pragma once
// The law of tests/grad: every gradient of a recipe is a central difference.

#include <doctest/doctest.h>

#include "support/gradient_check.hpp"

/// Every parameter, f64: to 1e-6 of the largest gradient of its tensor.
template <class Recipe, class Loss>
void check(std::uint64_t seed, Loss&& loss) {
  const auto report = check_gradients<Recipe>(seed, loss);
  CHECK(report.size() > 5);
  const auto worst = worst_of(report);
  INFO(worst.path << ": largest gradient " << worst.largest << ", relative difference " << worst.difference);
  CHECK(worst.difference <= 1e-6);
}
