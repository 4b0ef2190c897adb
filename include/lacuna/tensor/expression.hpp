#pragma once
/// Lazy elementwise expressions over `(tokens, columns)`, with broadcasting and fused row reductions.
///
/// `evaluate(y, x + map<silu>(g) * u)` runs one loop and makes no temporary. A row vector (one value per column)
/// broadcasts over tokens, a column (one value per token) over columns, a scalar over both. A reduction over columns
/// is computed once per row, before the row's loop. Nodes are held by value, data by pointer; operators and `lazy` make
/// them.
///
/// Protocol of a node: `is_expression`, `value`, `columns` (1 broadcasts), and `row<Lane>(token)`, which returns an
/// evaluator with `at(step)`; `Lane` is `value` or a type of several lanes, and a step (tensor/lane.hpp) says where the
/// loop stands.

#include <lacuna/core/lane_maths.hpp>
#include <lacuna/tensor/lane.hpp>
#include <lacuna/tensor/tensor.hpp>

LACUNA_BEGIN

/// A node: a type that says so, by `is_expression`. No base class: a node and its operand would share it, and no two
/// bases of one type may lie at one address, so that nodes had holes, which g++ 12 copied through memory.
template <class Type>
concept Expression = requires { std::remove_cvref_t<Type>::is_expression; };

namespace rules {
template <extent_t Left, extent_t Right>
struct operands_fit {
  static constexpr bool fine = Left == Right || Left == 1 || Right == 1;
  static_assert(fine,
                "lacuna::expression: two operands have different column counts (make them equal, or 1 to broadcast)");
};
}  // namespace rules

namespace detail {

/// Evaluator of one row of data.
template <class Element, extent_t Columns>
struct stored_row {
  const Element* data;
  template <class Step>
  LACUNA_HD LACUNA_INLINE constexpr auto at(Step step) const noexcept {
    if constexpr (Columns == 1)
      return step.broadcast(widen(data[0]));
    else
      return step.load(data);
  }
};
/// Evaluator of a row that has one value in all columns: it was computed before the row's loop.
template <class Value>
struct uniform_row {
  Value number;
  template <class Step>
  LACUNA_HD LACUNA_INLINE constexpr auto at(Step step) const noexcept {
    return step.broadcast(number);
  }
};

/// Columns of the result; 1 after a complaint, which fits everywhere.
template <extent_t Left, extent_t Right>
constexpr extent_t broadcast_columns() {
  return Left == Right || Right == 1 ? Left : Left == 1 ? Right : 1;
}

}  // namespace detail

/// Leaf: the elements of a view, `(tokens, columns)`.
template <class Element, extent_t Columns>
struct view_leaf {
  static constexpr bool is_expression = true;
  using value = compute_t<Element>;
  static constexpr extent_t columns = Columns;
  rows<const Element, Columns> view;

  template <class Lane>
  LACUNA_HD LACUNA_INLINE constexpr detail::stored_row<Element, Columns> row(extent_t token) const noexcept {
    return {view.row(token)};
  }
};

/// Leaf: one value per column, the same for every token.
template <class Element, extent_t Columns>
struct vector_leaf {
  static constexpr bool is_expression = true;
  using value = compute_t<Element>;
  static constexpr extent_t columns = Columns;
  const Element* data;

  template <class Lane>
  LACUNA_HD LACUNA_INLINE constexpr detail::stored_row<Element, Columns> row(extent_t) const noexcept {
    return {data};
  }
};

/// Leaf: one number.
template <class Value>
struct scalar_leaf {
  static constexpr bool is_expression = true;
  using value = Value;
  static constexpr extent_t columns = 1;
  Value number;

  template <class Lane>
  LACUNA_HD LACUNA_INLINE constexpr detail::uniform_row<Value> row(extent_t) const noexcept {
    return {number};
  }
};

/// Node: `Function::apply` of the operands' values, elementwise.
template <class Function, class... Operands>
struct map_node;
template <class Function, class Operand>
struct map_node<Function, Operand> {
  static constexpr bool is_expression = true;
  using value = typename Operand::value;
  static constexpr extent_t columns = Operand::columns;
  Operand operand;

