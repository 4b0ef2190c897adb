#pragma once
/// Which loop order serves a composition: chosen from its traits, never filled in by the user, always with the reason.

#include <lacuna/op/normalise.hpp>

LACUNA_BEGIN

/// The loop orders.
enum class schedule : std::uint8_t {
  planned_tiles,    ///< block plan, keys in blocks of 16, online fold
  two_passes,       ///< the same plan twice: first what the row sums up to, then its weights
  state_scan,       ///< features of a prefix: a state in place of keys
  feature_pairs,    ///< features on a route that leaves keys out: pair by pair
  along_edges,      ///< neighbour lists: a graph's edges one by one
  mean_of_branches  ///< branches one after the other, each normalised for itself
};

/// A schedule and the sentence that `describe` prints.
struct schedule_choice {
  schedule what;
  const char* why;
};

/// The schedule of a score and a normaliser over any route that offers spans.
template <class Score, class Normaliser>
constexpr schedule_choice choose() {
  static_assert(Score::is_dot, "lacuna::attention: the slots admit no other parts");
  if constexpr (normalisation_of<Normaliser> == normalisation::one_pass)
    return {schedule::planned_tiles, "plain dot product, one-pass normaliser, route with spans"};
  else
    return {schedule::two_passes, "plain dot product, but weights need the whole row first: two passes"};
}

LACUNA_END
