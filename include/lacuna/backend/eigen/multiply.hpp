#pragma once
/// Products by Eigen: one matrix-vector product per token, so that nothing is allocated.

#include <Eigen/Core>
#include <lacuna/op/multiply.hpp>

LACUNA_BEGIN

namespace detail {

template <class Element, extent_t Outputs, extent_t Inputs>
auto eigen_matrix(matrix<Element, Outputs, Inputs> of) {
  using plain = std::remove_const_t<Element>;
  using dynamic = Eigen::Matrix<plain, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using mapped = std::conditional_t<std::is_const_v<Element>, const dynamic, dynamic>;
  return Eigen::Map<mapped>(of.data, static_cast<Eigen::Index>(Outputs), static_cast<Eigen::Index>(Inputs));
}
template <class Element, extent_t Columns>
auto eigen_row(rows<Element, Columns> of, extent_t token) {
  using plain = std::remove_const_t<Element>;
  using vector = Eigen::Matrix<plain, Eigen::Dynamic, 1>;
  using mapped = std::conditional_t<std::is_const_v<Element>, const vector, vector>;
  return Eigen::Map<mapped>(of.row(token), static_cast<Eigen::Index>(Columns));
}

}  // namespace detail

namespace operation {

/// y = x W^T for f32 and f64: see `op::multiply`.
template <class Value, extent_t Outputs, extent_t Inputs, class Packed>
  requires std::is_floating_point_v<Value>
auto kernel(multiply, rows<Value, Outputs> y, rows<const Value, Inputs> x, matrix<const Value, Outputs, Inputs> weight,
            const Packed&, const eigen&) {
  for (extent_t t = 0; t < x.count; ++t)
    detail::eigen_row(y, t).noalias() = detail::eigen_matrix(weight) * detail::eigen_row(x, t);
  return ran_on<eigen>{};
}

/// dx += dy W: see `op::multiply_transposed`.
template <class Value, extent_t Outputs, extent_t Inputs>
  requires std::is_floating_point_v<Value>
auto kernel(multiply_transposed, rows<Value, Inputs> dx, rows<const Value, Outputs> dy,
            matrix<const Value, Outputs, Inputs> weight, const eigen&) {
  for (extent_t t = 0; t < dy.count; ++t)
    detail::eigen_row(dx, t).noalias() += detail::eigen_matrix(weight).transpose() * detail::eigen_row(dy, t);
  return ran_on<eigen>{};
}

/// dW += dy^T x: see `op::accumulate_outer`.
template <class Value, extent_t Outputs, extent_t Inputs>
  requires std::is_floating_point_v<Value>
auto kernel(accumulate_outer, matrix<Value, Outputs, Inputs> gradient, rows<const Value, Outputs> dy,
            rows<const Value, Inputs> x, const eigen&) {
  auto to = detail::eigen_matrix(gradient);
  for (extent_t t = 0; t < x.count; ++t) to.noalias() += detail::eigen_row(dy, t) * detail::eigen_row(x, t).transpose();
  return ran_on<eigen>{};
}

}  // namespace operation

LACUNA_END