  template <class Inner>
  struct evaluator {
    Inner inner;
    template <class Step>
    LACUNA_HD LACUNA_INLINE constexpr auto at(Step step) const noexcept {
      return Function::apply(inner.at(step));
    }
  };
  template <class Lane>
  LACUNA_HD LACUNA_INLINE constexpr auto row(extent_t token) const noexcept {
    // Built in place: g++ keeps a copied evaluator in memory.
    if constexpr (columns == 1)
      return detail::uniform_row<value>{Function::apply(operand.template row<Lane>(token).at(one_column<value>{0}))};
    else
      return evaluator<decltype(operand.template row<Lane>(token))>{operand.template row<Lane>(token)};
  }
};
template <class Function, class Left, class Right>
struct map_node<Function, Left, Right> {
  static constexpr bool is_expression = true;
  using value = decltype(typename Left::value{} + typename Right::value{});
  static_assert(__is_base_of(nothing, rules::operands_fit<Left::columns, Right::columns>) || true);
  static constexpr extent_t columns = detail::broadcast_columns<Left::columns, Right::columns>();
  Left left;
  Right right;

  template <class LeftInner, class RightInner>
  struct evaluator {
    LeftInner l;
    RightInner r;
    template <class Step>
    LACUNA_HD LACUNA_INLINE constexpr auto at(Step step) const noexcept {
      return Function::apply(l.at(step), r.at(step));
    }
  };
  template <class Lane>
  LACUNA_HD LACUNA_INLINE constexpr auto row(extent_t token) const noexcept {
    if constexpr (columns == 1)
      return detail::uniform_row<value>{Function::apply(left.template row<Lane>(token).at(one_column<value>{0}),
                                                        right.template row<Lane>(token).at(one_column<value>{0}))};
    else
      return evaluator<decltype(left.template row<Lane>(token)), decltype(right.template row<Lane>(token))>{
          left.template row<Lane>(token), right.template row<Lane>(token)};
  }
};

namespace detail {

template <class Function, class Value, extent_t Columns, class Evaluator>
LACUNA_HD constexpr Value reduce_columns(const Evaluator& row) noexcept {
  Value result = row.at(one_column<Value>{0});
  for (extent_t c = 1; c < Columns; ++c) result = Function::combine(result, row.at(one_column<Value>{c}));
  return result;
}

/// Four registers of results, so that one waits for another as little as can be.
template <class Function, class Lanes, extent_t Columns, class Evaluator>
LACUNA_INLINE typename Lanes::element reduce_lanes(const Evaluator& row) noexcept {
  constexpr extent_t lanes = Lanes::lane_count, whole = Columns / lanes, left = Columns % lanes;
  constexpr extent_t registers = whole < 4 ? whole : 4;
  const Lanes neutral(Function::template neutral<typename Lanes::element>());
  const auto part = [&] { return first_lanes(left, row.at(part_lanes<Lanes>{whole * lanes, left}), neutral); };
  if constexpr (whole == 0) {
    return Function::across(part());
  } else {
    Lanes results[registers];
    for (extent_t r = 0; r < registers; ++r) results[r] = row.at(whole_lanes<Lanes>{r * lanes});
    extent_t c = registers;
    for (; c + registers <= whole; c += registers)
      for (extent_t r = 0; r < registers; ++r)
        results[r] = Function::combine(results[r], row.at(whole_lanes<Lanes>{(c + r) * lanes}));
    for (extent_t r = 0; c + r < whole; ++r)
      results[r] = Function::combine(results[r], row.at(whole_lanes<Lanes>{(c + r) * lanes}));
    if constexpr (left != 0) results[registers - 1] = Function::combine(results[registers - 1], part());
    if constexpr (registers > 2) results[1] = Function::combine(results[1], results[2]);
    if constexpr (registers > 3) results[0] = Function::combine(results[0], results[3]);
    if constexpr (registers > 1) results[0] = Function::combine(results[0], results[1]);
    return Function::across(results[0]);
  }
}

}  // namespace detail

/// Node: a reduction over the columns of one row; a column of one value per token.
template <class Function, class Operand>
struct reduce_node {
  static constexpr bool is_expression = true;
  using value = typename Operand::value;
  static constexpr extent_t columns = 1;
  Operand operand;

  template <class Lane>
  LACUNA_HD LACUNA_INLINE constexpr detail::uniform_row<value> row(extent_t token) const noexcept {
    const auto inner = operand.template row<Lane>(token);
    if constexpr (maths::Lanes<Lane>)
      return {
          Function::template finish<Operand::columns>(detail::reduce_lanes<Function, Lane, Operand::columns>(inner))};
    else
      return {Function::template finish<Operand::columns>(
          detail::reduce_columns<Function, value, Operand::columns>(inner))};
  }
};

