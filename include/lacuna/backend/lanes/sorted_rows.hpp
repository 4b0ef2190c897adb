#pragma once
/// Rows of single entries, sorted by length, a register of rows at a time: the form in which one token meets an
/// unstructured weight.
///
/// Source: SELL-C-sigma of Kreutzer et al. (2014), arXiv 1307.6209, section 3, with all rows sorted.

#include <lacuna/backend/lanes/block_columns.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// Entry k of each of `lanes` rows side by side, rows in the order of their lengths, longest first. Neighbours then
/// differ little, and what is filled up with zeros is at most a register of rows as long as the longest: the bound of
/// the capacity. A filling reads no input: a NaN in one that a row does not read does not reach it.
template <class Lanes, class Element, class Pattern>
struct sorted_rows {
  using value = typename Lanes::element;
  using number = typename Pattern::number;
  static constexpr extent_t lanes = Lanes::lane_count, outputs = Pattern::outputs;
  static constexpr extent_t groups = (outputs + lanes - 1) / lanes;
  static constexpr extent_t capacity = Pattern::capacity + lanes * Pattern::inputs;

  tensor<Element, capacity> values;
  tensor<number, capacity> numbers;
  tensor<std::uint32_t, groups * lanes> rows;     ///< the output of each place
  tensor<std::uint32_t, groups * lanes> lengths;  ///< and how many entries it has
  LACUNA_NO_ADDRESS stretch_begins<Lanes, Element, Pattern> stretches;

  constexpr void pack(const block_matrix<const Element, Pattern>& weight) {
    const auto length = [&](extent_t row) {
      return static_cast<std::uint32_t>(weight.pattern.end(row) - weight.pattern.begin(row));
    };
    for (extent_t row = 0; row < outputs; ++row) rows[row] = static_cast<std::uint32_t>(row);
    sort(length);
    extent_t at = 0;
    for (extent_t group = 0; group < groups; ++group) {
      for (extent_t j = 0; j < lanes; ++j) {
        const extent_t place = group * lanes + j;
        lengths[place] = place < outputs ? length(rows[place]) : 0;
      }
      const extent_t longest = lengths[group * lanes];
      for (extent_t k = 0; k < longest; ++k)
        for (extent_t j = 0; j < lanes; ++j, ++at) {
          const extent_t place = group * lanes + j;
          const bool stored = k < lengths[place];
          const extent_t entry = stored ? weight.pattern.begin(rows[place]) + k : 0;
          values[at] = stored ? weight.values[entry] : Element{};
          numbers[at] = stored ? weight.pattern.numbers[entry] : number{0};
        }
    }
    stretches.pack(weight);
  }

  /// y = W x, one token.
  LACUNA_APART void multiply_token(value* y, const value* x) const noexcept {
    const Element* stored = values.data;
    const number* where = numbers.data;
    for (extent_t group = 0; group < groups; ++group) {
      const std::uint32_t* length = lengths.data + group * lanes;
      const extent_t longest = length[0], shortest = length[lanes - 1];
      Lanes sums[2]{Lanes(value(0)), Lanes(value(0))};
      extent_t k = 0;
      for (; k + 2 <= shortest; k += 2, stored += 2 * lanes, where += 2 * lanes)
        unroll<2>([&](extent_t u) LACUNA_UNROLLED {
          sums[u] = multiply_add(Lanes::load(stored + u * lanes), Lanes::gather(x, where + u * lanes), sums[u]);
        });
      for (; k < longest; ++k, stored += lanes, where += lanes) {
        extent_t reading = lanes;
        while (length[reading - 1] <= k) --reading;
        const Lanes in = first_lanes(reading, Lanes::gather(x, where), Lanes(value(0)));
        sums[0] = multiply_add(Lanes::load(stored), in, sums[0]);
      }
      value found[lanes];
      (sums[0] + sums[1]).store(found);
      const extent_t left = outputs - group * lanes;
      for (extent_t j = 0; j < lanes && j < left; ++j) y[rows[group * lanes + j]] = found[j];
    }
  }

 private:
  /// Shell's sort, in place: longer rows first, of equal ones the upper.
  template <class Length>
  constexpr void sort(const Length& length) {
    for (extent_t gap = outputs / 2; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11)
      for (extent_t i = gap; i < outputs; ++i) {
        const std::uint32_t row = rows[i], own = length(row);
        extent_t j = i;
        for (; j >= gap; j -= gap) {
          const std::uint32_t other = rows[j - gap], its = length(other);
          if (its > own || (its == own && other < row)) break;
          rows[j] = other;
        }
        rows[j] = row;
      }
  }
};

}  // namespace by_lanes

LACUNA_END
