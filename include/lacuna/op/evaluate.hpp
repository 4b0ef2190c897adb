#pragma once
/// Elementwise work: one operation evaluates any lazy expression, one sums it over tokens.

#include <lacuna/op/backend.hpp>
#include <lacuna/tensor/one_run.hpp>

LACUNA_BEGIN

namespace detail {

/// The reference's loop over one long row.
template <class Value, class Run>
LACUNA_HD LACUNA_APART constexpr void evaluate_run(Value* y, const Run& run, extent_t count) noexcept {
  const auto row = run.template row<typename Run::value>(0);
  for (extent_t i = 0; i < count; ++i) y[i] = static_cast<Value>(row.at(one_column<typename Run::value>{i}));
}

}  // namespace detail

namespace operation {

/// y(t, c) = expression(t, c).
struct evaluate {
  static constexpr auto name = fixed_string("evaluate");
  template <class Y, class Node>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Y&, const Node&) noexcept {
    return 0;  // elementwise work is not counted as multiply-adds
  }
};
template <class Value, extent_t Columns, class Node>
LACUNA_HD constexpr auto kernel(evaluate, rows<Value, Columns> y, const Node& node, const reference&) {
  using run = detail::one_run<Node, Columns>;
  if constexpr (run::exists) {
    detail::evaluate_run(y.data, run::of(node), y.count * Columns);
  } else {
    for (extent_t t = 0; t < y.count; ++t) {
      const auto row = node.template row<typename Node::value>(t);
      for (extent_t c = 0; c < Columns; ++c) y(t, c) = static_cast<Value>(row.at(one_column<typename Node::value>{c}));
    }
  }
  return ran_on<reference>{};
}

/// y(c) += sum over t of expression(t, c).
struct sum_over_tokens {
  static constexpr auto name = fixed_string("sum_over_tokens");
  template <class Y, class Node>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Y&, const Node&, extent_t) noexcept {
    return 0;
  }
};
template <class Value, extent_t Columns, class Node>
LACUNA_HD constexpr auto kernel(sum_over_tokens, rows<Value, Columns> y, const Node& node, extent_t tokens,
                                const reference&) {
  for (extent_t t = 0; t < tokens; ++t) {
    const auto row = node.template row<typename Node::value>(t);
    for (extent_t c = 0; c < Columns; ++c) y(0, c) += static_cast<Value>(row.at(one_column<typename Node::value>{c}));
  }
  return ran_on<reference>{};
}

}  // namespace operation

namespace rules {
template <extent_t From, extent_t To>
struct expression_fits_its_destination {
  static_assert(From == To || From == 1,
                "lacuna::evaluate: the expression has another column count than its destination (make them equal)");
};
}  // namespace rules

namespace op {

/// y = expression, `(tokens, columns)`: one pass, no temporary. y may be an operand, since y(t, c) is written after
/// it was read; a row reduction over y itself is the exception, and is computed before the row is written.
template <class Value, extent_t Columns, class Node, class Backend>
LACUNA_HD constexpr auto evaluate(rows<Value, Columns> y, const Node& expression, const Backend& backend) {
  const auto node = lazy(expression);
  using node_type = std::remove_const_t<decltype(node)>;
  static_assert(__is_base_of(nothing, rules::expression_fits_its_destination<node_type::columns, Columns>) || true);
  return run_kernel(operation::evaluate{}, backend, y, node);
}

/// y(c) += sum over the first `tokens` rows of the expression: gradients of gains and biases.
template <class Value, extent_t Columns, class Node, class Backend>
LACUNA_HD constexpr auto sum_over_tokens(tensor<Value, Columns>& y, const Node& expression, extent_t tokens,
                                         const Backend& backend) {
  const auto node = lazy(expression);
  using node_type = std::remove_const_t<decltype(node)>;
  static_assert(__is_base_of(nothing, rules::expression_fits_its_destination<node_type::columns, Columns>) || true);
  return run_kernel(operation::sum_over_tokens{}, backend, rows<Value, Columns>(y.data, 1), node, tokens);
}

}  // namespace op

LACUNA_END
