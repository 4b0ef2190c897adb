#pragma once
/// Where a loop over columns stands: at one column, at a whole register of columns, or at the rest of a row.
///
/// A step is given to the nodes of an expression. It names the type that is computed with (`lane`) and loads it, so
/// that the same node serves the reference loop and every vectorised backend.

#include <lacuna/tensor/element.hpp>

LACUNA_BEGIN

/// One column, computed as `Value`.
template <class Value>
struct one_column {
  using lane = Value;
  extent_t column;

  template <class Element>
  LACUNA_HD LACUNA_INLINE constexpr Value load(const Element* row) const noexcept {
    return static_cast<Value>(widen(row[column]));
  }
  template <class Number>
  LACUNA_HD LACUNA_INLINE constexpr Value broadcast(Number number) const noexcept {
    return static_cast<Value>(number);
  }
};

/// The columns [column, column + Lanes::lane_count).
template <class Lanes>
struct whole_lanes {
  using lane = Lanes;
  extent_t column;

  template <class Element>
  LACUNA_INLINE Lanes load(const Element* row) const noexcept {
    return Lanes::load(row + column);
  }
  template <class Number>
  LACUNA_INLINE Lanes broadcast(Number number) const noexcept {
    return Lanes(number);
  }
};

/// The `left` columns from `column` on, fewer than there are lanes; the other lanes are 0.
template <class Lanes>
struct part_lanes {
  using lane = Lanes;
  extent_t column;
  extent_t left;

  template <class Element>
  LACUNA_INLINE Lanes load(const Element* row) const noexcept {
    return Lanes::load_part(row + column, left);
  }
  template <class Number>
  LACUNA_INLINE Lanes broadcast(Number number) const noexcept {
    return Lanes(number);
  }
};

LACUNA_END
