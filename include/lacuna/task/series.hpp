#pragma once
/// Series of several columns: what came before, and what comes next, scaled by the training part.

#include <lacuna/core/error.hpp>
#include <lacuna/core/slots.hpp>
#include <lacuna/task/random_numbers.hpp>
#include <lacuna/tensor/rows.hpp>

LACUNA_BEGIN

namespace task {

/// Columns of a series, rows that are seen, rows that are predicted.
struct series_sizes {
  extent_t columns = 7;
  extent_t lookback = 96;
  extent_t horizon = 96;
  constexpr bool fit() const noexcept { return columns > 0 && lookback > 0 && horizon > 0; }
};

/// Where the parts of a series end, in rows from its beginning.
struct series_split {
  extent_t training_end = 0;
  extent_t validation_end = 0;
  extent_t test_end = 0;
};
/// The split of hourly ETT data (ETTh1, ETTh2): 12, 4 and 4 months of 30 days; what is behind them is not used.
inline constexpr series_split ett_hourly{12 * 30 * 24, 16 * 30 * 24, 20 * 30 * 24};
/// The split of ETT data at every quarter of an hour (ETTm1, ETTm2).
inline constexpr series_split ett_quarterly{4 * 12 * 30 * 24, 4 * 16 * 30 * 24, 4 * 20 * 30 * 24};
/// The other common split: 7 tenths, 1 tenth and 2 tenths of all rows, the first and the last rounded down.
constexpr series_split split_by_tenths(extent_t rows) noexcept {
  const extent_t training = rows / 10 * 7 + rows % 10 * 7 / 10, test = rows / 10 * 2 + rows % 10 * 2 / 10;
  return {training, rows - test, rows};
}

enum class series_part : std::uint8_t { training, validation, test };

/// Mean and standard deviation of each column, of the rows that it was made from.
template <extent_t Columns>
struct series_scaler {
  double mean[Columns]{};
  double deviation[Columns]{};

  /// Of `(rows, columns)` values: the deviation is the biased one (divided by the number of rows), and 1 for a column
  /// that is constant, as in scikit-learn's StandardScaler. Sums in f64, of differences from the mean, of values in a
  /// unit near the column's largest, so that no square is too large or too small.
  template <class Value>
  static constexpr series_scaler of(rows<const Value, Columns> values) noexcept {
    series_scaler made;
    const auto count = static_cast<double>(values.count);
    for (extent_t c = 0; c < Columns; ++c) {
      double largest = 0, sum = 0, squares = 0;
      for (extent_t r = 0; r < values.count; ++r) {
        const double value = static_cast<double>(values(r, c));
        if (value > largest || -value > largest) largest = value < 0 ? -value : value;
      }
      const double unit = unit_of(largest);
      for (extent_t r = 0; r < values.count; ++r) sum += static_cast<double>(values(r, c)) / unit;
      const double middle = sum / count;
      bool constant = true;
      for (extent_t r = 0; r < values.count; ++r) {
        const double difference = static_cast<double>(values(r, c)) / unit - middle;
        squares += difference * difference;
        constant = constant && values(r, c) == values(0, c);
      }
      made.mean[c] = middle * unit;
      // Of equal numbers the mean may be another one by rounding.
      made.deviation[c] = constant ? 1 : maths::sqrt(squares / count) * unit;
    }
    return made;
  }
  constexpr double scaled(double value, extent_t column) const noexcept {
    return (value - mean[column]) / deviation[column];
  }
  /// The value that was scaled.
  constexpr double original(double scaled_value, extent_t column) const noexcept {
    return scaled_value * deviation[column] + mean[column];
  }

 private:
  /// The power of two at or below a number: what is divided by it loses no bit.
  static constexpr double unit_of(double largest) noexcept {
    double unit = 1;
    while (largest >= 2 * unit && unit < 0x1p1023) unit *= 2;
    while (largest < unit && largest > 0) unit /= 2;
    return unit;
  }
};

}  // namespace task

namespace rules {
template <bool Fit>
struct series_sizes_fit {
  static_assert(Fit, "lacuna::task::series: there is nothing to predict (choose columns, lookback and horizon > 0)");
};
}  // namespace rules

namespace task {

/// Windows of a series, `(rows, columns)` values that stay with their owner: `lookback` rows, and the `horizon` rows
/// behind them, both scaled by mean and deviation of the training part.
///
/// The windows of a part predict rows of that part only; those of validation and test look back across its beginning,
/// so that a part from row a to row b has b - a - horizon + 1 windows (training, which nothing precedes, `lookback`
/// fewer). Rows come in time, or `read_inverted` by column: `(columns, lookback)`, where each column is a token
/// (iTransformer).
///
/// Training: `order(seed, number)` is the window of an example, in epochs that are shuffled anew; number = step * batch
/// + index. Evaluation: every window of the part, each once. Source: Zhou et al. (2021), Informer, arXiv 2012.07436,
/// whose split and scaling became the protocol; Liu et al. (2023), iTransformer, arXiv 2310.06625. Some released code
/// leaves out the last windows that fill no batch; none is left out here.
template <series_sizes Sizes, class Value = double>
struct series {
  static_assert(__is_base_of(nothing, rules::series_sizes_fit<Sizes.fit()>) || true);
  static constexpr series_sizes sizes = Sizes.fit() ? Sizes : series_sizes{};
  static constexpr extent_t columns = sizes.columns, lookback = sizes.lookback, horizon = sizes.horizon;

