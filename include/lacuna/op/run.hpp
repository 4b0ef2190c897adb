#pragma once
/// What a forward or backward is given: the run, and the data of a component in two bundles.

#include <lacuna/op/columns.hpp>
#include <lacuna/op/drop.hpp>
#include <lacuna/op/evaluate.hpp>
#include <lacuna/op/multiply.hpp>
#include <lacuna/op/multiply_active.hpp>
#include <lacuna/op/multiply_blocks.hpp>
#include <lacuna/op/multiply_diagonal.hpp>
#include <lacuna/op/multiply_quantized.hpp>
#include <lacuna/op/reorder.hpp>

LACUNA_BEGIN

/// A run: where its tokens stand in the stream, the backend, and what all layers share (plans, tables).
///
/// Its members are the entries that weight formats call: formats know no operation and no backend.
template <class Backend, class Shared>
struct run {
  extent_t first;  ///< position of the first token
  const Backend& backend;
  const Shared& shared;
  double loss_scale = 1;  ///< what backward multiplies the losses by that components carry themselves
  random_draws* draws = nullptr;  ///< what a forward draws that learns with dropout; none otherwise

  /// The key of the next place that draws, which leaves out so many of 65536; none where nothing is drawn.
  LACUNA_HD constexpr drop_key draw(std::uint32_t dropped) const {
    return draws == nullptr ? drop_key{} : drop_key{draws->seed, draws->stream, draws->next++, dropped};
  }
  /// y = x without what a key leaves out: see `op::drop`.
  template <class Y, class X>
  LACUNA_HD constexpr void drop(const Y& y, const X& x, const drop_key& key) const {
    op::drop(y, x, key, backend);
  }

