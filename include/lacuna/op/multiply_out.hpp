#pragma once
/// The dense weight that a format stands for.

#include <lacuna/op/run.hpp>

LACUNA_BEGIN

/// Room to multiply a weight out on the reference. `Map` is a bound format.
template <class Map, extent_t Outputs, extent_t Inputs, class Weight, class Value>
struct multiplied_out_on_reference {
  typename Map::template memory<reuse<Value, 1>> memory;
  typename Map::template derived<target<Weight, Value, reference>> derived;
  tensor<Value, 1, Inputs> input;
  tensor<Value, 1, Outputs> column;

  /// `to(o, i)` = what input i alone gives at output o. As much work as `Inputs` tokens.
  template <class Parameters, class Element>
  LACUNA_HD constexpr void multiply_out(const Parameters& parameters, tensor<Element, Outputs, Inputs>& to) {
    const reference backend;
    const nothing shared;
    const run<reference, nothing> on{0, backend, shared};
    Map::refresh(parameters, derived);
    for (extent_t i = 0; i < Inputs; ++i) {
      input[i] = 1;
      Map::forward(parameters, memory, derived, input.first(1), column.first(1), on);
      input[i] = 0;
      for (extent_t o = 0; o < Outputs; ++o) to[o * Inputs + i] = static_cast<Element>(column[o]);
    }
  }
};

LACUNA_END
