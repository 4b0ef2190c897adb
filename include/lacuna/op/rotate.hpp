#pragma once
/// Rotation of pairs of columns by position: rotary embeddings, forward and (by the opposite angle) backward.

#include <lacuna/op/backend.hpp>

LACUNA_BEGIN

/// Which two columns of a head make pair i.
enum class rotary_pairs : std::uint8_t {
  neighbours,  ///< (2i, 2i + 1): the paper, llama2.c
  halves,      ///< (i, i + head/2): GPT-NeoX and Hugging Face checkpoints
};

/// cos and sin of every position's angles, `(context, rotated / 2)` each: of the first columns of a head, all of them
/// unless `HeadWidth` says that there are more.
template <class Value, extent_t Rotated, extent_t HeadWidth = Rotated>
struct rotation_table {
  rows<const Value, Rotated / 2> cosine, sine;
};

namespace operation {

/// Rotates the first columns of every head of x in place.
struct rotate {
  static constexpr auto name = fixed_string("rotate");
  template <class X, class Table, class Pairs>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const X&, const Table&, extent_t, bool,
                                                         const Pairs&) noexcept {
    return 0;
  }
};
template <class Value, extent_t Columns, extent_t Rotated, extent_t HeadWidth, rotary_pairs Pairs>
LACUNA_HD constexpr auto kernel(rotate, rows<Value, Columns> x, const rotation_table<Value, Rotated, HeadWidth>& table,
                                extent_t first, bool backward, constant<rotary_pairs, Pairs>, const reference&) {
  constexpr extent_t half = Rotated / 2;
  for (extent_t t = 0; t < x.count; ++t)
    for (extent_t head = 0; head < Columns; head += HeadWidth)
      for (extent_t i = 0; i < half; ++i) {
        const extent_t left = head + (Pairs == rotary_pairs::neighbours ? 2 * i : i);
        const extent_t right = left + (Pairs == rotary_pairs::neighbours ? 1 : half);
        const Value cosine = table.cosine(first + t, i);
        const Value sine = backward ? -table.sine(first + t, i) : table.sine(first + t, i);
        const Value a = x(t, left), b = x(t, right);
        x(t, left) = a * cosine - b * sine;
        x(t, right) = a * sine + b * cosine;
      }
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// x(t) rotated by the angles of position first + t, or by their opposites: `(tokens, heads * head_width)` in place.
template <class Value, extent_t Columns, extent_t Rotated, extent_t HeadWidth, rotary_pairs Pairs, class Backend>
LACUNA_HD constexpr auto rotate(rows<Value, Columns> x, const rotation_table<Value, Rotated, HeadWidth>& table,
                                extent_t first, bool backward, constant<rotary_pairs, Pairs> pairs,
                                const Backend& backend) {
  return run_kernel(operation::rotate{}, backend, x, table, first, backward, pairs);
}

}  // namespace op

LACUNA_END
