#pragma once
/// The walk over named tensors: one `visit` line per struct serves counting, loading, optimisers and figures.
///
/// A struct of tensors has `template <class V, class... S> static constexpr void visit(V&& v, S&... s)` that calls
/// `v("name", s.name...)` for each member; structs of several roles are zipped: `visit(f, weights, gradients)`.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/tensor/tensor.hpp>

LACUNA_BEGIN

/// A dotted path such as `blocks.3.attention.query.weight`.
using path_text = text_buffer<160>;

namespace detail {

/// Whether a place of a zipped walk has nothing to be visited: integers beside gradients.
template <class... Places>
inline constexpr bool is_passed_over = (same<std::remove_const_t<Places>, no_gradient> || ...);

/// Appends a member's name to a path, and returns how long the path was.
constexpr extent_t append_name(path_text& path, const char* name) {
  const extent_t length = path.size();
  if (*name != '\0') {
    if (length != 0) path << '.';
    path << name;
  }
  return length;
}

/// One function per member and walk, since a model has many of both and each is compiled.
template <class Function>
struct named_walk {
  Function& function;
  path_text& path;

  template <class First, class... Rest>
  constexpr void operator()(const char* name, First& first, Rest&... rest) {
    if constexpr (!is_passed_over<First, Rest...>) {
      const extent_t length = append_name(path, name);
      enter(first, rest...);
      path.cut(length);
    }
  }
  /// A numbered member: `blocks.3`.
  template <class First, class... Rest>
  constexpr void operator()(const char* name, extent_t number, First& first, Rest&... rest) {
    if constexpr (!is_passed_over<First, Rest...>) {
      const extent_t length = append_name(path, name);
      path << '.' << static_cast<std::uint64_t>(number);
      enter(first, rest...);
      path.cut(length);
    }
  }

 private:
  /// A tensor, or the members of a struct, of which a function that has `enters(path, struct...)` is asked first.
  template <class First, class... Rest>
  LACUNA_INLINE constexpr void enter(First& first, Rest&... rest) {
    if constexpr (Tensor<First>)
      function(static_cast<const char*>(path.c_str()), first, rest...);
    else if constexpr (requires { function.enters(path, first, rest...); }) {
      if (function.enters(path, first, rest...)) std::remove_const_t<First>::visit(*this, first, rest...);
    } else
      std::remove_const_t<First>::visit(*this, first, rest...);
  }
};

template <class Function>
struct plain_walk {
  Function& function;
  template <class First, class... Rest>
  LACUNA_HD constexpr void operator()(const char*, First& first, Rest&... rest) {
    if constexpr (is_passed_over<First, Rest...>)
      return;
    else if constexpr (Tensor<First>)
      function(first, rest...);
    else {
      if constexpr (requires { function.enters(first, rest...); }) function.enters(first, rest...);
      std::remove_const_t<First>::visit(*this, first, rest...);
    }
  }
  template <class First, class... Rest>
  LACUNA_HD constexpr void operator()(const char* name, extent_t, First& first, Rest&... rest) {
    (*this)(name, first, rest...);
  }
};

}  // namespace detail

/// Calls `f(path, tensor...)` for every tensor of the structs, zipped, in declaration order. A function object may have
/// `enters(path, struct...)`, too, which sees each struct before its members, and says whether these are visited.
template <class Function, class... Structs>
constexpr void visit_named(Function&& f, Structs&... structs) {
  path_text path;
  detail::named_walk<Function> walk{f, path};
  walk("", structs...);
}

/// Calls `f(tensor...)` for every tensor of the structs, zipped, in declaration order; no text is built. A
/// function object may have `enters(struct...)`, too, which sees each struct before its members.
template <class Function, class... Structs>
LACUNA_HD constexpr void visit_tensors(Function&& f, Structs&... structs) {
  detail::plain_walk<Function> walk{f};
  walk("", structs...);
}

/// Values in all tensors of a struct (of any role); what says where values lie is not counted.
template <class Struct>
constexpr extent_t count_elements() {
  extent_t total = 0;
  Struct walked{};
  visit_tensors([&]<class Leaf>(const Leaf&) { total += is_pattern<typename Leaf::element> ? 0 : Leaf::size; }, walked);
  return total;
}

/// Bytes that the elements of all tensors of a struct take, without padding.
template <class Struct>
constexpr extent_t count_bytes() {
  extent_t total = 0;
  Struct walked{};
  visit_tensors([&]<class Leaf>(const Leaf&) { total += Leaf::size * sizeof(typename Leaf::element); }, walked);
  return total;
}

/// Base of a struct without tensors. The owner keeps two of them apart, so that both can take no room.
template <class Owner>
struct no_tensors {
  template <class Visitor, class... Structs>
  LACUNA_HD static constexpr void visit(Visitor&&, Structs&...) noexcept {}
};

LACUNA_END
