#pragma once
/// The score of attention: how a query and a key become a logarithmic weight.

#include <concepts>
#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/maths.hpp>
#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

struct dot;

namespace slots {
/// `dot`, `plain_dot`, `dot_by_width`, or your own with `is_dot = true` and `scale(head_width)` or
/// `scale(head_width, width)`; or a feature map: `favor<64>`, `hyperbolic_favor<64>`, `relu_features`, or your own with
/// `is_dot = false`, `count`, `projections`, `draw` and `map` (attention/score/favor.hpp); or one that brings the
/// schedule that computes it and says `brings_schedule = true`: `edge_modulated<6>`.
struct score {
  using stand_in = dot;
  template <class Policy>
  static constexpr bool multiplies = requires {
    requires Policy::is_dot;
  } && (requires { Policy::scale(extent_t{1}) + 1.0; } || requires { Policy::scale(extent_t{1}, extent_t{1}) + 1.0; });
  template <class Policy>
  static constexpr bool maps = requires(double* to) {
    requires !Policy::is_dot;
    { Policy::count(extent_t{1}) + Policy::projections(extent_t{1}) } -> std::convertible_to<extent_t>;
    Policy::draw(to, extent_t{1});
    Policy::template map<double, 2>(to);
  };
  template <class Policy>
  static constexpr bool brings_its_own = requires { requires Policy::brings_schedule; };
  template <class Policy>
  static constexpr bool accepts = multiplies<Policy> || maps<Policy> || brings_its_own<Policy>;
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

/// s = q.k: where queries or keys are normalised. Sources: the Reformer and the Routing Transformer.
struct plain_dot {
  using slot = slots::score;
  static constexpr auto name = fixed_string("plain_dot");
  static constexpr bool is_dot = true;

  static constexpr double scale(extent_t) { return 1.0; }
};

/// s = q.k, a token's own key lowered by 100000: it sees itself only where it sees nothing else. For queries that are
/// keys, too, and so most like themselves. Source: Kitaev et al. (2020), arXiv 2001.04451, section 2; the released
/// code.
struct plain_dot_to_others : plain_dot {
  using slot = slots::score;
  static constexpr auto name = fixed_string("plain_dot_to_others");
  static constexpr int own_penalty = 100000;
};

/// s = q.k / sqrt(width of the stream), whatever the heads. Source: Zhu et al. (2023), BiFormer, arXiv 2303.08810, the
/// released code.
struct dot_by_width {
  using slot = slots::score;
  static constexpr auto name = fixed_string("dot_by_width");
  static constexpr bool is_dot = true;

  static constexpr double scale(extent_t, extent_t width) { return 1.0 / maths::sqrt(static_cast<double>(width)); }
};

LACUNA_END
