#pragma once
/// Walks that ask structs of parameters: whether what their tensors say together makes sense, and what they begin with.

#include <lacuna/core/error.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

namespace detail {

/// The beginning of a complaint about one element of a tensor.
constexpr error damaged(const path_text& path, const char* tensor, extent_t at) {
  error wrong(error_kind::value, "tensor '");
  return wrong << path << (path.size() == 0 ? "" : ".") << tensor << "': element " << std::uint64_t{at} << ": ";
}

/// A struct that knows what its tensors have to be like: `try_check(path)`. Where integers are among them, it is for
/// the roles that have them: adjoints and moments have none (`requires(Role::has_integers)`).
template <class Struct>
concept ChecksItself = requires(const Struct& of, const path_text& path) { of.try_check(path); };

/// Asks every struct on the way of a walk.
struct asks_structs {
  status found = nothing{};

  template <class Leaf>
  constexpr void operator()(const char*, const Leaf&) const noexcept {}
  template <class Struct>
  constexpr bool enters(const path_text& path, const Struct& of) {
    if constexpr (ChecksItself<Struct>)
      if (found.ok()) found = of.try_check(path);
    return found.ok();
  }
};

/// Lets structs that begin with something else than zeros do so.
struct initialises_structs {
  template <class Leaf>
  LACUNA_HD constexpr void operator()(Leaf&) const noexcept {}
  template <class Struct>
  LACUNA_HD constexpr void enters(Struct& of) const noexcept {
    if constexpr (requires { of.initialise(); }) of.initialise();
  }
};

}  // namespace detail

/// Whether gradients move the tensors of a struct of parameters: always, unless it says `static constexpr bool
/// learns_by_gradient = false`, as centroids and predictors do, which rules of their own move. Optimisers leave them
/// alone.
template <class Struct>
inline constexpr bool learns_by_gradient = true;
template <class Struct>
  requires requires { Struct::learns_by_gradient; }
inline constexpr bool learns_by_gradient<Struct> = Struct::learns_by_gradient;
/// Whether a struct of parameters begins with drawn numbers of its own, which nothing else should draw: where it says
/// `static constexpr bool begins_drawn = true`.
template <class Struct>
inline constexpr bool begins_drawn = false;
template <class Struct>
  requires requires { Struct::begins_drawn; }
inline constexpr bool begins_drawn<Struct> = Struct::begins_drawn;

/// Asks every struct of parameters that has `try_check(path)`, patterns of sparse weights among them: the first
/// complaint, which begins with the path.
template <class Parameters>
constexpr status try_check_parameters(const Parameters& parameters) {
  detail::asks_structs asks;
  visit_named(asks, parameters);
  return asks.found;
}

/// Calls `initialise()` of every struct of parameters that has it: patterns of sparse weights that are not empty at
/// first.
template <class Parameters>
LACUNA_HD constexpr void initialise_parameters(Parameters& parameters) noexcept {
  visit_tensors(detail::initialises_structs{}, parameters);
}

LACUNA_END
