#pragma once
/// The walk that asks structs of parameters whether what their tensors say together makes sense.

#include <lacuna/core/error.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

namespace detail {

/// A struct that knows what its tensors have to be like: `try_check(path)`.
template <class Struct>
concept ChecksItself = requires(const Struct& of, const path_text& path) { of.try_check(path); };

/// Walks as `visit_named` does, and asks every struct on its way.
struct checking_walk {
  status found = nothing{};
  path_text path{};

  template <class Place>
  constexpr void operator()(const char* name, const Place& place) {
    const extent_t length = path.size();
    if (*name != '\0') {
      if (length != 0) path << '.';
      path << name;
    }
    enter(place);
    path.cut(length);
  }
  template <class Place>
  constexpr void operator()(const char* name, extent_t number, const Place& place) {
    const extent_t length = path.size();
    if (length != 0) path << '.';
    path << name << '.' << static_cast<std::uint64_t>(number);
    enter(place);
    path.cut(length);
  }

 private:
  template <class Place>
  constexpr void enter(const Place& place) {
    if constexpr (!Tensor<Place>) {
      if constexpr (ChecksItself<Place>)
        if (found.ok()) found = place.try_check(path);
      Place::visit(*this, place);
    }
  }
};
}  // namespace detail

/// Asks every struct of parameters that has `try_check(path)`, patterns of sparse weights among them: the first
/// complaint, which begins with the path.
template <class Parameters>
constexpr status try_check_parameters(const Parameters& parameters) {
  detail::checking_walk walk;
  walk("", parameters);
  return walk.found;
}

LACUNA_END
