#pragma once
/// The slot that says which neurons of a feed-forward are computed.
///
/// A policy of the slot brings `checks<Activation, Format>`, a struct whose body complains about what it cannot serve,
/// and one of two: `format<Format>`, the formats of an otherwise ordinary feed-forward, or a `form<At, Hidden,
/// Activation, Bias>` of its own.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

struct all_neurons;
struct dense;

namespace slots {
/// `all_neurons`, `skips_zeros`, `predicted<...>`.
struct neurons {
  using stand_in = all_neurons;
};
}  // namespace slots

/// Every neuron is computed.
struct all_neurons {
  using slot = slots::neurons;
  static constexpr auto name = fixed_string("all_neurons");
  template <class Activation, class Format>
  struct checks {};
  template <class Format>
  using format = Format;
};

namespace rules {
template <bool Fine>
struct neurons_are_rows {
  static_assert(Fine,
                "lacuna::ffn: neurons can be left out of dense weights only (remove the format, or skips_zeros or "
                "predicted<...>)");
};
}  // namespace rules

namespace detail {

/// The activation behind a projection: of a gated form, the inner one.
template <class Activation>
struct inner_activation {
  using type = Activation;
};
template <class Activation>
  requires requires { typename Activation::inner; }
struct inner_activation<Activation> {
  using type = typename Activation::inner;
};

}  // namespace detail

LACUNA_END
