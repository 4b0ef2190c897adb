#pragma once
/// A tuple as flat indexed leaves: linear compile time, no recursion, aggregate layout in order.

#include <lacuna/core/type_list.hpp>

LACUNA_BEGIN

namespace detail {

template <extent_t Index, class Type>
struct leaf {
  LACUNA_NO_ADDRESS Type value{};
};
template <class Sequence, class... Types>
struct leaves;
template <std::size_t... Index, class... Types>
struct leaves<std::index_sequence<Index...>, Types...> : leaf<Index, Types>... {};

template <extent_t Index, class Type>
LACUNA_HD constexpr Type& leaf_value(leaf<Index, Type>& of) noexcept {
  return of.value;
}
template <extent_t Index, class Type>
LACUNA_HD constexpr const Type& leaf_value(const leaf<Index, Type>& of) noexcept {
  return of.value;
}

}  // namespace detail

/// Members of different types, reached by index.
template <class... Types>
struct flat_tuple : detail::leaves<std::index_sequence_for<Types...>, Types...> {
  static constexpr extent_t size = sizeof...(Types);

  template <extent_t Index>
  LACUNA_HD constexpr auto& at() noexcept {
    return detail::leaf_value<Index>(*this);
  }
  template <extent_t Index>
  LACUNA_HD constexpr const auto& at() const noexcept {
    return detail::leaf_value<Index>(*this);
  }
};

/// Equal members, reached by index: `repeat` is this, never a tuple.
template <class Type, extent_t N>
struct array {
  Type items[N]{};
  static constexpr extent_t size = N;
  LACUNA_HD constexpr Type& operator[](extent_t i) noexcept { return items[i]; }
  LACUNA_HD constexpr const Type& operator[](extent_t i) const noexcept { return items[i]; }
};
/// No members, no storage.
template <class Type>
struct array<Type, 0> {
  static constexpr extent_t size = 0;
};

LACUNA_END
