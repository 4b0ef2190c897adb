#pragma once
/// What attention's keys and values are taken from; and the ordinary source: the tokens themselves.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

struct tokens;

namespace slots {
/// `tokens`, or what stands in their place or beside them. Any other source brings the schedule that reads it:
/// `template <class Shape, class Parts> struct schedule` (see attention/schedule/planned_tiles.hpp for what that is).
struct source {
  using stand_in = tokens;
};
}  // namespace slots

/// A key and a value per token.
struct tokens {
  using slot = slots::source;
  static constexpr auto name = fixed_string("tokens");
};

LACUNA_END
