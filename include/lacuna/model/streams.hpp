#pragma once
/// How many streams the layers of a model can keep apart, and whether they tell the sequences of a stream apart.

#include <lacuna/core/type_list.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct layers_keep_as_many_streams {
  static_assert(
      Fine,
      "lacuna::paged_cache: layers keep different numbers of streams apart (give every attention a paged_cache "
      "with the same streams, and leave out layers with another state)");
};
}  // namespace rules

namespace detail {

/// Of a bound component: what it says in `static constexpr extent_t streams`; without that 0, any number, where it
/// keeps nothing between tokens, and one where it does.
template <class Bound>
inline constexpr extent_t streams_of = [] {
  if constexpr (requires { Bound::streams; })
    return Bound::streams;
  else if constexpr (count_elements<typename Bound::template state<shapes<float>>>() == 0)
    return extent_t{0};
  else
    return extent_t{1};
}();

/// What all of a list agree on.
struct stream_agreement {
  extent_t count = 0;
  bool agreed = true;
};
template <class List>
inline constexpr stream_agreement streams_of_all{};
template <class... Bound>
inline constexpr stream_agreement streams_of_all<type_list<Bound...>> = [] {
  stream_agreement of;
  for (const extent_t count : {extent_t{0}, streams_of<Bound>...}) {
    if (count == 0) continue;
    of.agreed = of.agreed && (of.count == 0 || of.count == count);
    of.count = count;
  }
  return of;
}();

/// Of a bound component: what it says in `static constexpr bool tells_sequences_apart`, which is that rows of one
/// sequence do not depend on those of another; without that, whether it keeps nothing between tokens.
template <class Bound>
inline constexpr bool tells_sequences_apart = [] {
  if constexpr (requires { Bound::tells_sequences_apart; })
    return static_cast<bool>(Bound::tells_sequences_apart);
  else
    return count_elements<typename Bound::template state<shapes<float>>>() == 0;
}();
template <class List>
inline constexpr bool all_tell_sequences_apart = true;
template <class... Bound>
inline constexpr bool all_tell_sequences_apart<type_list<Bound...>> = (true && ... && tells_sequences_apart<Bound>);

}  // namespace detail

LACUNA_END
