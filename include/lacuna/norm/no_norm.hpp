#pragma once
/// No normalisation.

#include <lacuna/norm/slots.hpp>
#include <lacuna/op/evaluate.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

/// y = x: `(tokens, width) -> (tokens, width)`.
struct no_norm {
  using slot = slots::norm;
  static constexpr auto name = fixed_string("no_norm");

  template <extent_t Width>
  struct bound {
    template <class Role>
    struct parameters : no_tensors<no_norm> {};
    template <class Plan>
    struct memory {};
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters&) {}

    template <class Parameters, class Memory, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters&, Memory&, rows<Value, Width> x, rows<Value, Width> y,
                                            const Run& run) {
      op::evaluate(y, x, run.backend);
    }
    template <class Parameters, class Gradients, class Memory, class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters&, Gradients&, Memory&, rows<Value, Width>,
                                             rows<Value, Width> dy, rows<Value, Width> dx, const Run& run) {
      op::evaluate(dx, dx + dy, run.backend);
    }
  };
};

LACUNA_END