  /// y = x W^T: see `op::multiply`.
  template <class Y, class X, class Weight, class Packed>
  LACUNA_HD constexpr void multiply(const Y& y, const X& x, const Weight& weight, const Packed& packed) const {
    op::multiply(y, x, weight, packed, backend);
  }
  /// dx += dy W: see `op::multiply_transposed`.
  template <class X, class Y, class Weight>
  LACUNA_HD constexpr void multiply_transposed(const X& dx, const Y& dy, const Weight& weight) const {
    op::multiply_transposed(dx, dy, weight, backend);
  }
  /// dW += dy^T x: see `op::accumulate_outer`.
  template <class Gradient, class Y, class X>
  LACUNA_HD constexpr void accumulate_outer(Gradient& gradient, const Y& dy, const X& x) const {
    op::accumulate_outer(gradient, dy, x, backend);
  }
  /// y = x W^T, W block-diagonal: see `op::multiply_diagonal`.
  template <extent_t Blocks, class Y, class X, class Weight, class Packed>
  LACUNA_HD constexpr void multiply_diagonal(const Y& y, const X& x, const Weight& weight, const Packed& packed) const {
    op::multiply_diagonal<Blocks>(y, x, weight, packed, backend);
  }
  /// dx += dy W, W block-diagonal: see `op::multiply_diagonal_transposed`.
  template <extent_t Blocks, class X, class Y, class Weight>
  LACUNA_HD constexpr void multiply_diagonal_transposed(const X& dx, const Y& dy, const Weight& weight) const {
    op::multiply_diagonal_transposed<Blocks>(dx, dy, weight, backend);
  }
  /// dW += dy^T x inside the blocks: see `op::accumulate_diagonal`.
  template <extent_t Blocks, class Gradient, class Y, class X>
  LACUNA_HD constexpr void accumulate_diagonal(Gradient& gradient, const Y& dy, const X& x) const {
    op::accumulate_diagonal<Blocks>(gradient, dy, x, backend);
  }
  /// y = some columns of x: see `op::copy_columns`.
  template <class Y, class X>
  LACUNA_HD constexpr void copy_columns(const Y& y, const X& x, extent_t from) const {
    op::copy_columns(y, x, from, backend);
  }
  /// Some columns of y += x: see `op::add_columns`.
  template <class Y, class X>
  LACUNA_HD constexpr void add_columns(const Y& y, const X& x, extent_t from) const {
    op::add_columns(y, x, from, backend);
  }
  /// y = columns of x in another order: see `op::reorder`.
  template <class Y, class X, class Order>
  LACUNA_HD constexpr void reorder(const Y& y, const X& x, const Order& order) const {
    op::reorder(y, x, order, backend);
  }
  /// dx += columns of dy put back: see `op::reorder_backward`.
  template <class X, class Y, class Order>
  LACUNA_HD constexpr void reorder_backward(const X& dx, const Y& dy, const Order& order) const {
    op::reorder_backward(dx, dy, order, backend);
  }
  /// y = x W^T, W in blocks: see `op::multiply_blocks`.
  template <class Y, class X, class Weight, class Packed>
  LACUNA_HD constexpr void multiply_blocks(const Y& y, const X& x, const Weight& weight, const Packed& packed) const {
    op::multiply_blocks(y, x, weight, packed, backend);
  }
  /// dx += dy W, W in blocks: see `op::multiply_blocks_transposed`.
  template <class X, class Y, class Weight, class Packed>
  LACUNA_HD constexpr void multiply_blocks_transposed(const X& dx, const Y& dy, const Weight& weight,
                                                      const Packed& packed) const {
    op::multiply_blocks_transposed(dx, dy, weight, packed, backend);
  }
  /// dW += dy^T x at the stored blocks: see `op::accumulate_blocks`.
  template <class Gradient, class Y, class X>
  LACUNA_HD constexpr void accumulate_blocks(const Gradient& gradient, const Y& dy, const X& x) const {
    op::accumulate_blocks(gradient, dy, x, backend);
  }
  /// Rows of eight bits: see `op::quantize_rows`.
  template <class Y, class X>
  LACUNA_HD constexpr void quantize_rows(const Y& y, const X& x) const {
    op::quantize_rows(y, x, backend);
  }
  /// y = x W^T, W in eight bits: see `op::multiply_quantized`.
  template <class Y, class X, class Weight>
  LACUNA_HD constexpr void multiply_quantized(const Y& y, const X& x, const Weight& weight) const {
    op::multiply_quantized(y, x, weight, backend);
  }
  /// y = x W^T, both in eight bits: see `op::multiply_integers`.
  template <class Y, class X, class Weight>
  LACUNA_HD constexpr void multiply_integers(const Y& y, const X& x, const Weight& weight) const {
    op::multiply_integers(y, x, weight, backend);
  }
  /// dx += dy W, W in eight bits: see `op::multiply_quantized_transposed`.
  template <class X, class Y, class Weight>
  LACUNA_HD constexpr void multiply_quantized_transposed(const X& dx, const Y& dy, const Weight& weight) const {
    op::multiply_quantized_transposed(dx, dy, weight, backend);
  }
  /// The gradient of the scales: see `op::accumulate_scales`.
  template <class Gradient, class Y, class X, class Weight>
  LACUNA_HD constexpr void accumulate_scales(Gradient& gradient, const Y& dy, const X& x, const Weight& weight) const {
    op::accumulate_scales(gradient, dy, x, weight, backend);
  }
  /// Lists of active columns: see `op::find_active`.
  template <class Lists, class X, class Rule>
  LACUNA_HD constexpr void find_active(const Lists& lists, const X& x, const Rule& rule) const {
    op::find_active(lists, x, rule, backend);
  }
  /// y = W x over the inputs in lists: see `op::multiply_some_inputs`.
  template <class Y, class X, class Weight, class Lists>
  LACUNA_HD constexpr void multiply_some_inputs(const Y& y, const X& x, const Weight& weight,
                                                const Lists& lists) const {
    op::multiply_some_inputs(y, x, weight, lists, backend);
  }
  /// dx += dy W over the inputs in lists: see `op::multiply_some_inputs_transposed`.
  template <class X, class Y, class Weight, class Lists>
  LACUNA_HD constexpr void multiply_some_inputs_transposed(const X& dx, const Y& dy, const Weight& weight,
                                                           const Lists& lists) const {
    op::multiply_some_inputs_transposed(dx, dy, weight, lists, backend);
  }
  /// dW += dy^T x over the inputs in lists: see `op::accumulate_some_inputs`.
  template <class Gradient, class Y, class X, class Lists>
  LACUNA_HD constexpr void accumulate_some_inputs(Gradient& gradient, const Y& dy, const X& x,
                                                  const Lists& lists) const {
    op::accumulate_some_inputs(gradient, dy, x, lists, backend);
  }
  /// y = expression: see `op::evaluate`.
  template <class Y, class Node>
  LACUNA_HD constexpr void evaluate(const Y& y, const Node& expression) const {
    op::evaluate(y, expression, backend);
  }
  /// y += the sum of an expression's rows: see `op::sum_over_tokens`.
  template <class Y, class Node>
  LACUNA_HD constexpr void sum_over_tokens(Y& y, const Node& expression, extent_t tokens) const {
    op::sum_over_tokens(y, expression, tokens, backend);
  }
};

/// The data a component reads and writes in forward.
template <class Parameters, class State, class Memory, class Derived>
struct values {
  const Parameters& parameters;
  State& state;
  Memory& memory;
  const Derived& derived;
};
/// The data it writes in backward: gradients accumulate.
template <class Gradients, class StateAdjoint, class MemoryAdjoint>
struct adjoints {
  Gradients& gradients;
  StateAdjoint& state;
  MemoryAdjoint& memory;
};
template <class Parameters, class State, class Memory, class Derived>
values(const Parameters&, State&, Memory&, const Derived&) -> values<Parameters, State, Memory, Derived>;
template <class Gradients, class StateAdjoint, class MemoryAdjoint>
adjoints(Gradients&, StateAdjoint&, MemoryAdjoint&) -> adjoints<Gradients, StateAdjoint, MemoryAdjoint>;

LACUNA_END
