#pragma once
/// A weight as compression sees it: a matrix in f64 on the heap, with sizes of run time.

#include <lacuna/core/maths.hpp>
#include <lacuna/tensor/tensor.hpp>
#include <vector>

LACUNA_BEGIN

/// A dense weight `(outputs, inputs)` in f64, row by row.
struct weight_matrix {
  extent_t outputs = 0, inputs = 0;
  std::vector<double> values;

  weight_matrix() = default;
  weight_matrix(extent_t rows_of_it, extent_t columns_of_it)
      : outputs(rows_of_it), inputs(columns_of_it), values(rows_of_it * columns_of_it) {}
  template <class Element, extent_t Outputs, extent_t Inputs>
  explicit weight_matrix(const tensor<Element, Outputs, Inputs>& from) : weight_matrix(Outputs, Inputs) {
    for (extent_t i = 0; i < from.size; ++i) values[i] = static_cast<double>(widen(from[i]));
  }

  double& operator()(extent_t output, extent_t input) { return values[output * inputs + input]; }
  double operator()(extent_t output, extent_t input) const { return values[output * inputs + input]; }
  /// Some rows and columns of it.
  weight_matrix part(extent_t output, extent_t some_outputs, extent_t input, extent_t some_inputs) const {
    weight_matrix cut(some_outputs, some_inputs);
    for (extent_t o = 0; o < some_outputs; ++o)
      for (extent_t i = 0; i < some_inputs; ++i) cut(o, i) = (*this)(output + o, input + i);
    return cut;
  }
  /// The sum of the squares of all entries.
  double squares() const {
    double sum = 0;
    for (const double each : values) sum += each * each;
    return sum;
  }
  /// What is left of it without another one of the same sizes.
  weight_matrix without(const weight_matrix& other) const {
    weight_matrix rest = *this;
    for (extent_t i = 0; i < rest.values.size(); ++i) rest.values[i] -= other.values[i];
    return rest;
  }
};

LACUNA_END
