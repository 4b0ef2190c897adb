#pragma once
/// What stands between attention and its output projection, and the gate that is none.
///
/// A gate nests `bound<Width, Heads, HeadWidth, Bias...>` with `parameters<Role>`, `memory<Plan>`, `derived<Target>`,
/// `refresh`, `initialise`, `multiply_adds(tokens)`, and
///   forward(parameters, memory, derived, x, mixed, run) -> what the output projection reads
///   backward(parameters, gradients, memory, adjoint, derived, x, mixed, dmixed, dx, run)
/// where dmixed holds the adjoint of what forward returned and receives the one of mixed; dx accumulates.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/slots.hpp>
#include <lacuna/tensor/rows.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

struct no_gate;

namespace slots {
/// `no_gate`, `sigmoid_gate<...>`, or your own.
struct gate {
  using stand_in = no_gate;
  template <class Policy>
  static constexpr bool accepts = requires { typename Policy::template bound<2, 1, 2>; };
  template <class Policy>
  struct refused {
    static_assert(always_false<Policy>,
                  "lacuna::gate: the policy has no bound<Width, Heads, HeadWidth> (see lacuna::sigmoid_gate for what a "
                  "gate offers)");
  };
};
}  // namespace slots

/// Attention's output passes as it is.
struct no_gate {
  using slot = slots::gate;
  static constexpr auto name = fixed_string("no_gate");

  template <extent_t Width, extent_t Heads, extent_t HeadWidth>
  struct bound {
    template <class Role>
    struct parameters : no_tensors<no_gate> {};
    template <class Plan>
    struct memory {};
    template <class Target>
    struct derived {};
    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters&, Derived&) {}
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters&) {}
    static constexpr std::uint64_t multiply_adds(extent_t) { return 0; }

    template <class Parameters, class Memory, class Derived, class Value, class Run>
    LACUNA_HD static constexpr auto forward(const Parameters&, Memory&, const Derived&, rows<Value, Width>,
                                            rows<Value, Heads * HeadWidth> mixed, const Run&) {
      return mixed;
    }
    template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters&, Gradients&, Memory&, Adjoint&, const Derived&,
                                             rows<Value, Width>, rows<Value, Heads * HeadWidth>,
                                             rows<Value, Heads * HeadWidth>, rows<Value, Width>, const Run&) {}
    /// What the output projection read in forward.
    template <class Memory, class Value>
    LACUNA_HD static constexpr auto passed(Memory&, rows<Value, Heads * HeadWidth> mixed) {
      return mixed;
    }
  };
};

LACUNA_END
