#pragma once
/// The adapter through which a component applies any activation: elementwise, or with rows and parameters of its own.

#include <lacuna/activation/slots.hpp>
#include <lacuna/op/evaluate.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

/// An activation on rows of `Width` columns: `(tokens, width) -> (tokens, width)`.
///
/// What an activation's own `bound<Width>` offers is what stands here:
/// - `forward(parameters, memory, x, y, run)`: y may be the same rows as x, so that nothing but y is written after x
///   was read;
/// - `backward(parameters, gradients, memory, x, y, d, run)`: x and y as in forward; d comes as the adjoint of y and
///   leaves as the adjoint of x. Gradients accumulate;
/// - `initialise(parameters)`: what fresh parameters are.
///
/// This is the elementwise kind: no parameters, no memory, one pass.
template <class Activation, extent_t Width>
struct applied_activation {
  template <class Role>
  struct parameters : no_tensors<applied_activation> {};
  template <class Plan>
  struct memory {};

  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters&) {}
  template <class Parameters, class Memory, class Value, class Run>
  LACUNA_HD static constexpr void forward(const Parameters&, Memory&, rows<Value, Width> x, rows<Value, Width> y,
                                          const Run& run) {
    op::evaluate(y, map<Activation>(x), run.backend);
  }
  template <class Parameters, class Gradients, class Memory, class Value, class Run>
  LACUNA_HD static constexpr void backward(const Parameters&, Gradients&, Memory&, rows<Value, Width> x,
                                           rows<Value, Width>, rows<Value, Width> d, const Run& run) {
    op::evaluate(d, d * map_derivative<Activation>(x), run.backend);
  }
};

/// The kind that has a `bound<Width>`.
template <RowActivation Activation, extent_t Width>
struct applied_activation<Activation, Width> : Activation::template bound<Width> {};

LACUNA_END
