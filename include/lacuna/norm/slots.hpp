#pragma once
/// The slot of normalisations.

#include <lacuna/core/epsilon.hpp>
#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

struct no_norm;

namespace slots {
/// `rms_norm<>`, `layer_norm<>`, `plain_layer_norm<>`, `no_norm`, or your own: `bound<Width>` with parameters, memory, forward, backward.
struct norm {
  using stand_in = no_norm;
  template <class Policy>
  static constexpr bool accepts = requires { typename Policy::template bound<1>; };
  template <class Policy>
  struct refused {
    static_assert(always_false<Policy>,
                  "lacuna::norm: the policy has no bound<Width> (write template <lacuna::extent_t Width> struct bound "
                  "with parameters, memory, forward and backward)");
  };
  template <class Recipe>
  struct missing {
    static_assert(always_false<Recipe>,
                  "lacuna::norm: the normalisation is missing (write pre_norm<rms_norm<>, ...>, or no_norm for none)");
  };
};
}  // namespace slots

LACUNA_END
