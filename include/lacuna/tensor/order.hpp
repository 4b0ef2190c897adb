#pragma once
/// Orders of columns.

#include <lacuna/core/config.hpp>

LACUNA_BEGIN

/// Column `i` of the result is column `order[i]` of what it is made from: a table.
template <extent_t Columns, class Number>
struct table_order {
  static constexpr extent_t columns = Columns;
  const Number* sources = nullptr;
  LACUNA_HD constexpr extent_t operator[](extent_t i) const noexcept { return sources[i]; }
};
/// Column `b * (Columns / Stride) + i` of the result is column `i * Stride + b`: every `Stride`-th one comes together.
template <extent_t Columns, extent_t Stride>
struct strided_order {
  static constexpr extent_t columns = Columns;
  LACUNA_HD constexpr extent_t operator[](extent_t i) const noexcept {
    constexpr extent_t together = Columns / Stride;
    return i % together * Stride + i / together;
  }
};

LACUNA_END
