#pragma once
/// Which entries of a weight are kept: by magnitude. Of equal magnitudes the first one is kept, row by row.

#include <algorithm>
#include <lacuna/compress/matrix.hpp>

LACUNA_BEGIN

/// Zeros and ones, one for each entry of a weight `(outputs, inputs)`.
struct weight_mask {
  extent_t outputs = 0, inputs = 0;
  std::vector<std::uint8_t> kept;

  weight_mask() = default;
  weight_mask(extent_t rows_of_it, extent_t columns_of_it)
      : outputs(rows_of_it), inputs(columns_of_it), kept(rows_of_it * columns_of_it) {}
  std::uint8_t& operator()(extent_t output, extent_t input) { return kept[output * inputs + input]; }
  std::uint8_t operator()(extent_t output, extent_t input) const { return kept[output * inputs + input]; }
  /// Entries that are kept.
  extent_t count() const {
    extent_t total = 0;
    for (const auto each : kept) total += each;
    return total;
  }
};

namespace detail {

/// The numbers of the `count` largest values, none of them negative, ascending; of equal ones the first. What is no
/// number counts as the smallest.
inline std::vector<extent_t> largest(std::vector<double> values, extent_t count) {
  for (double& each : values)
    if (maths::is_nan(each)) each = -1;
  std::vector<extent_t> order(values.size());
  for (extent_t i = 0; i < order.size(); ++i) order[i] = i;
  count = count < order.size() ? count : order.size();
  std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                   [&](extent_t a, extent_t b) { return values[a] > values[b] || (values[a] == values[b] && a < b); });
  order.resize(count);
  std::sort(order.begin(), order.end());
  return order;
}

/// The squares of each block's entries, summed: strip by strip.
inline std::vector<double> squares_of_blocks(const weight_matrix& of, extent_t block_outputs, extent_t block_inputs) {
  const extent_t strips = (of.outputs + block_outputs - 1) / block_outputs;
  const extent_t places = (of.inputs + block_inputs - 1) / block_inputs;
  std::vector<double> sums(strips * places);
  for (extent_t o = 0; o < of.outputs; ++o)
    for (extent_t i = 0; i < of.inputs; ++i) sums[o / block_outputs * places + i / block_inputs] += of(o, i) * of(o, i);
  return sums;
}

}  // namespace detail

/// Keeps the `count` blocks of the whole weight whose entries have the largest squares together; with blocks of 1 x 1
/// single entries. O(outputs * inputs) on average.
inline weight_mask keep_largest_blocks(const weight_matrix& of, extent_t block_outputs, extent_t block_inputs,
                                       extent_t count) {
  const extent_t places = (of.inputs + block_inputs - 1) / block_inputs;
  weight_mask mask(of.outputs, of.inputs);
  for (const extent_t block : detail::largest(detail::squares_of_blocks(of, block_outputs, block_inputs), count))
    for (extent_t o = block / places * block_outputs; o < (block / places + 1) * block_outputs && o < of.outputs; ++o)
      for (extent_t i = block % places * block_inputs; i < (block % places + 1) * block_inputs && i < of.inputs; ++i)
        mask(o, i) = 1;
  return mask;
}

/// Keeps the same number of blocks in every strip of `block_outputs` outputs, as near to `count` in all as that goes
/// from below, and those left over in the strips where the next largest block is.
inline weight_mask keep_largest_blocks_per_strip(const weight_matrix& of, extent_t block_outputs, extent_t block_inputs,
                                                 extent_t count) {
  const extent_t strips = (of.outputs + block_outputs - 1) / block_outputs;
  const extent_t places = (of.inputs + block_inputs - 1) / block_inputs;
  std::vector<double> sums = detail::squares_of_blocks(of, block_outputs, block_inputs);
  const extent_t each = count / strips < places ? count / strips : places;
  std::vector<std::uint8_t> chosen(strips * places);
  for (extent_t strip = 0; strip < strips; ++strip) {
    const auto first = sums.begin() + static_cast<std::ptrdiff_t>(strip * places);
    for (const extent_t place :
         detail::largest(std::vector<double>(first, first + static_cast<std::ptrdiff_t>(places)), each)) {
      chosen[strip * places + place] = 1;
      sums[strip * places + place] = -1;
    }
  }
  for (const extent_t block : detail::largest(sums, count - each * strips < sums.size() ? count - each * strips : 0))
    chosen[block] = 1;
  weight_mask mask(of.outputs, of.inputs);
  for (extent_t o = 0; o < of.outputs; ++o)
    for (extent_t i = 0; i < of.inputs; ++i) mask(o, i) = chosen[o / block_outputs * places + i / block_inputs];
  return mask;
}

/// Keeps `kept` of every `group` inputs, the same ones for `shared_by` outputs. `group` divides the inputs.
inline weight_mask keep_n_of_m(const weight_matrix& of, extent_t kept, extent_t group, extent_t shared_by = 1) {
  weight_mask mask(of.outputs, of.inputs);
  for (extent_t strip = 0; strip < of.outputs; strip += shared_by) {
    const extent_t end = strip + shared_by < of.outputs ? strip + shared_by : of.outputs;
    for (extent_t first = 0; first < of.inputs; first += group) {
      std::vector<double> sums(group);
      for (extent_t o = strip; o < end; ++o)
        for (extent_t i = 0; i < group; ++i) sums[i] += of(o, first + i) * of(o, first + i);
      for (const extent_t place : detail::largest(sums, kept))
        for (extent_t o = strip; o < end; ++o) mask(o, first + place) = 1;
    }
  }
  return mask;
}

LACUNA_END
