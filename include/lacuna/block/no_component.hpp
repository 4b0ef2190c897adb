#pragma once
/// What stands for a block or a sublayer after a complaint, so that nothing else is reported.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/place.hpp>
#include <lacuna/norm/no_norm.hpp>

LACUNA_BEGIN

/// No tensors, no state, no work; it never runs.
struct no_component {
  using slot = slots::block;
  using closing_norm = no_norm;
  static constexpr auto role = fixed_string("no_component");

  template <class At>
  struct bound {
    using out = At;
    static constexpr extent_t layers = 1;
    template <class Role>
    struct parameters : no_tensors<no_component> {};
    template <class Role>
    struct state : no_tensors<no_component> {};
    template <class Plan>
    using memory = nothing;
    template <class Target>
    using derived = nothing;
    template <class Plan>
    using shares = type_list<>;

    template <class... Arguments>
    LACUNA_HD static constexpr void refresh(const Arguments&...) {}
    template <class... Arguments>
    LACUNA_HD static constexpr void initialise(const Arguments&...) {}
    template <class... Arguments>
    LACUNA_HD static constexpr void forward(const Arguments&...) {}
    template <class... Arguments>
    LACUNA_HD static constexpr void backward(const Arguments&...) {}
    static constexpr std::uint64_t multiply_adds(extent_t, extent_t) { return 0; }
    template <class Function>
    static constexpr void facts(Function&&) {}
    template <class Function>
    static constexpr void schedules(Function&&) {}
  };
};

namespace detail {

/// A block, bound; the stand-in where something else is written in its place.
template <class Block, class At>
using bound_block =
    typename std::conditional_t<same<slot_of<Block>, slots::block>, Block, no_component>::template bound<At>;

}  // namespace detail

LACUNA_END
