#pragma once
/// Views: a run-time number of tokens times a static number of columns.

#include <lacuna/tensor/element.hpp>

LACUNA_BEGIN

/// A view of `count` contiguous rows of `Columns` elements. The token count is the only run-time extent.
template <class Element, extent_t Columns>
struct rows {
  using element = Element;
  static constexpr extent_t columns = Columns;

  Element* data = nullptr;
  extent_t count = 0;

  constexpr rows() = default;
  LACUNA_HD constexpr rows(Element* from, extent_t tokens) noexcept : data(from), count(tokens) {}
  /// A writable view reads as a constant one.
  template <class Other>
    requires(same<const Other, Element> && !same<Other, Element>)
  LACUNA_HD constexpr rows(const rows<Other, Columns>& from) noexcept : data(from.data), count(from.count) {}

  LACUNA_HD constexpr Element* row(extent_t token) const noexcept { return data + token * Columns; }
  LACUNA_HD constexpr Element& operator()(extent_t token, extent_t column) const noexcept {
    return data[token * Columns + column];
  }
  /// The rows [from, from + tokens).
  LACUNA_HD constexpr rows slice(extent_t from, extent_t tokens) const noexcept {
    return {data + from * Columns, tokens};
  }
  LACUNA_HD constexpr void fill(Element value) const noexcept {
    for (extent_t i = 0; i < count * Columns; ++i) data[i] = value;
  }
};

/// The same view, constant: template arguments are deduced from it where a conversion would not be tried.
template <class Element, extent_t Columns>
LACUNA_HD constexpr rows<const Element, Columns> readable(const rows<Element, Columns>& from) noexcept {
  return {from.data, from.count};
}

/// Each row in `Parts` equal pieces, one below the other: `(tokens, parts * columns) -> (tokens * parts, columns)`, the
/// same elements; heads as rows.
template <extent_t Parts, class Element, extent_t Columns>
LACUNA_HD constexpr rows<Element, Columns / Parts> split_columns(const rows<Element, Columns>& from) noexcept {
  static_assert(Columns % Parts == 0, "lacuna::split_columns: the parts do not divide the columns (choose a divisor)");
  return {from.data, from.count * Parts};
}

LACUNA_END
