#pragma once
/// What stands between attention and its output projection, and the gate that is none.
///
/// A gate nests `bound<Shape>`, of an `attention_shape`, with `parameters<Role>`, `memory<Plan>`, `derived<Target>`,
/// `refresh`, `initialise`, `multiply_adds(tokens)`, and
///   forward(parameters, memory, derived, x, value, mixed, run) -> what the output projection reads
///   backward(parameters, gradients, memory, adjoint, derived, x, value, mixed, dmixed, dvalue, dx, run)
/// where dmixed holds the adjoint of what forward returned and receives the one of mixed; dvalue and dx accumulate. One
/// whose rows depend on later tokens says `static constexpr bool sees_ahead = true` in `bound`, and one whose rows
/// depend on other tokens at all `static constexpr bool mixes_tokens = true` itself.

#include <lacuna/attention/slots.hpp>
#include <lacuna/tensor/rows.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

struct no_gate;

namespace slots {
/// `no_gate`, `sigmoid_gate<...>`, `local_enhancement<...>`, or your own.
struct gate {
  using stand_in = no_gate;
  template <class Policy>
  static constexpr bool accepts = requires { typename Policy::template bound<attention_shape<2, 1, 1, 1, 2>>; };
  template <class Policy>
  struct refused {
    static_assert(always_false<Policy>,
                  "lacuna::gate: the policy has no bound<Shape> (see lacuna::sigmoid_gate for what a "
                  "gate offers)");
  };
};
}  // namespace slots

/// Whether a gate's row depends on other tokens than its own.
template <class Gate>
inline constexpr bool gate_mixes_tokens = requires { requires Gate::mixes_tokens; };

/// Attention's output passes as it is.
struct no_gate {
  using slot = slots::gate;
  static constexpr auto name = fixed_string("no_gate");

  template <class Shape>
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
    LACUNA_HD static constexpr auto forward(const Parameters&, Memory&, const Derived&, rows<Value, Shape::width>,
                                            rows<Value, Shape::kv_width>, rows<Value, Shape::query_width> mixed,
                                            const Run&) {
      return mixed;
    }
    template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters&, Gradients&, Memory&, Adjoint&, const Derived&,
                                             rows<Value, Shape::width>, rows<Value, Shape::kv_width>,
                                             rows<Value, Shape::query_width>, rows<Value, Shape::query_width>,
                                             rows<Value, Shape::kv_width>, rows<Value, Shape::width>, const Run&) {}
    /// What the output projection read in forward.
    template <class Memory, class Value>
    LACUNA_HD static constexpr auto passed(Memory&, rows<Value, Shape::query_width> mixed) {
      return mixed;
    }
  };
};

LACUNA_END
