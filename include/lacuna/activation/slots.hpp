#pragma once
/// The slot of activations, and what an activation has to offer.

#include <concepts>
#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

/// An elementwise nonlinearity: `value(x)` and `derivative(x)` for f32 and f64, and `preserves_zero` (value(0) == 0).
template <class Policy>
concept Activation = requires(float single, double wide) {
  { Policy::value(single) } -> std::same_as<float>;
  { Policy::derivative(single) } -> std::same_as<float>;
  { Policy::value(wide) } -> std::same_as<double>;
  { Policy::derivative(wide) } -> std::same_as<double>;
  { Policy::preserves_zero } -> std::convertible_to<bool>;
};

struct relu;

namespace slots {
/// `relu`, `squared_relu`, `silu`, `gelu`, `gelu_tanh`, `sigmoid`, or your own.
struct activation {
  using stand_in = relu;
  template <class Policy>
  static constexpr bool accepts = Activation<Policy>;
  template <class Policy>
  struct refused {
    static_assert(always_false<Policy>,
                  "lacuna::activation: the policy does not offer value, derivative and preserves_zero (write static "
                  "functions value(x) and derivative(x) for float and double, and a constant preserves_zero)");
  };
  template <class Recipe>
  struct missing {
    static_assert(
        always_false<Recipe>,
        "lacuna::ffn: the activation is missing (add one, such as lacuna::relu, or lacuna::gated<lacuna::silu>)");
  };
};
}  // namespace slots

LACUNA_END
