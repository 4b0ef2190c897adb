#pragma once
/// Scaling laws: a power law above a floor, fitted to losses.

#include <lacuna/core/error.hpp>
#include <lacuna/core/maths.hpp>

LACUNA_BEGIN

/// L(x) = floor + (unit / x)^exponent.
struct power_law {
  double floor = 0;     ///< what no size gets below: the entropy of the source, if the law is right
  double unit = 0;      ///< x0, in units of x
  double exponent = 0;  ///< alpha
  double error = 0;     ///< root of the share of the variance of ln(L - floor) that the law leaves unexplained

  constexpr double operator()(double x) const noexcept {
    return floor + maths::exp(exponent * (maths::log(unit) - maths::log(x)));
  }
};

namespace detail {

/// For one floor, the line through (ln x, ln(L - floor)) by least squares.
constexpr power_law power_law_above(double floor, const double* x, const double* loss, extent_t count) noexcept {
  double mean_x = 0, mean_y = 0, square = 0, product = 0, square_y = 0;
  const auto n = static_cast<double>(count);
  for (extent_t i = 0; i < count; ++i) {
    mean_x += maths::log(x[i]) / n;
    mean_y += maths::log(loss[i] - floor) / n;
  }
  for (extent_t i = 0; i < count; ++i) {
    const double a = maths::log(x[i]) - mean_x, b = maths::log(loss[i] - floor) - mean_y;
    square += a * a, product += a * b, square_y += b * b;
  }
  const double slope = product / square;
  double error = 0;
  for (extent_t i = 0; i < count; ++i) {
    const double left = maths::log(loss[i] - floor) - mean_y - slope * (maths::log(x[i]) - mean_x);
    error += left * left;
  }
  return {floor, maths::exp(mean_x - mean_y / slope), -slope, maths::sqrt(error / square_y)};
}

}  // namespace detail

/// Fits `power_law` to `count` points (x, loss): for each floor a line by least squares of ln(L - floor), and the floor
/// that leaves the least share of its variance. (Not the least squares themselves: a floor far below all losses makes
/// every logarithm alike.) Floors from the least loss down to a thousand times the losses' range below it are tried,
/// and the best is refined by golden section.
///
/// Points belong to models that were trained to their end, in any order; three parameters want five sizes or more, over
/// two decades. Some 450 lines are fitted, of 3 * count logarithms each. Errors: fewer than 4 points, an x that is not
/// positive, a loss that is not finite, losses that do not differ or that bend towards no floor in this range (they
/// fall ever faster, or rise). Source: Henighan et al. (2020), arXiv 2010.14701, eq. (1.1), for the law.
inline outcome<power_law> try_fit_power_law(const double* x, const double* loss, extent_t count) {
  if (count < 4)
    return error(error_kind::length, "lacuna::fit_power_law: expected 4 points or more, found ")
           << std::uint64_t{count} << " (a law of three numbers wants more than three)";
  double least = loss[0], most = loss[0], least_x = x[0], most_x = x[0];
  for (extent_t i = 0; i < count; ++i) {
    if (!(x[i] > 0) || !maths::is_finite(x[i]) || !maths::is_finite(loss[i]))
      return error(error_kind::value, "lacuna::fit_power_law: point ")
             << std::uint64_t{i} << ": expected a positive size and a finite loss, found " << x[i] << " and " << loss[i]
             << " (leave out models that diverged)";
    if (loss[i] < least) least = loss[i];
    if (loss[i] > most) most = loss[i];
    if (x[i] < least_x) least_x = x[i];
    if (x[i] > most_x) most_x = x[i];
  }
  // What differs by rounding alone has no logarithms of distances.
  const double size = maths::absolute(least) > maths::absolute(most) ? maths::absolute(least) : maths::absolute(most);
  if (!(most - least > 1e-6 * size) || !(most_x > least_x))
    return error(error_kind::value,
                 "lacuna::fit_power_law: expected sizes and losses that differ, by a millionth or more (give models of "
                 "different sizes)");
  // In t = ln(least - floor) the best floor is found on any scale.
  const double range = most - least;
  const auto at = [&](double t) { return detail::power_law_above(least - maths::exp(t), x, loss, count); };
  // A floor as near to the least loss as doubles can tell, and one a thousand ranges below it.
  const double nearest = maths::log(range) - 18.4, smallest = maths::log(1e-13 * (size + range));
  const double first = nearest > smallest ? nearest : smallest, last = maths::log(range) + 6.9;
  constexpr int steps = 250;
  double best = first, least_error = at(first).error;
  for (int i = 1; i <= steps; ++i) {
    const double t = first + (last - first) * i / steps, error_here = at(t).error;
    if (error_here < least_error) best = t, least_error = error_here;
  }
  constexpr double golden = 0.6180339887498949;
  double low = best - (last - first) / steps, high = best + (last - first) / steps;
  for (int i = 0; i < 100; ++i) {
    const double left = high - golden * (high - low), right = low + golden * (high - low);
    if (at(left).error < at(right).error)
      high = right;
    else
      low = left;
  }
  const double end = (low + high) / 2;
  const power_law found = at(end);
  // At either end of the range the search was cut off: no floor in it is better than its neighbours.
  const double edge = 0.5 * (last - first) / steps;
  if (!(found.exponent > 0) || !maths::is_finite(found.unit) || end > last - edge || end < first + edge)
    return error(error_kind::value,
                 "lacuna::fit_power_law: expected losses that fall towards a floor, found no floor that fits best "
                 "(train to the end, or give more sizes)");
  return found;
}

LACUNA_END
