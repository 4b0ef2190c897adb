#pragma once
/// An activation whose output losses read and send gradients into.

#include <lacuna/activation/applied.hpp>
#include <lacuna/activation/relu.hpp>
#include <lacuna/core/fixed_string.hpp>
#include <lacuna/tensor/taps.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct gates_are_tapped_inside {
  static_assert(Fine,
                "lacuna::tapped_activation: what gates is tapped inside its gate (write "
                "gated<tapped_activation<relu>>)");
};
}  // namespace rules

namespace detail {

/// What a tapped activation keeps.
template <class Plan, extent_t Width>
struct kept_by_activation_tap {
  tap_rows<Plan, Width> tap;
};

}  // namespace detail

/// `ffn<hidden<172>, tapped_activation<relu>>`, `gated<tapped_activation<relu>>`: the activation, whose output
/// `(tokens, hidden)` losses can read in a model that learns, such as `density_penalty`. Of a gated feed-forward it is
/// the gate.
///
/// `model::visit_taps(f)` calls `f("blocks.2.ffn.activation", rows, adjoint)`, of a mixture's experts
/// `f("blocks.2.mixture.experts.1.activation", rows, adjoint)` for every 16 tokens that were sent to one; see `tapped`.
/// A model that learns has 2 * tokens * hidden values more, and one more of them in a gated feed-forward, which
/// computes gate and product in two passes then; one that does not has none.
template <class Inner>
struct tapped_activation {
  static_assert(__is_base_of(nothing, checked<Inner, slots::activation>) || true);
  static constexpr bool fine = !is_gated<Inner>;
  static_assert(__is_base_of(nothing, rules::gates_are_tapped_inside<fine>) || true);
  using slot = slots::activation;
  using parts = type_list<Inner>;
  template <class New>
  using rebuild = tapped_activation<New>;
  using activation = std::conditional_t<fine, checked<Inner, slots::activation>, relu>;
  static constexpr auto name = fixed_string("tapped_activation<") + checked<Inner, slots::activation>::name + ">";
  static constexpr bool preserves_zero = activation::preserves_zero;
  static constexpr bool has_taps = true;

  template <extent_t Width>
  struct bound {
    using inner = applied_activation<activation, Width>;
    template <class Role>
    using parameters = typename inner::template parameters<Role>;
    template <class Plan>
    using memory = typename detail::memory_beside<Plan, typename inner::template memory<Plan>,
                                                  detail::kept_by_activation_tap<Plan, Width>>::type;

    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters& parameters) {
      inner::initialise(parameters);
    }
    template <class Parameters, class Memory, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory& memory, rows<Value, Width> x,
                                            rows<Value, Width> y, const Run& run) {
      if constexpr (requires { memory.tap; }) {
        inner::forward(parameters, memory.inner, x, y, run);
        memory.tap.keep_rows(y, run);
      } else {
        inner::forward(parameters, memory, x, y, run);
      }
    }
    template <class Parameters, class Gradients, class Memory, class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory& memory,
                                             rows<Value, Width> x, rows<Value, Width> y, rows<Value, Width> d,
                                             const Run& run) {
      const auto of_tap = memory.tap.adjoint.first(x.count);
      run.evaluate(d, d + of_tap);
      inner::backward(parameters, gradients, memory.inner, x, y, d, run);
    }
    template <class Memory, class Walk>
    static constexpr void taps(Memory& memory, Walk& walk) {
      walk.inside("activation", [&] { walk(memory.tap); });
    }
  };
};

LACUNA_END
