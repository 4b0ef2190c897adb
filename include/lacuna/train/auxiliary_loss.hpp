#pragma once
/// The losses that a recipe carries itself, as one number.

#include <lacuna/model/model.hpp>

LACUNA_BEGIN

/// The weighted sum of the losses that the layers of a training model kept in the last `try_forward_to_learn`
/// (`balance_loss`, `z_loss`): what backward adds to the loss whose adjoint it is given. 0 where the recipe has none.
template <class Model>
constexpr double auxiliary_loss(Model& model) {
  double total = 0;
  model.visit_losses([&](const char*, double weight, double value) { total += weight * value; });
  return total;
}

LACUNA_END
