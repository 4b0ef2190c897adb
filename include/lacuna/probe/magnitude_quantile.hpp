#pragma once
/// The magnitude below which a given share of recorded values lies: how thresholds are calibrated.

#include <lacuna/tensor/rows.hpp>

LACUNA_BEGIN

/// The smallest recorded magnitude t with |x| <= t for at least round(share * n) of the n values; 0 for a share that
/// rounds to none of them, so that nothing is gated. Without ties exactly that many values are gated by `thresholded`.
/// `(n / columns, columns)`; n comparisons per bit of a value; nothing is copied or moved. `share` is in [0, 1]; values
/// are not NaN.
/// Source: Liu et al. (2024), "TEAL", arXiv 2408.14690, section 4, who take the quantile of the values on one side.
template <class Value, extent_t Columns>
LACUNA_HD constexpr std::remove_const_t<Value> magnitude_quantile(rows<Value, Columns> recorded,
                                                                  double share) noexcept {
  using value = std::remove_const_t<Value>;
  using word = std::conditional_t<sizeof(value) == 4, std::uint32_t, std::uint64_t>;
  constexpr word magnitude = static_cast<word>(~word{0}) >> 1;
  const extent_t count = recorded.count * Columns;
  const auto wanted = static_cast<extent_t>(share * static_cast<double>(count) + 0.5);
  if (wanted == 0) return 0;
  // Magnitudes are ordered as their bits are: the quantile is found bit by bit, from the highest.
  word found = 0;
  for (word bit = word{1} << (8 * sizeof(word) - 2); bit != 0; bit >>= 1) {
    const word below = static_cast<word>(found | (bit - 1));
    extent_t at_most = 0;
    for (extent_t i = 0; i < count; ++i)
      at_most += (__builtin_bit_cast(word, recorded.data[i]) & magnitude) <= below ? 1 : 0;
    if (at_most < wanted) found |= bit;
  }
  return __builtin_bit_cast(value, found);
}

LACUNA_END
