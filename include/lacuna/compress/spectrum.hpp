#pragma once
/// Singular values of a matrix or of activations, and how many directions they amount to.

#include <Eigen/SVD>
#include <lacuna/core/error.hpp>
#include <lacuna/core/maths.hpp>
#include <lacuna/tensor/rows.hpp>
#include <vector>

LACUNA_BEGIN

/// Singular values, the largest first.
struct spectrum {
  std::vector<double> values;

  /// The sum of the singular values.
  double nuclear_norm() const noexcept {
    double sum = 0;
    for (const double each : values) sum += each;
    return sum;
  }
  /// The root of the sum of their squares.
  double frobenius_norm() const noexcept {
    double squares = 0;
    for (const double each : values) squares += each * each;
    return maths::sqrt(squares);
  }
  /// e to the entropy of the singular values over their sum: 1 where one direction has all, as many as there are where
  /// all are equal. 0 of a matrix of zeros. Source: Roy and Vetterli (2007), "The effective rank: a measure of
  /// effective dimensionality", EUSIPCO.
  double effective_rank() const noexcept {
    const double sum = nuclear_norm();
    if (!(sum > 0)) return 0;
    double entropy = 0;
    for (const double each : values)
      if (each > 0) entropy -= each / sum * maths::log(each / sum);
    return maths::exp(entropy);
  }
  /// The sum of squares over the largest: at most the rank, and steady where small values come and go. Source: Rudelson
  /// and Vershynin (2007), "Sampling from large matrices", J. ACM 54, section 1, who call it the numerical rank.
  double stable_rank() const noexcept {
    const double norm = frobenius_norm();
    return norm > 0 ? norm * norm / (values.front() * values.front()) : 0;
  }
};

/// Of rows `(tokens, columns)`: a weight's, or those that a tap or an `input_recorder` holds; whoever means deviations
/// subtracts the mean row. Jacobi's method, tokens * columns * min(tokens, columns) times some ten multiply-adds; the
/// heap. Errors: no rows, or a number that is not finite.
template <class Value, extent_t Columns>
outcome<spectrum> try_measure_spectrum(rows<Value, Columns> of) {
  if (of.count == 0)
    return error(error_kind::length, "lacuna::measure_spectrum: expected rows, found none (run the model first)");
  Eigen::MatrixXd matrix(static_cast<Eigen::Index>(of.count), static_cast<Eigen::Index>(Columns));
  for (extent_t t = 0; t < of.count; ++t)
    for (extent_t c = 0; c < Columns; ++c) {
      const auto number = static_cast<double>(widen(of(t, c)));
      if (!maths::is_finite(number))
        return error(error_kind::value, "lacuna::measure_spectrum: row ")
               << std::uint64_t{t} << ", column " << std::uint64_t{c} << ": expected a finite number, found " << number
               << " (look at what made these rows)";
      matrix(static_cast<Eigen::Index>(t), static_cast<Eigen::Index>(c)) = number;
    }
  const Eigen::JacobiSVD<Eigen::MatrixXd, Eigen::HouseholderQRPreconditioner> svd(matrix);
  const auto& found = svd.singularValues();
  return spectrum{std::vector<double>(found.data(), found.data() + found.size())};
}

LACUNA_END
