#pragma once
/// Products by Eigen: one matrix-vector product per token, so that nothing is allocated. Weights in bf16 and f16 are
/// widened a few rows at a time.

#include <Eigen/Core>
#include <lacuna/op/multiply.hpp>

LACUNA_BEGIN

namespace detail {

template <class Element>
auto eigen_matrix(Element* data, extent_t outputs, extent_t inputs) {
  using plain = std::remove_const_t<Element>;
  using dynamic = Eigen::Matrix<plain, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using mapped = std::conditional_t<std::is_const_v<Element>, const dynamic, dynamic>;
  return Eigen::Map<mapped>(data, static_cast<Eigen::Index>(outputs), static_cast<Eigen::Index>(inputs));
}
template <class Element>
auto eigen_vector(Element* data, extent_t columns) {
  using plain = std::remove_const_t<Element>;
  using vector = Eigen::Matrix<plain, Eigen::Dynamic, 1>;
  using mapped = std::conditional_t<std::is_const_v<Element>, const vector, vector>;
  return Eigen::Map<mapped>(data, static_cast<Eigen::Index>(columns));
}

/// Calls `f(first output, outputs, their rows as Value)` for all rows of a weight; a narrow weight a few at a time.
template <class Value, class Element, extent_t Outputs, extent_t Inputs, class Function>
void for_rows_as(matrix<const Element, Outputs, Inputs> weight, Function&& f) {
  if constexpr (same<Element, Value>) {
    f(extent_t{0}, Outputs, weight.data);
  } else {
    constexpr extent_t fitting = 2048 / Inputs, some = fitting < 1 ? 1 : fitting < Outputs ? fitting : Outputs;
    Value widened[some * Inputs];
    for (extent_t first = 0; first < Outputs; first += some) {
      const extent_t count = Outputs - first < some ? Outputs - first : some;
      const Element* from = weight.row(first);
      for (extent_t i = 0; i < count * Inputs; ++i) widened[i] = static_cast<Value>(widen(from[i]));
      f(first, count, static_cast<const Value*>(widened));
    }
  }
}

}  // namespace detail

namespace operation {

/// y = x W^T for f32 and f64, weights in any element that is computed so: see `op::multiply`.
template <class Value, class Element, extent_t Outputs, extent_t Inputs, class Packed>
  requires(std::is_floating_point_v<Value> && same<compute_t<Element>, Value>)
auto kernel(multiply, rows<Value, Outputs> y, rows<const Value, Inputs> x,
            matrix<const Element, Outputs, Inputs> weight, const Packed&, const eigen&) {
  detail::for_rows_as<Value>(weight, [&](extent_t first, extent_t count, const Value* some) {
    const auto part = detail::eigen_matrix(some, count, Inputs);
    for (extent_t t = 0; t < x.count; ++t)
      detail::eigen_vector(y.row(t) + first, count).noalias() = part * detail::eigen_vector(x.row(t), Inputs);
  });
  return ran_on<eigen>{};
}

/// dx += dy W: see `op::multiply_transposed`.
template <class Value, class Element, extent_t Outputs, extent_t Inputs>
  requires(std::is_floating_point_v<Value> && same<compute_t<Element>, Value>)
auto kernel(multiply_transposed, rows<Value, Inputs> dx, rows<const Value, Outputs> dy,
            matrix<const Element, Outputs, Inputs> weight, const eigen&) {
  detail::for_rows_as<Value>(weight, [&](extent_t first, extent_t count, const Value* some) {
    const auto part = detail::eigen_matrix(some, count, Inputs);
    for (extent_t t = 0; t < dy.count; ++t)
      detail::eigen_vector(dx.row(t), Inputs).noalias() +=
          part.transpose() * detail::eigen_vector(dy.row(t) + first, count);
  });
  return ran_on<eigen>{};
}

/// dW += dy^T x: see `op::accumulate_outer`.
template <class Value, extent_t Outputs, extent_t Inputs>
  requires(std::is_floating_point_v<Value>)
auto kernel(accumulate_outer, matrix<Value, Outputs, Inputs> gradient, rows<const Value, Outputs> dy,
            rows<const Value, Inputs> x, const eigen&) {
  auto to = detail::eigen_matrix(gradient.data, Outputs, Inputs);
  for (extent_t t = 0; t < x.count; ++t)
    to.noalias() += detail::eigen_vector(dy.row(t), Outputs) * detail::eigen_vector(x.row(t), Inputs).transpose();
  return ran_on<eigen>{};
}

}  // namespace operation

LACUNA_END
