#pragma once
/// Rows of which only the entries of largest magnitude are left.

#include <lacuna/op/evaluate.hpp>

LACUNA_BEGIN

namespace operation {

/// y(t, c) = expression(t, c) for the `kept` entries of largest magnitude of each row, 0 for the others.
struct keep_largest {
  static constexpr auto name = fixed_string("keep_largest");
  template <class Y, class Node>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Y&, const Node&, extent_t) noexcept {
    return 0;  // comparisons are not counted as multiply-adds
  }

  /// Magnitudes as integers in the same order; what is not a number comes before all numbers, so that it shows.
  LACUNA_HD static constexpr std::uint32_t key(float of) noexcept {
    return __builtin_bit_cast(std::uint32_t, of) & 0x7fffffffu;
  }
  LACUNA_HD static constexpr std::uint64_t key(double of) noexcept {
    return __builtin_bit_cast(std::uint64_t, of) & 0x7fffffffffffffffu;
  }

  /// Selects in one row, in place: the key of the last kept entry is found byte by byte from counts, so that the work
  /// grows with the columns and not with `kept`. Of equal magnitudes the first ones stay.
  template <class Value>
  LACUNA_HD static constexpr void select(Value* row, extent_t columns, extent_t kept) noexcept {
    using key_type = decltype(key(Value{}));
    if (kept >= columns) return;
    if (kept == 0) {
      for (extent_t c = 0; c < columns; ++c) row[c] = 0;
      return;
    }
    key_type last = 0;       // the bytes of the key found so far
    extent_t wanted = kept;  // entries to keep among those that begin with these bytes
    for (unsigned above = sizeof(key_type); above > 0; --above) {
      const unsigned shift = 8 * (above - 1);
      std::uint32_t count[256]{};
      for (extent_t c = 0; c < columns; ++c) {
        const key_type of = key(row[c]) >> shift;
        if (above == sizeof(key_type) || of >> 8 == last) ++count[of & 255u];
      }
      unsigned byte = 255;
      for (; count[byte] < wanted; --byte) wanted -= count[byte];
      last = static_cast<key_type>(last << 8 | byte);
    }
    for (extent_t c = 0; c < columns; ++c) {
      const key_type of = key(row[c]);
      if (of == last && wanted > 0)
        --wanted;
      else if (of <= last)
        row[c] = 0;
    }
  }
};
template <class Value, extent_t Columns, class Node>
LACUNA_HD constexpr auto kernel(keep_largest, rows<Value, Columns> y, const Node& node, extent_t kept,
                                const reference& backend) {
  kernel(evaluate{}, y, node, backend);
  for (extent_t t = 0; t < y.count; ++t) keep_largest::select(y.row(t), Columns, kept);
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// y = expression where its magnitude is among the `kept` largest of its row, 0 elsewhere: `(tokens, columns)`. Exactly
/// `kept` entries stay, or all; of equal magnitudes those of lower index. O(tokens * columns). y may be an operand.
template <class Value, extent_t Columns, class Node, class Backend>
LACUNA_HD constexpr auto keep_largest(rows<Value, Columns> y, const Node& expression, extent_t kept,
                                      const Backend& backend) {
  const auto node = lazy(expression);
  using node_type = std::remove_const_t<decltype(node)>;
  static_assert(__is_base_of(nothing, rules::expression_fits_its_destination<node_type::columns, Columns>) || true);
  return run_kernel(operation::keep_largest{}, backend, y, node, kept);
}

}  // namespace op

LACUNA_END
