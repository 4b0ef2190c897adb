#pragma once
/// Tensors of static shape, aligned to a cache line, in row-major order; and the roles that one declaration plays.

#include <lacuna/tensor/rows.hpp>

LACUNA_BEGIN

/// Alignment of every tensor: one cache line, one AVX-512 register.
inline constexpr extent_t tensor_alignment = 64;

/// `Extents...` elements in row-major order, zero at first.
template <class Element, extent_t... Extents>
struct tensor {
  using element = Element;
  static constexpr extent_t rank = sizeof...(Extents);
  static constexpr extent_t size = (extent_t{1} * ... * Extents);
  static constexpr extent_t extents[sizeof...(Extents) == 0 ? 1 : sizeof...(Extents)]{Extents...};

  alignas(tensor_alignment) Element data[size == 0 ? 1 : size]{};

  LACUNA_HD constexpr Element& operator[](extent_t i) noexcept { return data[i]; }
  LACUNA_HD constexpr const Element& operator[](extent_t i) const noexcept { return data[i]; }

  /// A two-dimensional tensor as rows.
  LACUNA_HD constexpr auto view() noexcept
    requires(rank == 2)
  {
    return rows<Element, extents[1]>(data, extents[0]);
  }
  LACUNA_HD constexpr auto view() const noexcept
    requires(rank == 2)
  {
    return rows<const Element, extents[1]>(data, extents[0]);
  }
  /// The first `tokens` rows of a buffer: `(tokens, columns)`.
  LACUNA_HD constexpr auto first(extent_t tokens) noexcept
    requires(rank == 2)
  {
    return rows<Element, extents[1]>(data, tokens);
  }
  LACUNA_HD constexpr auto first(extent_t tokens) const noexcept
    requires(rank == 2)
  {
    return rows<const Element, extents[1]>(data, tokens);
  }
};

/// A tensor without data: every figure known at compile time is read from it, so no second formula can drift.
template <class Element, extent_t... Extents>
struct shape_only {
  using element = Element;
  static constexpr extent_t rank = sizeof...(Extents);
  static constexpr extent_t size = (extent_t{1} * ... * Extents);
  static constexpr extent_t extents[sizeof...(Extents) == 0 ? 1 : sizeof...(Extents)]{Extents...};
};

template <class>
inline constexpr bool is_tensor = false;
template <class Element, extent_t... Extents>
inline constexpr bool is_tensor<tensor<Element, Extents...>> = true;
template <class Element, extent_t... Extents>
inline constexpr bool is_tensor<shape_only<Element, Extents...>> = true;

/// A leaf of every walk: a tensor in any role.
template <class Type>
concept Tensor = is_tensor<std::remove_cvref_t<Type>>;

/// In the place of integers where there are gradients: they have none, and a walk that zips both roles passes over
/// them.
struct no_gradient {};

/// Role: the values themselves, stored as `Element`. Integers, which say where values lie or are quantised values, keep
/// their own type.
template <class Element>
struct weights {
  using element = Element;
  static constexpr bool has_integers = true;
  template <extent_t... Extents>
  using tensor = lacuna::tensor<Element, Extents...>;
  template <class Integer, extent_t... Extents>
  using integers = lacuna::tensor<Integer, Extents...>;
};
/// Role: one gradient (or adjoint, or moment) per weight, in the compute type.
template <class Element>
struct gradients {
  using element = compute_t<Element>;
  static constexpr bool has_integers = false;
  template <extent_t... Extents>
  using tensor = lacuna::tensor<compute_t<Element>, Extents...>;
  template <class Integer, extent_t... Extents>
  using integers = no_gradient;
};
/// Role: shapes alone, without a byte of data.
template <class Element>
struct shapes {
  using element = Element;
  static constexpr bool has_integers = true;
  template <extent_t... Extents>
  using tensor = shape_only<Element, Extents...>;
  template <class Integer, extent_t... Extents>
  using integers = shape_only<Integer, Extents...>;
};

/// Memory plan: keep everything that backward needs, for up to `Tokens` tokens.
template <class Value, extent_t Tokens>
struct keep {
  using value = Value;
  static constexpr extent_t tokens = Tokens;
  static constexpr bool keeps = true;
  static constexpr bool overlays = false;
  template <extent_t Columns>
  using buffer = tensor<Value, Tokens, Columns>;
  template <extent_t Columns>
  using saved = tensor<Value, Tokens, Columns>;
};
/// Memory plan: workspace only; children overlap and layers reuse it. Adjoints live in it, too.
template <class Value, extent_t Tokens>
struct reuse {
  using value = Value;
  static constexpr extent_t tokens = Tokens;
  static constexpr bool keeps = false;
  static constexpr bool overlays = true;  ///< whether parts of different types take the same memory in turn
  template <extent_t Columns>
  using buffer = tensor<Value, Tokens, Columns>;
  /// What only backward reads takes no room here.
  template <extent_t Columns>
  using saved = nothing;
};
/// Memory plan: that of `reuse`, but children have memory of their own. Memory that several types use in turn is not
/// known in constant expressions, and this is.
template <class Value, extent_t Tokens>
struct apart : reuse<Value, Tokens> {
  static constexpr bool overlays = false;
};

/// The rows of a `saved` buffer; where the plan has none, `other` in their place: the rows that are overwritten then,
/// or rows without storage.
template <class Saved, class Value, extent_t Columns>
LACUNA_HD constexpr rows<Value, Columns> saved_or(Saved& saved, rows<Value, Columns> other) noexcept {
  if constexpr (requires { saved.first(other.count); })
    return saved.first(other.count);
  else
    return other;
}

namespace detail {

/// Memory of a component that wraps another: what it keeps `Beside` the other's, which is at `inner`, with a plan that
/// keeps; the other's alone elsewhere.
template <class Plan, class Inner, class Beside, bool Keeps = Plan::keeps>
struct memory_beside {
  using type = Inner;
};
template <class Plan, class Inner, class Beside>
struct memory_beside<Plan, Inner, Beside, true> {
  struct type : Beside {
    LACUNA_NO_ADDRESS Inner inner;
  };
};

}  // namespace detail

LACUNA_END
