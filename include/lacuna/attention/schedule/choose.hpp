#pragma once
/// Which loop order serves a composition: chosen from its traits, never filled in by the user, always with the reason.

#include <lacuna/core/config.hpp>

LACUNA_BEGIN

/// The loop orders.
enum class schedule : std::uint8_t {
  planned_tiles  ///< block plan, keys in blocks of 16, online fold
};

/// A schedule and the sentence that `describe` prints.
struct schedule_choice {
  schedule what;
  const char* why;
};

/// The schedule of a score and a normaliser over any route that offers spans.
template <class Score, class Normaliser>
constexpr schedule_choice choose() {
  static_assert(Score::is_dot && Normaliser::one_pass, "lacuna::attention: the slots admit no other parts");
  return {schedule::planned_tiles, "plain dot product, one-pass normaliser, route with spans"};
}

LACUNA_END
