#pragma once
/// Masks on the heap, of weights whose sizes are known at run time. Of equal magnitudes the first one is kept, row by
/// row.

#include <lacuna/compress/matrix.hpp>
#include <lacuna/format/choose_mask.hpp>

LACUNA_BEGIN

/// One number for each entry of a weight `(outputs, inputs)`: 0 where it is left out, 1 or any other where it is kept.
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
    for (const auto each : kept) total += each != 0;
    return total;
  }
};

namespace detail {

/// The numbers of the `count` largest values, none of them negative, ascending; of equal ones the first. What is no
/// number counts as the smallest.
inline std::vector<extent_t> largest(const std::vector<double>& values, extent_t count) {
  largest_scores found = find_largest(values.size(), count, [&](extent_t i) { return values[i]; });
  std::vector<extent_t> chosen;
  for (extent_t i = 0; i < values.size(); ++i)
    if (found.take(values[i])) chosen.push_back(i);
  return chosen;
}

}  // namespace detail

/// Keeps the `count` blocks of the whole weight whose entries have the largest squares together; with blocks of 1 x 1
/// single entries. O(outputs * inputs).
inline weight_mask keep_largest_blocks(const weight_matrix& of, extent_t block_outputs, extent_t block_inputs,
                                       extent_t count) {
  weight_mask mask(of.outputs, of.inputs);
  detail::keep_largest_blocks(of, mask, {of.outputs, of.inputs, block_outputs, block_inputs}, count);
  return mask;
}

/// Keeps the same number of blocks in every strip of `block_outputs` outputs, as near to `count` in all as that goes
/// from below, and those left over in the strips where the next largest block is.
inline weight_mask keep_largest_blocks_per_strip(const weight_matrix& of, extent_t block_outputs, extent_t block_inputs,
                                                 extent_t count) {
  weight_mask mask(of.outputs, of.inputs);
  detail::keep_largest_blocks_per_strip(of, mask, {of.outputs, of.inputs, block_outputs, block_inputs}, count);
  return mask;
}

/// Keeps `kept` of every `group` inputs, the same ones for `shared_by` outputs. `group` divides the inputs.
inline weight_mask keep_n_of_m(const weight_matrix& of, extent_t kept, extent_t group, extent_t shared_by = 1) {
  weight_mask mask(of.outputs, of.inputs);
  detail::keep_n_of_m(of, mask, of.outputs, of.inputs, kept, group, shared_by);
  return mask;
}

LACUNA_END
