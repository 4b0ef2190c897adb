#pragma once
/// The slots of linear maps: how a weight is stored, and whether a bias is added.

#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

struct dense;
struct no_bias;

namespace slots {
/// How the weights of a component are stored: `dense`, what format/ has beside it, or `parameter_tokens<>` in the place
/// of a weight.
struct format {
  using stand_in = dense;
  template <class Policy>
  static constexpr bool accepts = requires { typename Policy::template bound<1, 1>; };
  template <class Policy>
  struct refused {
    static_assert(always_false<Policy>,
                  "lacuna::format: the weight format has no bound<Outputs, Inputs> (derive it from an existing format, "
                  "or follow docs/how_to/write_a_policy.md)");
  };
};
/// `no_bias` or `bias`.
struct bias {
  using stand_in = no_bias;
};
}  // namespace slots

/// Whether a format stands for a matrix: the sum of two inputs gives the sum of their outputs.
template <class Format>
inline constexpr bool is_linear = true;
template <class Format>
  requires requires { Format::linear; }
inline constexpr bool is_linear<Format> = Format::linear;

LACUNA_END
