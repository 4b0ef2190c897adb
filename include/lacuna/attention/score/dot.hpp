#pragma once
/// The score of attention: how a query and a key become a logarithmic weight.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/maths.hpp>
#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

struct dot;

namespace slots {
/// `dot`, or your own: `scale(head_width)` and `is_dot`.
struct score {
  using stand_in = dot;
  template <class Policy>
  static constexpr bool accepts = requires {
    { Policy::scale(extent_t{1}) + 1.0 };
    requires Policy::is_dot;
  };
  template <class Policy>
  struct refused {
    static_assert(
        always_false<Policy>,
        "lacuna::score: the policy does not offer scale and is_dot = true (derive it from lacuna::dot and redefine "
        "scale)");
  };
};
}  // namespace slots

/// s = q.k / sqrt(head width). Source: Vaswani et al. (2017), arXiv 1706.03762, eq. (1).
struct dot {
  using slot = slots::score;
  static constexpr auto name = fixed_string("dot");
  static constexpr bool is_dot = true;

  static constexpr double scale(extent_t head_width) { return 1.0 / maths::sqrt(static_cast<double>(head_width)); }
};

LACUNA_END
