#pragma once
/// Lists of types and the few traits the library needs (no <tuple>, no <type_traits>-wide machinery).

#include <lacuna/core/config.hpp>
#include <type_traits>
#include <utility>

LACUNA_BEGIN

/// The absent thing: an unused slot, empty derived data, a policy without parameters.
struct nothing {};

/// A list of types.
template <class... Types>
struct type_list {
  static constexpr extent_t size = sizeof...(Types);
};

/// A compile-time constant whose conversion also works in device code (std::integral_constant's does not under nvcc).
template <class Value, Value V>
struct constant {
  static constexpr Value value = V;
  LACUNA_HD constexpr operator Value() const noexcept { return V; }
};
template <extent_t N>
using count_constant = constant<extent_t, N>;

template <class Left, class Right>
inline constexpr bool same = std::is_same_v<Left, Right>;
template <class>
inline constexpr bool always_false = false;

namespace detail {

template <extent_t Index, class Type>
struct indexed_type {
  using type = Type;
};
template <class Sequence, class... Types>
struct indexed_types;
template <std::size_t... Index, class... Types>
struct indexed_types<std::index_sequence<Index...>, Types...> : indexed_type<Index, Types>... {};
template <extent_t Index, class Type>
indexed_type<Index, Type> pick_type(const indexed_type<Index, Type>*);

template <class List, class Type>
struct appended;
template <class... Types, class Type>
struct appended<type_list<Types...>, Type> {
  using type = type_list<Types..., Type>;
};

template <class... Lists>
struct joined {
  using type = type_list<>;
};
template <class... Types>
struct joined<type_list<Types...>> {
  using type = type_list<Types...>;
};
template <class... Left, class... Right, class... Rest>
struct joined<type_list<Left...>, type_list<Right...>, Rest...> : joined<type_list<Left..., Right...>, Rest...> {};

template <class List>
struct unique_types;
template <class... Types>
struct unique_types<type_list<Types...>> {
  template <class Done, class... Rest>
  struct step {
    using type = Done;
  };
  template <class... Done, class Next, class... Rest>
  struct step<type_list<Done...>, Next, Rest...>
      : step<std::conditional_t<(same<Done, Next> || ...), type_list<Done...>, type_list<Done..., Next>>, Rest...> {};
  using type = typename step<type_list<>, Types...>::type;
};

}  // namespace detail

/// The Index-th of some types.
template <extent_t Index, class... Types>
using type_at = typename decltype(detail::pick_type<Index>(
    static_cast<detail::indexed_types<std::index_sequence_for<Types...>, Types...>*>(nullptr)))::type;

namespace detail {

template <extent_t Index, class List>
struct listed_type;
template <extent_t Index, class... Types>
struct listed_type<Index, type_list<Types...>> {
  using type = type_at<Index, Types...>;
};

}  // namespace detail

/// The Index-th of a list.
template <extent_t Index, class List>
using listed_at = typename detail::listed_type<Index, List>::type;

/// Concatenation of lists.
template <class... Lists>
using join = typename detail::joined<Lists...>::type;

/// The list without repetitions, first occurrences kept.
template <class List>
using unique = typename detail::unique_types<List>::type;

/// Calls `f(count_constant<0>{}) ... f(count_constant<N - 1>{})` in order.
template <extent_t N, class Function>
LACUNA_HD constexpr void for_each_index(Function&& f) {
  [&]<std::size_t... Index>(std::index_sequence<Index...>) { (f(count_constant<Index>{}), ...); }
  (std::make_index_sequence<N>{});
}

LACUNA_END
