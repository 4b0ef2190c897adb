#pragma once
/// The dense weight: every entry stored, row by row. And what every format promises.
///
/// A format is a component without state: `bound<Outputs, Inputs>` with `parameters<Role>`, `memory<Plan>`,
/// `derived<Target>`, `refresh`, `forward`, `backward` and `multiply_adds`. dx and gradients accumulate.

#include <lacuna/format/slots.hpp>
#include <lacuna/op/multiply.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

/// What derived data is made for: stored weights, computed values, a backend.
template <class Weight, class Value, class Backend>
struct target {
  using weight = Weight;
  using value = Value;
  using backend = Backend;
};

/// All `outputs * inputs` entries. `(tokens, inputs) -> (tokens, outputs)`, tokens * outputs * inputs multiply-adds.
struct dense {
  using slot = slots::format;
  static constexpr auto name = fixed_string("dense");

  template <extent_t Outputs, extent_t Inputs>
  struct bound {
    template <class Role>
    struct parameters {
      typename Role::template tensor<Outputs, Inputs> weight;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("weight", s.weight...);
      }
    };
    template <class Plan>
    struct memory {};
    template <class Target>
    struct derived {
      typename backend_traits<typename Target::backend>::template packed<typename Target::weight, Outputs, Inputs>
          packed{};
    };

    /// Rebuilds what the backend derives from the weight.
    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      if constexpr (!same<decltype(derived.packed), nothing>) derived.packed.pack(parameters.weight);
    }
    template <class Parameters, class Memory, class Derived, class Input, class Output, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory&, const Derived& derived,
                                            rows<Input, Inputs> x, rows<Output, Outputs> y, const Run& run) {
      op::multiply(y, x, parameters.weight, derived.packed, run.backend);
    }
    template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Input, class Output,
              class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory&, Adjoint&,
                                             const Derived&, rows<Input, Inputs> x, rows<Output, Outputs> dy,
                                             rows<Value, Inputs> dx, const Run& run) {
      op::accumulate_outer(gradients.weight, dy, x, run.backend);
      op::multiply_transposed(dx, dy, parameters.weight, run.backend);
    }
    /// Multiply-adds of `tokens` rows forward; backward costs twice that.
    static constexpr std::uint64_t multiply_adds(extent_t tokens) { return std::uint64_t{tokens} * Outputs * Inputs; }
  };
};

LACUNA_END
