#pragma once
/// One head's columns of rows that hold all heads: copied together for kernels of a single head, and back.

#include <lacuna/tensor/rows.hpp>

LACUNA_BEGIN

/// to(t) = the columns of head `head`: `(tokens, heads * head_width) -> (tokens, head_width)`.
template <class Value, extent_t HeadWidth, extent_t All>
LACUNA_HD constexpr void gather_head(rows<Value, HeadWidth> to, rows<Value, All> from, extent_t head) {
  for (extent_t t = 0; t < to.count; ++t)
    for (extent_t c = 0; c < HeadWidth; ++c) to(t, c) = from(t, head * HeadWidth + c);
}
/// The columns of head `head` become those of `from`.
template <class Value, extent_t All, extent_t HeadWidth>
LACUNA_HD constexpr void scatter_head(rows<Value, All> to, rows<Value, HeadWidth> from, extent_t head) {
  for (extent_t t = 0; t < from.count; ++t)
    for (extent_t c = 0; c < HeadWidth; ++c) to(t, head * HeadWidth + c) = from(t, c);
}

LACUNA_END
