#pragma once
/// Factors of a weight: singular values (by Eigen), and what is made of them.
///
/// Templates for one type each, so that a program pays for Eigen's decompositions (about 10 s of compile time; the
/// divide-and-conquer one, faster on large weights, would be 40) only where it asks for factors.

#include <Eigen/SVD>
#include <lacuna/compress/matrix.hpp>
#include <lacuna/core/random.hpp>

LACUNA_BEGIN

/// W = L R, and the singular values that were left out.
struct weight_factors {
  weight_matrix left, right;
  double lost_squares = 0;  ///< the sum of their squares, which is that of W - L R (Eckart and Young 1936)
};

namespace detail {

template <class Matrix>
Eigen::MatrixXd eigen_matrix(const Matrix& of) {
  return Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
      of.values.data(), static_cast<Eigen::Index>(of.outputs), static_cast<Eigen::Index>(of.inputs));
}
template <class Matrix>
weight_matrix from_eigen(const Matrix& of) {
  weight_matrix made(static_cast<extent_t>(of.rows()), static_cast<extent_t>(of.cols()));
  for (extent_t o = 0; o < made.outputs; ++o)
    for (extent_t i = 0; i < made.inputs; ++i)
      made(o, i) = of(static_cast<Eigen::Index>(o), static_cast<Eigen::Index>(i));
  return made;
}

}  // namespace detail

/// The nearest weight of this rank, in two factors `(outputs, rank)` and `(rank, inputs)` that share each singular
/// value evenly: its root on either side, as training wants it. Ranks beyond the smaller side fill up with zeros. Of a
/// weight that is 0 the left factor is 0 and the right one drawn, normal numbers of variance 1 / inputs: an update that
/// changes nothing yet, and learns, as LoRA starts (Hu et al. 2021, arXiv 2106.09685, section 4.1).
template <class Matrix>
weight_factors factorise(const Matrix& of, extent_t rank) {
  const Eigen::JacobiSVD<Eigen::MatrixXd, Eigen::HouseholderQRPreconditioner> svd(
      detail::eigen_matrix(of), Eigen::ComputeThinU | Eigen::ComputeThinV);
  const auto& values = svd.singularValues();
  weight_factors made{weight_matrix(of.outputs, rank), weight_matrix(rank, of.inputs), 0};
  if (of.squares() == 0) {
    for (extent_t i = 0; i < made.right.values.size(); ++i)
      made.right.values[i] = random_normal(0, 0, i) / maths::sqrt(static_cast<double>(of.inputs));
    return made;
  }
  for (Eigen::Index r = 0; r < values.size(); ++r) {
    const auto at = static_cast<extent_t>(r);
    if (at >= rank) {
      made.lost_squares += values[r] * values[r];
      continue;
    }
    const double root = maths::sqrt(values[r]);
    for (extent_t o = 0; o < of.outputs; ++o) made.left(o, at) = svd.matrixU()(static_cast<Eigen::Index>(o), r) * root;
    for (extent_t i = 0; i < of.inputs; ++i) made.right(at, i) = svd.matrixV()(static_cast<Eigen::Index>(i), r) * root;
  }
  return made;
}

LACUNA_END
