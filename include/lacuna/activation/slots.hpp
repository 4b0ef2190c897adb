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

/// An activation that sees the whole row of a token or has parameters: `bound<Width>` with `parameters<Role>`,
/// `memory<Plan>`, `initialise`, `forward` and `backward`, see `applied_activation`; and `preserves_zero`.
template <class Policy>
concept RowActivation = requires {
  typename Policy::template bound<1>;
  { Policy::preserves_zero } -> std::convertible_to<bool>;
};

/// Whether an activation gates a projection of its own: `gated<...>`, or a struct derived from it.
template <class Policy>
inline constexpr bool is_gated = requires { typename Policy::gates; };

struct relu;

namespace slots {
/// `relu`, `squared_relu`, `silu`, `gelu`, `gelu_tanh`, `sigmoid`, `poly_relu`, `poly_norm<>`,
/// `top_k_activation<k, relu>`, or your own.
struct activation {
  using stand_in = relu;
  template <class Policy>
  static constexpr bool accepts = Activation<Policy> || RowActivation<Policy>;
  template <class Policy>
  struct refused {
    static constexpr bool bound = requires { typename Policy::template bound<1>; };
    static_assert(!bound,
                  "lacuna::activation: the policy with bound<Width> does not say whether it preserves zero (write a "
                  "constant preserves_zero, false where a silent neuron does not stay silent)");
    static_assert(bound,
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