namespace elementwise {

struct add {
  template <class V>
  LACUNA_HD LACUNA_INLINE static constexpr V apply(V a, V b) noexcept {
    return a + b;
  }
};
struct subtract {
  template <class V>
  LACUNA_HD LACUNA_INLINE static constexpr V apply(V a, V b) noexcept {
    return a - b;
  }
};
struct multiply {
  template <class V>
  LACUNA_HD LACUNA_INLINE static constexpr V apply(V a, V b) noexcept {
    return a * b;
  }
};
struct divide {
  template <class V>
  LACUNA_HD LACUNA_INLINE static constexpr V apply(V a, V b) noexcept {
    return a / b;
  }
};
struct negate {
  template <class V>
  LACUNA_HD LACUNA_INLINE static constexpr V apply(V a) noexcept {
    return -a;
  }
};
struct inverse_root {
  template <class V>
  LACUNA_HD LACUNA_INLINE static constexpr V apply(V a) noexcept {
    return V(1) / maths::sqrt(a);
  }
};
struct exponential {
  template <class V>
  LACUNA_HD LACUNA_INLINE static constexpr V apply(V a) noexcept {
    return maths::exp(a);
  }
};
/// The first where the second is not 0, and 0 elsewhere.
struct keep_where_nonzero {
  template <class V>
  LACUNA_HD LACUNA_INLINE static constexpr V apply(V a, V by) noexcept {
    return maths::where(maths::less(V(0), maths::absolute(by)), a, V(0));
  }
};
/// Reductions: `combine` two results, a `neutral` one, the lanes of one result `across`, and what is done to the last.
struct sum {
  template <class V>
  LACUNA_HD LACUNA_INLINE static constexpr V combine(V a, V b) noexcept {
    return a + b;
  }
  template <class V>
  LACUNA_HD static constexpr V neutral() noexcept {
    return V(0);
  }
  template <class V>
  LACUNA_INLINE static auto across(V lanes) noexcept {
    return sum_of(lanes);
  }
  template <extent_t>
  LACUNA_HD static constexpr auto finish(auto total) noexcept {
    return total;
  }
};
struct mean : sum {
  template <extent_t Columns>
  LACUNA_HD static constexpr auto finish(auto total) noexcept {
    return total / static_cast<decltype(total)>(Columns);
  }
};
struct maximum {
  template <class V>
  LACUNA_HD LACUNA_INLINE static constexpr V combine(V a, V b) noexcept {
    return maths::larger(a, b);
  }
  template <class V>
  LACUNA_HD static constexpr V neutral() noexcept {
    return -maths::infinity<V>();
  }
  template <class V>
  LACUNA_INLINE static auto across(V lanes) noexcept {
    return largest_of(lanes);
  }
  template <extent_t>
  LACUNA_HD static constexpr auto finish(auto largest) noexcept {
    return largest;
  }
};

/// An activation policy's value or derivative as a node function. One that does not say `lane_wise` is applied lane by
/// lane.
template <class Activation>
struct value_of {
  template <class V>
  LACUNA_HD LACUNA_INLINE static constexpr V apply(V a) noexcept {
    if constexpr (maths::Lanes<V> && !maths::lane_wise<Activation>)
      return each_lane(a, [](auto x) { return Activation::value(x); });
    else
      return Activation::value(a);
  }
};
template <class Activation>
struct derivative_of {
  template <class V>
  LACUNA_HD LACUNA_INLINE static constexpr V apply(V a) noexcept {
    if constexpr (maths::Lanes<V> && !maths::lane_wise<Activation>)
      return each_lane(a, [](auto x) { return Activation::derivative(x); });
    else
      return Activation::derivative(a);
  }
};

}  // namespace elementwise

/// Anything that may stand in an expression, as a node.
template <class Element, extent_t Columns>
LACUNA_HD constexpr auto lazy(const rows<Element, Columns>& view) noexcept {
  return view_leaf<std::remove_const_t<Element>, Columns>{readable(view)};
}
template <class Element, extent_t Columns>
LACUNA_HD constexpr auto lazy(const tensor<Element, Columns>& vector) noexcept {
  return vector_leaf<Element, Columns>{vector.data};
}
template <class Number>
  requires std::is_arithmetic_v<Number>
LACUNA_HD constexpr auto lazy(Number number) noexcept {
  return scalar_leaf<Number>{number};
}
template <Expression Node>
LACUNA_HD constexpr Node lazy(const Node& node) noexcept {
  return node;
}

template <class>
inline constexpr bool is_lazy_leaf = false;
template <class Element, extent_t Columns>
inline constexpr bool is_lazy_leaf<rows<Element, Columns>> = true;
template <class Element, extent_t Columns>
inline constexpr bool is_lazy_leaf<tensor<Element, Columns>> = true;

/// What the operators accept: a node, a view or a one-dimensional tensor; the other side may be a number.
template <class Type>
concept Operand = Expression<Type> || is_lazy_leaf<std::remove_cvref_t<Type>>;
template <class Left, class Right>
concept OperandPair = (Operand<Left> && Operand<Right>) || (Operand<Left> && std::is_arithmetic_v<Right>) ||
                      (std::is_arithmetic_v<Left> && Operand<Right>);

