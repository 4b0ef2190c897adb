#pragma once
/// How alike two representations of the same examples are, whatever their axes.

#include <lacuna/core/maths.hpp>
#include <lacuna/train/loss/counts.hpp>

LACUNA_BEGIN

/// Room for `alignment` of up to `Rows` examples.
template <extent_t Rows>
struct alignment_workspace {
  static constexpr extent_t most = Rows;
  double of_predicted[Rows * Rows]{};  ///< products of rows with each other, centred
  double of_target[Rows * Rows]{};
  double sums[Rows]{};
};

/// Which estimate of the Hilbert-Schmidt independence criterion stands in CKA.
enum class hsic_estimate : std::uint8_t {
  unbiased,  ///< 0 in the mean for independent rows, -1 to 1; at least 4 rows
  biased,    ///< p / (n + p) for independent rows of p Gaussian columns: near 1 where rows are few; 0 to 1
};

/// 1 - CKA(X, Y) of two representations of the same examples, a row each: X `(examples, columns)`, Y `(examples, other
/// columns)`. CKA = <K, L> / sqrt(<K, K> <L, L>) with K = X X^T and L = Y Y^T, centred. 0 where Y is X rotated, scaled
/// and shifted.
///
/// `alignment{}(predicted, target, adjoint, workspace, weight)`: returns it in f64, unweighted, and adds weight times
/// its derivative by X to `adjoint`; Y, the guide, gets none. With K and L centred (biased: H K H; unbiased: the
/// diagonal left out, and rows and columns made to sum to 0 without it, so that <K, L> is n (n - 3) HSIC) the
/// derivative of CKA is
///   dX = 2 (L - <K, L> / <K, K> K) X / sqrt(<K, K> <L, L>).
/// examples^2 (2 columns + other columns) multiply-adds.
///
/// Precondition: as many rows in all views, at least 4 (biased: 2), not more than the workspace has; otherwise the
/// result is NaN and nothing is written. It is NaN, too, where all rows of X or all of Y are equal, since CKA is 0 / 0
/// there. Source: Kornblith et al. (2019), arXiv 1905.00414, eq. (4); unbiased: Song et al. (2012), "Feature selection
/// via dependence maximization", as used by Nguyen et al. (2021), arXiv 2010.15327; as a loss Subramaniam et
/// al. (2024), arXiv 2410.20035, which is biased and centres with 10^4 columns for 64 rows, where the biased estimate
/// tells hardly anything.
struct alignment {
  hsic_estimate estimate = hsic_estimate::unbiased;

  template <class Value, extent_t Columns, class TargetValue, extent_t TargetColumns, extent_t Rows>
  constexpr double operator()(std::type_identity_t<rows<const Value, Columns>> predicted,
                              rows<TargetValue, TargetColumns> target, rows<Value, Columns> adjoint,
                              alignment_workspace<Rows>& workspace, double weight = 1) const {
    const extent_t n = predicted.count;
    const bool unbiased = estimate == hsic_estimate::unbiased;
    if (!detail::counts_agree(n, target, adjoint) || n > Rows || n < (unbiased ? 4 : 2)) return detail::no_loss;
    double* const of_predicted = workspace.of_predicted;
    double* const of_target = workspace.of_target;
    products(predicted, of_predicted);
    products(readable(target), of_target);
    if (unbiased) {
      centre(of_predicted, workspace.sums, n);
      centre(of_target, workspace.sums, n);
    }
    double both = 0, predicted_square = 0, target_square = 0;
    for (extent_t i = 0; i < n * n; ++i) {
      both += of_predicted[i] * of_target[i];
      predicted_square += of_predicted[i] * of_predicted[i];
      target_square += of_target[i] * of_target[i];
    }
    const double scale = maths::sqrt(predicted_square) * maths::sqrt(target_square);
    const double slope = -2 * weight / scale;
    const double share = both / predicted_square;
    for (extent_t i = 0; i < n * n; ++i) of_target[i] -= share * of_predicted[i];
    for (extent_t c = 0; c < Columns; ++c) {
      const double mean = mean_of(predicted, c);
      for (extent_t i = 0; i < n; ++i) {
        double sum = 0;
        for (extent_t j = 0; j < n; ++j) sum += of_target[i * n + j] * (static_cast<double>(predicted(j, c)) - mean);
        adjoint(i, c) = static_cast<Value>(static_cast<double>(adjoint(i, c)) + slope * sum);
      }
    }
    return 1 - both / scale;
  }

 private:
  template <class Value, extent_t Columns>
  static constexpr double mean_of(rows<const Value, Columns> of, extent_t column) {
    double sum = 0;
    for (extent_t i = 0; i < of.count; ++i) sum += static_cast<double>(of(i, column));
    return sum / static_cast<double>(of.count);
  }
  /// Products of rows, the mean row subtracted: of what is far from 0 little would be left after centring.
  template <class Value, extent_t Columns>
  static constexpr void products(rows<const Value, Columns> of, double* to) {
    const extent_t n = of.count;
    for (extent_t i = 0; i < n * n; ++i) to[i] = 0;
    for (extent_t c = 0; c < Columns; ++c) {
      const double mean = mean_of(of, c);
      for (extent_t i = 0; i < n; ++i) {
        const double left = static_cast<double>(of(i, c)) - mean;
        for (extent_t j = 0; j <= i; ++j) to[i * n + j] += left * (static_cast<double>(of(j, c)) - mean);
      }
    }
    for (extent_t i = 0; i < n; ++i)
      for (extent_t j = i + 1; j < n; ++j) to[i * n + j] = to[j * n + i];
  }
  /// A 0 diagonal, and rows and columns that sum to 0 without it.
  static constexpr void centre(double* of, double* sums, extent_t n) {
    double all = 0;
    for (extent_t i = 0; i < n; ++i) {
      of[i * n + i] = 0;
      sums[i] = 0;
      for (extent_t j = 0; j < n; ++j) sums[i] += of[i * n + j];
      all += sums[i];
    }
    const double less = static_cast<double>(n - 2), whole = all / (static_cast<double>(n - 1) * less);
    for (extent_t i = 0; i < n; ++i)
      for (extent_t j = 0; j < n; ++j)
        if (i != j) of[i * n + j] += whole - (sums[i] + sums[j]) / less;
  }
};

LACUNA_END
