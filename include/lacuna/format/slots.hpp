#pragma once
/// The slots of linear maps: how a weight is stored, and whether a bias is added.

#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

struct dense;
struct no_bias;

namespace slots {
/// How the weights of a component are stored: `dense`, `thresholded`, or `parameter_tokens<>` in their place.
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

LACUNA_END
