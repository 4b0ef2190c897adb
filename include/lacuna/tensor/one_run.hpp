#pragma once
/// Expressions over whole rows of one width, as one long row: what is computed does not depend on where rows end, so
/// that models of many widths share the loop.

#include <lacuna/tensor/expression.hpp>

LACUNA_BEGIN

namespace detail {

/// In the place of a column count: it comes at run time.
inline constexpr extent_t any_columns = ~extent_t{0};

/// What a node over rows of so many columns is as one long row: `type`, and `of(node)`, where all its operands are
/// views of that width, or numbers.
template <class Node, extent_t Columns>
struct one_run {
  static constexpr bool exists = false;
};
template <class Element, extent_t Columns>
struct one_run<view_leaf<Element, Columns>, Columns> {
  static constexpr bool exists = true;
  using type = view_leaf<Element, any_columns>;
  LACUNA_HD static constexpr type of(const view_leaf<Element, Columns>& leaf) noexcept {
    return {{leaf.view.data, 1}};
  }
};
template <class Value, extent_t Columns>
struct one_run<scalar_leaf<Value>, Columns> {
  static constexpr bool exists = true;
  using type = scalar_leaf<Value>;
  LACUNA_HD static constexpr type of(const scalar_leaf<Value>& leaf) noexcept { return leaf; }
};
template <class Function, class Operand, extent_t Columns>
  requires(one_run<Operand, Columns>::exists)
struct one_run<map_node<Function, Operand>, Columns> {
  using inner = one_run<Operand, Columns>;
  static constexpr bool exists = true;
  using type = map_node<Function, typename inner::type>;
  LACUNA_HD static constexpr type of(const map_node<Function, Operand>& node) noexcept {
    return {inner::of(node.operand)};
  }
};
template <class Function, class Left, class Right, extent_t Columns>
  requires(one_run<Left, Columns>::exists && one_run<Right, Columns>::exists)
struct one_run<map_node<Function, Left, Right>, Columns> {
  using left = one_run<Left, Columns>;
  using right = one_run<Right, Columns>;
  static constexpr bool exists = true;
  using type = map_node<Function, typename left::type, typename right::type>;
  LACUNA_HD static constexpr type of(const map_node<Function, Left, Right>& node) noexcept {
    return {left::of(node.left), right::of(node.right)};
  }
};

}  // namespace detail

LACUNA_END