  series() = default;
  /// Errors: fewer rows than the split has, a part too short for one window, parts that are not in order, a value that
  /// is no finite number, or that f32 does not hold when it is scaled.
  static constexpr outcome<series> try_make(rows<const Value, columns> values, series_split split) {
    const auto wrong = [](error_kind kind) { return error(kind, "lacuna::task::series: "); };
    const auto number = [](extent_t of) { return static_cast<std::uint64_t>(of); };
    if (split.training_end > split.validation_end || split.validation_end > split.test_end)
      return wrong(error_kind::value) << "expected parts in order, found ends at rows " << number(split.training_end)
                                      << ", " << number(split.validation_end) << " and " << number(split.test_end)
                                      << " (training ends first, test last)";
    if (split.test_end > values.count)
      return wrong(error_kind::length) << "expected at least " << number(split.test_end)
                                       << " rows for this split, found " << number(values.count)
                                       << " (bring all of the series, or choose another split)";
    series made;
    made.values_ = values;
    made.split_ = split;
    constexpr const char* names[]{"training", "validation", "test"};
    for (int i = 0; i < 3; ++i) {
      const auto part = static_cast<series_part>(i);
      const extent_t needed = horizon + (part == series_part::training ? lookback : 0);
      const extent_t found = made.end(part) - made.begin(part);
      if (found < needed)
        return wrong(error_kind::length) << "expected at least " << number(needed) << " rows for " << names[i]
                                         << ", found " << number(found)
                                         << " (choose a shorter lookback or horizon, or another split)";
    }
    for (extent_t r = 0; r < split.test_end; ++r)
      for (extent_t c = 0; c < columns; ++c)
        if (!maths::is_finite(static_cast<double>(values(r, c))))
          return wrong(error_kind::value)
                 << "row " << number(r) << ", column " << number(c) << ": expected a finite number, found "
                 << (maths::is_nan(static_cast<double>(values(r, c))) ? "NaN" : "infinity")
                 << " (fill or leave out such rows first)";
    made.scaler_ = series_scaler<columns>::of(values.slice(0, split.training_end));
    constexpr double largest = 3.4028234663852886e38;
    for (extent_t r = 0; r < split.test_end; ++r)
      for (extent_t c = 0; c < columns; ++c) {
        const double scaled = made.scaler_.scaled(static_cast<double>(values(r, c)), c);
        if (!(scaled >= -largest && scaled <= largest))
          return wrong(error_kind::value)
                 << "row " << number(r) << ", column " << number(c) << ": expected a number that f32 holds when it is "
                 << "scaled by the training part, found " << scaled
                 << " (leave out such rows, or bring the column to another unit)";
      }
    return made;
  }

  constexpr const series_scaler<columns>& scaler() const noexcept { return scaler_; }
  /// The rows that windows of a part predict.
  constexpr extent_t begin(series_part part) const noexcept {
    return part == series_part::training     ? 0
           : part == series_part::validation ? split_.training_end
                                             : split_.validation_end;
  }
  constexpr extent_t end(series_part part) const noexcept {
    return part == series_part::training     ? split_.training_end
           : part == series_part::validation ? split_.validation_end
                                             : split_.test_end;
  }
  /// How many windows a part has: at least one.
  constexpr extent_t windows(series_part part) const noexcept {
    return end(part) - first_row(part) - lookback - horizon + 1;
  }
  /// The row with which a window begins.
  constexpr extent_t row_of(series_part part, extent_t window) const noexcept { return first_row(part) + window; }
  /// Which window of the training part an example has: all of them, shuffled, in every epoch.
  constexpr extent_t order(std::uint64_t seed, std::uint64_t number) const noexcept {
    const std::uint64_t count = windows(series_part::training);
    return static_cast<extent_t>(shuffled(seed, number / count, count, number % count));
  }

  /// A window in time: `past` is `(lookback, columns)`, `future` `(horizon, columns)`, scaled.
  template <class Element>
  constexpr void read(series_part part, extent_t window, rows<Element, columns> past,
                      rows<Element, columns> future) const noexcept {
    const extent_t first = row_of(part, window);
    for (extent_t r = 0; r < lookback + horizon; ++r)
      for (extent_t c = 0; c < columns; ++c)
        (r < lookback ? past(r, c) : future(r - lookback, c)) = scaled<Element>(first + r, c);
  }
  /// The same by column: `past` is `(columns, lookback)`, `future` `(columns, horizon)`.
  template <class Element>
  constexpr void read_inverted(series_part part, extent_t window, rows<Element, lookback> past,
                               rows<Element, horizon> future) const noexcept {
    const extent_t first = row_of(part, window);
    for (extent_t c = 0; c < columns; ++c)
      for (extent_t r = 0; r < lookback + horizon; ++r)
        (r < lookback ? past(c, r) : future(c, r - lookback)) = scaled<Element>(first + r, c);
  }

 private:
  constexpr extent_t first_row(series_part part) const noexcept {
    return part == series_part::training ? 0 : begin(part) - lookback;
  }
  template <class Element>
  constexpr Element scaled(extent_t row, extent_t column) const noexcept {
    return static_cast<Element>(scaler_.scaled(static_cast<double>(values_(row, column)), column));
  }

  rows<const Value, columns> values_;
  series_split split_;
  series_scaler<columns> scaler_;
};

}  // namespace task

LACUNA_END
