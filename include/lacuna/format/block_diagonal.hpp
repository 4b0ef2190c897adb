#pragma once
/// A block-diagonal weight: every block of outputs reads a block of inputs of its own.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/format/slots.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct blocks_divide_the_weight {
  static_assert(Fine,
                "lacuna::block_diagonal: the blocks do not divide the outputs and the inputs of the weight (choose a "
                "number that divides both)");
};
}  // namespace rules

/// `Blocks` dense blocks along the diagonal: output block b reads input block b alone. `(tokens, inputs) ->
/// (tokens, outputs)`, 1 / Blocks of the dense product's multiply-adds; the blocks have to divide both sides. Path:
/// `weight` `(outputs, inputs / blocks)`. By itself it does not mix blocks: see `monarch` and `block_dense`.
/// Source: Dao et al. (2022), Monarch, arXiv 2204.00595, section 3.1.
template <extent_t Blocks>
struct block_diagonal {
  using slot = slots::format;
  static constexpr auto name = fixed_string("block_diagonal<") + decimal<Blocks>() + ">";

  template <extent_t Outputs, extent_t Inputs>
  struct bound {
    static constexpr bool divides =
        Blocks > 0 && Outputs % (Blocks == 0 ? 1 : Blocks) == 0 && Inputs % (Blocks == 0 ? 1 : Blocks) == 0;
    static_assert(__is_base_of(nothing, rules::blocks_divide_the_weight<divides>) || true);
    static constexpr extent_t blocks = divides ? Blocks : 1;

    template <class Role>
    struct parameters {
      typename Role::template tensor<Outputs, Inputs / blocks> weight;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("weight", s.weight...);
      }
    };
    template <class Plan>
    struct memory {};
    template <class Target>
    struct derived {
      typename Target::template packed_diagonal<Outputs, Inputs, blocks> packed{};
    };

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      if constexpr (!same<decltype(derived.packed), nothing>) derived.packed.pack(parameters.weight);
    }
    template <class Parameters, class Memory, class Derived, class Input, class Output, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory&, const Derived& derived,
                                            rows<Input, Inputs> x, rows<Output, Outputs> y, const Run& run) {
      run.template multiply_diagonal<blocks>(y, x, parameters.weight, derived.packed);
    }
    template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Input, class Output,
              class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory&, Adjoint&,
                                             const Derived&, rows<Input, Inputs> x, rows<Output, Outputs> dy,
                                             rows<Value, Inputs> dx, const Run& run) {
      run.template accumulate_diagonal<blocks>(gradients.weight, dy, x);
      run.template multiply_diagonal_transposed<blocks>(dx, dy, parameters.weight);
    }
    static constexpr std::uint64_t multiply_adds(extent_t tokens) {
      return std::uint64_t{tokens} * Outputs * (Inputs / blocks);
    }
  };
};

LACUNA_END
