#pragma once
/// The squared error of hidden rows, relative to the teacher's size.

#include <lacuna/train/loss/mean_squared_error.hpp>

LACUNA_BEGIN

/// MSE(student, teacher) / (MSE(teacher, 0) + epsilon) for the hidden rows of one layer, `(tokens, width)`: 0 where
/// both are the same, 1 for a student of zeros (but for epsilon), and the same at every scale of both.
///
/// `square_head{}(student, teacher, adjoint, weight)`: returns it in f64, unweighted, and adds weight times its
/// derivative to `adjoint`; the teacher gets no gradient. A model's loss is the sum over its layers, the rows of the
/// embedding left out: see `tapped`. Leave padding out by `slice`. O(tokens width).
///
/// Precondition: as many rows in all views, at least one; otherwise the result is NaN and nothing is written.
/// Source: Kurtic et al. (2023), "Sparse fine-tuning for inference acceleration of large language models",
/// arXiv 2310.06927; epsilon is that of the released code.
struct square_head {
  double epsilon = 0.0078125;

  template <class Value, extent_t Columns>
  constexpr double operator()(std::type_identity_t<rows<const Value, Columns>> student,
                              std::type_identity_t<rows<const Value, Columns>> teacher, rows<Value, Columns> adjoint,
                              double weight = 1) const {
    if (!detail::counts_agree(student.count, teacher, adjoint)) return detail::no_loss;
    const extent_t size = teacher.count * Columns;
    double square = 0;
    for (extent_t i = 0; i < size; ++i) {
      const double of = static_cast<double>(teacher.data[i]);
      square += of * of;
    }
    const double scale = 1 / (square / static_cast<double>(size) + epsilon);
    return scale * mean_squared_error<Value, Columns>(student, teacher, adjoint, weight * scale);
  }
};

LACUNA_END
