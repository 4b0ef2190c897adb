#pragma once
/// A structured weight that is multiplied out beforehand where that is faster.

#include <lacuna/format/dense.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct cached_weight_is_linear {
  static_assert(Fine, "lacuna::cached: its format is no linear map, which could be multiplied out (use it by itself)");
};
}  // namespace rules

/// The weight `Weight`, and beside it the dense one that it stands for, as derived data: passes of at most `Tokens`
/// tokens read that, longer ones the factors; 0, the default, means all passes. `cached<monarch<4>, 16>`: `(tokens,
/// inputs) -> (tokens, outputs)`. Files and gradients are those of `Weight`, paths too; a model that learns never reads
/// the dense one, and its results differ from those of inference by rounding. `update()` multiplies out, on the
/// reference: as much work as `inputs` tokens. Source: Wei et al. (2024), arXiv 2406.16450 (pre-merge).
template <class Weight, extent_t Tokens = 0>
struct cached {
  using slot = slots::format;
  static_assert(__is_base_of(nothing, rules::cached_weight_is_linear<is_linear<checked<Weight, slots::format>>>) ||
                true);
  using weight_format =
      std::conditional_t<is_linear<checked<Weight, slots::format>>, checked<Weight, slots::format>, dense>;
  using parts = type_list<Weight>;
  template <class New>
  using rebuild = cached<New, Tokens>;
  static constexpr auto name = [] {
    if constexpr (Tokens == 0)
      return fixed_string("cached<") + weight_format::name + ">";
    else
      return fixed_string("cached<") + weight_format::name + ", " + decimal<Tokens>() + ">";
  }();

  template <extent_t Outputs, extent_t Inputs>
  struct bound {
    using map = typename weight_format::template bound<Outputs, Inputs>;

    template <class Role>
    using parameters = typename map::template parameters<Role>;
    template <class Plan>
    struct memory {
      static constexpr bool keeps = Plan::keeps;
      LACUNA_NO_ADDRESS typename map::template memory<Plan> weight;
    };
    template <class Target>
    struct derived {
      using target = Target;
      typename map::template derived<Target> weight;
      tensor<typename Target::weight, Outputs, Inputs> merged;
      typename Target::template packed<Outputs, Inputs> packed{};
      typename Target::template multiplied_out<map, Outputs, Inputs> scratch;
    };

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      map::refresh(parameters, derived.weight);
      derived.scratch.multiply_out(parameters, derived.merged);
      if constexpr (!same<decltype(derived.packed), nothing>) derived.packed.pack(derived.merged);
    }
    template <class Parameters, class Memory, class Derived, class Input, class Output, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory& memory, const Derived& derived,
                                            rows<Input, Inputs> x, rows<Output, Outputs> y, const Run& run) {
      if (!Memory::keeps && reads_merged(x.count))
        run.multiply(y, x, derived.merged, derived.packed);
      else
        map::forward(parameters, memory.weight, derived.weight, x, y, run);
    }
    template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Input, class Output,
              class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory& memory,
                                             Adjoint& adjoint, const Derived& derived, rows<Input, Inputs> x,
                                             rows<Output, Outputs> dy, rows<Value, Inputs> dx, const Run& run) {
      map::backward(parameters, gradients, memory.weight, adjoint.weight, derived.weight, x, dy, dx, run);
    }
    /// Of inference.
    static constexpr std::uint64_t multiply_adds(extent_t tokens) {
      return reads_merged(tokens) ? std::uint64_t{tokens} * Outputs * Inputs : map::multiply_adds(tokens);
    }

   private:
    LACUNA_HD static constexpr bool reads_merged(extent_t tokens) noexcept { return Tokens == 0 || tokens <= Tokens; }
  };
};

LACUNA_END
