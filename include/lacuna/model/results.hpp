#pragma once
/// What a model makes of its tokens: logits of some or all of them, or a row for each sequence.

#include <lacuna/core/slots.hpp>
#include <lacuna/tensor/sequences.hpp>

LACUNA_BEGIN

namespace detail {

/// Whether a bound recipe makes a row for each sequence, as an encoder does, and no logits.
template <class Bound>
inline constexpr bool encodes = requires { requires Bound::is_encoder; };
/// Whether one stream takes several sequences.
template <class Bound, class Shared>
inline constexpr bool takes_sequences = [] {
  if constexpr (encodes<Bound>)
    return Bound::sequences > 1;
  else
    return Shared::template reads<sequence_lengths>;
}();
/// Columns of what a bound recipe makes.
template <class Bound>
inline constexpr extent_t result_columns = [] {
  if constexpr (encodes<Bound>)
    return Bound::width;
  else
    return Bound::vocabulary;
}();
/// Rows of it that a model keeps.
template <class Bound, class Plan, bool Trains>
inline constexpr extent_t result_rows = [] {
  if constexpr (encodes<Bound>)
    return Bound::sequences;
  else
    return Trains ? Plan::tokens : extent_t{1};
}();

/// Logits of some tokens only: the last ones of the sequences of a stream.
template <class Each>
struct at_ends {
  sequence_lengths lengths;
  Each& each;
  extent_t sequence = 0;
  extent_t end = 0;

  constexpr at_ends(sequence_lengths of, Each& to) : lengths(of), each(to), end(of.data[0]) {}
  constexpr bool wants(extent_t position) const noexcept { return position + 1 == end; }
  template <class Logits>
  constexpr void operator()(extent_t, const Logits& logits) {
    each(sequence, logits);
    if (++sequence < lengths.count) end += lengths.data[sequence];
  }
};

}  // namespace detail

LACUNA_END