namespace detail {

/// A number beside an expression takes the expression's type, so that `x * 0.5` stays f32.
template <class Other, class Type>
LACUNA_HD constexpr auto lazy_beside(const Type& of) noexcept {
  if constexpr (std::is_arithmetic_v<Type>) {
    using value = typename decltype(lazy(std::declval<const Other&>()))::value;
    return scalar_leaf<value>{static_cast<value>(of)};
  } else {
    return lazy(of);
  }
}

// Nodes are taken as they are: a function less to compile for each of them.
template <class Function, class Left, class Right>
LACUNA_HD constexpr auto binary(const Left& left, const Right& right) noexcept {
  if constexpr (Expression<Left> && Expression<Right>) {
    return map_node<Function, Left, Right>{left, right};
  } else {
    const auto l = lazy_beside<Right>(left);
    const auto r = lazy_beside<Left>(right);
    return map_node<Function, std::remove_const_t<decltype(l)>, std::remove_const_t<decltype(r)>>{l, r};
  }
}
template <class Function, class Only>
LACUNA_HD constexpr auto unary(const Only& only) noexcept {
  const auto node = lazy(only);
  return map_node<Function, std::remove_const_t<decltype(node)>>{node};
}
template <class Function, class Only>
LACUNA_HD constexpr auto reduction(const Only& only) noexcept {
  const auto node = lazy(only);
  return reduce_node<Function, std::remove_const_t<decltype(node)>>{node};
}

}  // namespace detail

template <class Left, class Right>
  requires OperandPair<Left, Right>
LACUNA_HD constexpr auto operator+(const Left& left, const Right& right) noexcept {
  return detail::binary<elementwise::add>(left, right);
}
template <class Left, class Right>
  requires OperandPair<Left, Right>
LACUNA_HD constexpr auto operator-(const Left& left, const Right& right) noexcept {
  return detail::binary<elementwise::subtract>(left, right);
}
template <class Left, class Right>
  requires OperandPair<Left, Right>
LACUNA_HD constexpr auto operator*(const Left& left, const Right& right) noexcept {
  return detail::binary<elementwise::multiply>(left, right);
}
template <class Left, class Right>
  requires OperandPair<Left, Right>
LACUNA_HD constexpr auto operator/(const Left& left, const Right& right) noexcept {
  return detail::binary<elementwise::divide>(left, right);
}
template <Operand Only>
LACUNA_HD constexpr auto operator-(const Only& only) noexcept {
  return detail::unary<elementwise::negate>(only);
}

/// `1 / sqrt(e)`, elementwise.
template <Operand Only>
LACUNA_HD constexpr auto inverse_root(const Only& only) noexcept {
  return detail::unary<elementwise::inverse_root>(only);
}
/// `e^x`, elementwise.
template <Operand Only>
LACUNA_HD constexpr auto exponential(const Only& only) noexcept {
  return detail::unary<elementwise::exponential>(only);
}
/// `e` where `by` is not 0, and 0 elsewhere.
template <Operand Left, Operand Right>
LACUNA_HD constexpr auto where_nonzero(const Left& e, const Right& by) noexcept {
  return detail::binary<elementwise::keep_where_nonzero>(e, by);
}
/// An activation policy applied elementwise: `map<silu>(g)`.
template <class Activation, Operand Only>
LACUNA_HD constexpr auto map(const Only& only) noexcept {
  return detail::unary<elementwise::value_of<Activation>>(only);
}
/// An activation policy's derivative, elementwise.
template <class Activation, Operand Only>
LACUNA_HD constexpr auto map_derivative(const Only& only) noexcept {
  return detail::unary<elementwise::derivative_of<Activation>>(only);
}
/// Sum over the columns of each row: `(tokens, columns) -> (tokens, 1)`.
template <Operand Only>
LACUNA_HD constexpr auto row_sum(const Only& only) noexcept {
  return detail::reduction<elementwise::sum>(only);
}
/// Mean over the columns of each row: `(tokens, columns) -> (tokens, 1)`.
template <Operand Only>
LACUNA_HD constexpr auto row_mean(const Only& only) noexcept {
  return detail::reduction<elementwise::mean>(only);
}
/// Largest value of each row: `(tokens, columns) -> (tokens, 1)`.
template <Operand Only>
LACUNA_HD constexpr auto row_maximum(const Only& only) noexcept {
  return detail::reduction<elementwise::maximum>(only);
}

LACUNA_END
