#pragma once
/// Products by Eigen: one matrix-vector product per token, so that nothing is allocated. Weights in bf16 and f16 are
/// widened a part at a time.

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

/// A stretch of columns of some rows of a weight, as the values that are computed with.
template <class Value>
struct weight_part {
  const Value* data;
  extent_t output, outputs, input, inputs;

  auto as_eigen() const { return eigen_matrix(data, outputs, inputs); }
};

/// Calls `f(part)` for parts that make up the whole weight, rows in order. A weight in another element is widened part
/// by part, into 8 KiB at most.
template <class Value, class Element, extent_t Outputs, extent_t Inputs, class Function>
void for_parts_as(matrix<const Element, Outputs, Inputs> weight, Function&& f) {
  if constexpr (same<Element, Value>) {
    f(weight_part<Value>{weight.data, 0, Outputs, 0, Inputs});
  } else {
    constexpr extent_t room = 8192 / sizeof(Value), most_inputs = Inputs < room ? Inputs : room;
    constexpr extent_t fitting = room / most_inputs, most_outputs = fitting < Outputs ? fitting : Outputs;
    Value widened[most_outputs * most_inputs];
    for (extent_t output = 0; output < Outputs; output += most_outputs)
      for (extent_t input = 0; input < Inputs; input += most_inputs) {
        const extent_t outputs = Outputs - output < most_outputs ? Outputs - output : most_outputs;
        const extent_t inputs = Inputs - input < most_inputs ? Inputs - input : most_inputs;
        Value* to = widened;
        for (extent_t o = 0; o < outputs; ++o)
          for (extent_t i = 0; i < inputs; ++i) *to++ = static_cast<Value>(widen(weight.row(output + o)[input + i]));
        f(weight_part<Value>{widened, output, outputs, input, inputs});
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
  detail::for_parts_as<Value>(weight, [&](const detail::weight_part<Value>& part) {
    for (extent_t t = 0; t < x.count; ++t) {
      auto to = detail::eigen_vector(y.row(t) + part.output, part.outputs);
      const auto from = detail::eigen_vector(x.row(t) + part.input, part.inputs);
      if (part.input == 0)
        to.noalias() = part.as_eigen() * from;
      else
        to.noalias() += part.as_eigen() * from;
    }
  });
  return ran_on<eigen>{};
}

/// dx += dy W: see `op::multiply_transposed`.
template <class Value, class Element, extent_t Outputs, extent_t Inputs>
  requires(std::is_floating_point_v<Value> && same<compute_t<Element>, Value>)
auto kernel(multiply_transposed, rows<Value, Inputs> dx, rows<const Value, Outputs> dy,
            matrix<const Element, Outputs, Inputs> weight, const eigen&) {
  detail::for_parts_as<Value>(weight, [&](const detail::weight_part<Value>& part) {
    for (extent_t t = 0; t < dy.count; ++t)
      detail::eigen_vector(dx.row(t) + part.input, part.inputs).noalias() +=
          part.as_eigen().transpose() * detail::eigen_vector(dy.row(t) + part.output, part.outputs);
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
