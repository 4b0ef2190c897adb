#pragma once
/// A recipe that takes several sequences at once, and how sequences are put together.

#include <lacuna/attention/route/within_sequence.hpp>
#include <lacuna/model/substitution.hpp>
#include <lacuna/position/restarting.hpp>

LACUNA_BEGIN

namespace detail {

/// Puts `within_sequence` around routes and `restarting` around positions.
template <class Sequences>
struct packs {};
template <class Type, class Sequences>
inline constexpr bool is_met<Type, packs<Sequences>> =
    same<slot_of<Type>, slots::route> || same<slot_of<Type>, slots::position> ||
    same<slot_of<Type>, slots::embedding_position>;

/// Whether a position depends on where a sequence begins: it is applied to rows, and is not a distance.
template <class Position>
constexpr bool counts_from_the_start() {
  if constexpr (requires { Position::counts_from_the_start; }) {
    return Position::counts_from_the_start;
  } else if constexpr (requires { typename Position::template on_projections<2, 1>::template score_bias<1>; }) {
    return false;
  } else if constexpr (same<slot_of<Position>, slots::embedding_position>) {
    return !same<Position, no_embedding_position>;
  } else {
    return !same<Position, no_position>;
  }
}

template <class Type, class Sequences>
struct packed_position {
  using type = std::conditional_t<counts_from_the_start<Type>(), restarting<Type, Sequences>, Type>;
};
template <class Type, class Sequences>
struct met<Type, packs<Sequences>> : packed_position<Type, Sequences> {};
template <class Type, class Sequences>
  requires same<slot_of<Type>, slots::route>
struct met<Type, packs<Sequences>> {
  using type = within_sequence<Type, Sequences>;
};

}  // namespace detail

/// The recipe for up to N sequences that follow one another in one stream: rows are those that each sequence would have
/// alone. `packed<stories, sequences<8>>`; lengths come at run time (`model.try_forward_sequences`). Parameters and
/// paths are the recipe's own. Routes with spans and positions are wrapped; a part that looks across tokens in another
/// way is refused (see `tells_sequences_apart` in docs/how_to/write_a_policy.md). Source: Zhao et al. (2024),
/// Prepacking, arXiv 2404.09529, section 3.
template <class Recipe, class Sequences>
using packed = typename detail::substituted<Recipe, detail::packs<checked<Sequences, slots::sequences>>>::type;

/// Puts sequences together into passes of at most `tokens` tokens and `most` sequences: `passes[i]` is the pass of
/// sequence i, and the result how many passes there are. The longest first, each into the first pass where it fits; at
/// most 11/9 of the fewest passes and one more, where `most` is no limit. O(count^2). `room` is for 2 count numbers.
/// Errors: a sequence longer than a pass, or without tokens. Source: first fit decreasing, Johnson et al. (1974), SIAM
/// J. Comput. 3(4), and for that bound Dosa (2007); for prompts: Zhao et al. (2024), arXiv 2404.09529, section 3.1.
constexpr outcome<extent_t> try_pack_sequences(sequence_lengths lengths, extent_t tokens, extent_t most,
                                               std::uint32_t* passes, std::uint32_t* room) {
  for (extent_t i = 0; i < lengths.count; ++i)
    if (lengths.data[i] == 0 || lengths.data[i] > tokens)
      return error(error_kind::length, "lacuna::pack_sequences: sequence ")
             << std::uint64_t{i} << ": expected 1 to " << std::uint64_t{tokens} << " tokens, found "
             << std::uint64_t{lengths.data[i]} << " (cut it, or give the recipe a longer context)";
  if (most == 0)
    return error(error_kind::length, "lacuna::pack_sequences: expected passes of at least one sequence, found 0");
  constexpr std::uint32_t none = 0xffffffffu;
  const std::uint32_t most_room = tokens < none ? static_cast<std::uint32_t>(tokens) : none;
  for (extent_t i = 0; i < lengths.count; ++i) passes[i] = none;
  extent_t count = 0;
  for (extent_t placed = 0; placed < lengths.count; ++placed) {
    extent_t longest = lengths.count;
    for (extent_t i = 0; i < lengths.count; ++i)
      if (passes[i] == none && (longest == lengths.count || lengths.data[i] > lengths.data[longest])) longest = i;
    std::uint32_t* const held = room + lengths.count;
    extent_t pass = 0;
    while (pass < count && (room[pass] < lengths.data[longest] || held[pass] >= most)) ++pass;
    if (pass == count) room[count] = most_room, held[count++] = 0;
    room[pass] -= lengths.data[longest];
    ++held[pass];
    passes[longest] = static_cast<std::uint32_t>(pass);
  }
  return count;
}

LACUNA_END
