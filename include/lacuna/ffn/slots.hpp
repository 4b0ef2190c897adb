#pragma once
/// The sizes of the feed-forward, as policies that wear a name.

#include <lacuna/activation/relu.hpp>
#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

template <extent_t Count>
struct hidden;

namespace slots {
/// `hidden<512>`.
struct hidden {
  using stand_in = lacuna::hidden<1>;
  template <class Recipe>
  struct missing {
    static_assert(always_false<Recipe>,
                  "lacuna::ffn: the hidden width is missing (add lacuna::hidden<N>, often 4 times the width)");
  };
};
}  // namespace slots

namespace rules {
template <extent_t Count>
struct hidden_is_not_zero {
  static_assert(Count > 0, "lacuna::ffn: the hidden width is 0 (choose hidden<N> with N > 0)");
};
}  // namespace rules

/// Neurons of the feed-forward.
template <extent_t Count>
struct hidden {
  using slot = slots::hidden;
  static constexpr extent_t value = Count;
  static constexpr auto name = fixed_string("hidden<") + decimal<Count>() + ">";
};

namespace rules {
template <bool Fine>
struct gate_is_not_gated {
  static_assert(Fine, "lacuna::gated: its argument is gated already (write gated<silu> with a plain activation)");
};
}  // namespace rules

/// The inner form act(W_gate x) * (W_up x), in the place of a plain activation.
/// Source: Shazeer (2020), arXiv 2002.05202, eq. (5) and (6).
template <class Inner>
struct gated {
  static_assert(__is_base_of(nothing, rules::gate_is_not_gated<!is_gated<Inner>>) || true);
  using slot = slots::activation;
  using gates = nothing;
  using inner = checked<Inner, slots::activation>;
  using parts = type_list<Inner>;
  template <class New>
  using rebuild = gated<New>;
  static constexpr auto name = fixed_string("gated<") + inner::name + ">";
  static constexpr bool preserves_zero = true;

  /// As a plain activation it is its inner function: the slot's concept asks for these.
  template <class Value>
  LACUNA_HD static constexpr Value value(Value x) noexcept {
    return inner::value(x);
  }
  template <class Value>
  LACUNA_HD static constexpr Value derivative(Value x) noexcept {
    return inner::derivative(x);
  }
};

LACUNA_END
