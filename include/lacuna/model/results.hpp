#pragma once
/// What a model makes of what it is given: logits of some or all tokens, a row for each sequence, or a forecast.

#include <lacuna/core/slots.hpp>
#include <lacuna/tensor/sequences.hpp>

LACUNA_BEGIN

namespace detail {

/// Whether a bound recipe makes a row for each sequence, as an encoder does, and no logits.
template <class Bound>
inline constexpr bool encodes = requires { requires Bound::is_encoder; };
/// Whether a bound recipe makes a forecast of a window.
template <class Bound>
inline constexpr bool regresses = requires { requires Bound::is_regressor; };
/// Columns of the windows that it takes.
template <class Bound>
inline constexpr extent_t window_columns = [] {
  if constexpr (regresses<Bound>)
    return Bound::series;
  else
    return extent_t{1};
}();
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
  else if constexpr (regresses<Bound>)
    return Bound::variates;
  else
    return Bound::vocabulary;
}();
/// Rows of it that a model keeps.
template <class Bound, class Plan, bool Trains>
inline constexpr extent_t result_rows = [] {
  if constexpr (encodes<Bound>)
    return Bound::sequences;
  else if constexpr (regresses<Bound>)
    return Bound::horizon;
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
