#pragma once
/// What a projection of a running model is given: the data from which thresholds and predictors are fitted.

#include <lacuna/op/watch.hpp>

LACUNA_BEGIN

/// Watches the dense products with one weight, known by its address, and copies their inputs, and where there is room
/// for them their outputs, row by row until the room is full:
/// `input_recorder recorder(parameters.up.weight, inputs.view()); model.try_forward_watched(watched{model.backend(),
/// recorder}, tokens, each);`
/// Gated products (`thresholded` with a threshold above 0) are not dense: record first, set thresholds afterwards.
template <class Value, class Element, extent_t Outputs, extent_t Inputs>
struct input_recorder {
  const Element* weight;
  rows<Value, Inputs> inputs;
  rows<Value, Outputs> outputs{};
  extent_t recorded = 0;  ///< rows so far

  constexpr input_recorder(const tensor<Element, Outputs, Inputs>& of, rows<Value, Inputs> to,
                           rows<Value, Outputs> results_to = {}) noexcept
      : weight(of.data), inputs(to), outputs(results_to) {}

  template <class Backend, class Packed>
  constexpr void after(operation::multiply, ran_on<Backend>, const rows<Value, Outputs>& y,
                       const rows<const Value, Inputs>& x, const matrix<const Element, Outputs, Inputs>& by,
                       const Packed&) {
    if (by.data != weight) return;
    for (extent_t t = 0; t < x.count && recorded < inputs.count; ++t, ++recorded) {
      for (extent_t i = 0; i < Inputs; ++i) inputs(recorded, i) = x(t, i);
      if (recorded < outputs.count)
        for (extent_t o = 0; o < Outputs; ++o) outputs(recorded, o) = y(t, o);
    }
  }
  template <class Operation, class Backend, class... Arguments>
  constexpr void after(Operation, ran_on<Backend>, const Arguments&...) {}
};

LACUNA_END
