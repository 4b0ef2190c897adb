#pragma once
/// Where a component stands in a model.

#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

/// Columns of the input and output, and the longest stream. Recipes are bound to a place; users never write widths.
template <extent_t Width, extent_t Context>
struct place {
  static constexpr extent_t width = Width;
  static constexpr extent_t context = Context;
};

struct no_component;

/// Whether rows of a bound component see tokens behind themselves; a component that does says
/// `static constexpr bool sees_ahead = true`.
template <class Bound>
inline constexpr bool sees_ahead = [] {
  if constexpr (requires { Bound::sees_ahead; })
    return static_cast<bool>(Bound::sees_ahead);
  else
    return false;
}();

/// Whether a bound component overwrites what backward would read; one that does says
/// `static constexpr bool forgets = true`.
template <class Bound>
inline constexpr bool forgets = [] {
  if constexpr (requires { Bound::forgets; })
    return static_cast<bool>(Bound::forgets);
  else
    return false;
}();
/// Whether one of a list of bound components does.
template <class List>
inline constexpr bool some_forget = false;
template <class... Bound>
inline constexpr bool some_forget<type_list<Bound...>> = (false || ... || forgets<Bound>);
/// Whether one of a list of bound components lets later tokens decide which earlier ones a row sees; one that does says
/// `static constexpr bool selection_leaks = true`.
template <class Bound>
inline constexpr bool selection_leaks = requires { requires Bound::selection_leaks; };
template <class List>
inline constexpr bool some_selection_leaks = false;
template <class... Bound>
inline constexpr bool some_selection_leaks<type_list<Bound...>> = (false || ... || selection_leaks<Bound>);
namespace detail {

/// Hands `f(name, weight, value)` the auxiliary losses that a bound component kept in its memory, if it has any: one
/// that does has `losses(memory, f)`. Components that hold others ask them through this.
template <class Bound, class Memory, class Function>
constexpr void visit_losses_of(Memory& memory, Function& f) {
  if constexpr (requires { Bound::losses(memory, f); }) Bound::losses(memory, f);
}

/// Hands a walk over taps (tensor/taps.hpp) on to a bound component, if it has any or holds others: it has
/// `taps(memory, walk)` then.
template <class Bound, class Memory, class Walk>
constexpr void visit_taps_of(Memory& memory, Walk& walk) {
  if constexpr (requires { Bound::taps(memory, walk); }) Bound::taps(memory, walk);
}
/// Layers that a bound block numbers on: 0 for what stands inside a block.
template <class Bound>
inline constexpr extent_t layers_of_bound = [] {
  if constexpr (requires { Bound::layers; })
    return static_cast<extent_t>(Bound::layers);
  else
    return extent_t{0};
}();

}  // namespace detail

namespace slots {
/// What stands inside a residual block: `attention<...>`, `ffn<...>`, `skip`, or a component of your own.
struct sublayer {
  using stand_in = no_component;
};
/// What decoders, `repeat`, `stack` and `shared` hold: `pre_norm<...>`, `peri_norm<...>`, `repeat<...>`, `stack<...>`,
/// ...
struct block {
  using stand_in = no_component;
};
}  // namespace slots

namespace detail {

/// The sublayers in a list of parts, bound, through all blocks that say at which `inner_place` their parts stand.
template <class Parts, class At>
struct bound_inside;
template <class Part, class At>
struct bound_part {
  using type = type_list<>;
};
template <class Part, class At>
  requires same<slot_of<Part>, slots::sublayer>
struct bound_part<Part, At> {
  using type = type_list<typename Part::template bound<At>>;
};
template <class Part, class At>
  requires requires { typename Part::template inner_place<At>; }
struct bound_part<Part, At> : bound_inside<typename Part::parts, typename Part::template inner_place<At>> {};
template <class... Parts, class At>
struct bound_inside<type_list<Parts...>, At> {
  using type = join<typename bound_part<Parts, At>::type...>;
};

}  // namespace detail

LACUNA_END
