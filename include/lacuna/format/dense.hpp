#pragma once
/// The dense weight: every entry stored, row by row. And what every format promises.
///
/// A format is a component without state: `bound<Outputs, Inputs>` with `parameters<Role>`, `memory<Plan>`,
/// `derived<Target>`, `refresh`, `forward`, `backward` and `multiply_adds`. dx and gradients accumulate. A format holds
/// no loops: it calls the entries of the run it is given (op/run.hpp), so that every backend serves it.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/format/slots.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

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
      typename Target::template packed<Outputs, Inputs> packed{};  ///< the backend's own form of the weight
    };

    /// Rebuilds what the backend derives from the weight.
    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      if constexpr (!same<decltype(derived.packed), nothing>) derived.packed.pack(parameters.weight);
    }
    template <class Parameters, class Memory, class Derived, class Input, class Output, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory&, const Derived& derived,
                                            rows<Input, Inputs> x, rows<Output, Outputs> y, const Run& run) {
      run.multiply(y, x, parameters.weight, derived.packed);
    }
    template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Input, class Output,
              class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory&, Adjoint&,
                                             const Derived&, rows<Input, Inputs> x, rows<Output, Outputs> dy,
                                             rows<Value, Inputs> dx, const Run& run) {
      run.accumulate_outer(gradients.weight, dy, x);
      run.multiply_transposed(dx, dy, parameters.weight);
    }
    /// Multiply-adds of `tokens` rows forward; backward costs twice that.
    static constexpr std::uint64_t multiply_adds(extent_t tokens) { return std::uint64_t{tokens} * Outputs * Inputs; }
  };
};

LACUNA_END
