#pragma once
/// Attention with linear biases: the further a key, the lower its score.

#include <lacuna/core/maths.hpp>
#include <lacuna/position/slots.hpp>
#include <lacuna/tensor/rows.hpp>

LACUNA_BEGIN

/// The bias of `alibi`, added to a score after scaling: -slope(head) |query - key|.
/// `Heads` slopes; one multiplication per score.
///
/// Slopes are computed in f64, at compile time: head a = 1, ..., Heads has 2^(-8a / Heads) where Heads is a power of
/// two. Otherwise the first heads have the slopes of the next lower power p, and the others every second slope of 2p,
/// from its first on. The slopes are members, since device code cannot index a static array.
/// Source: Press, Smith and Lewis (2021), arXiv 2108.12409, section 3; other numbers of heads as in the authors' code.
template <extent_t Heads>
struct alibi_bias {
  static constexpr bool present = true;
  double slopes[Heads]{};

  LACUNA_HD constexpr alibi_bias() noexcept {
    constexpr slope_table table;
    for (extent_t head = 0; head < Heads; ++head) slopes[head] = table.of[head];
  }
  /// -slope(head) distance, for single values and for lanes.
  template <class Value>
  LACUNA_HD LACUNA_INLINE constexpr Value operator()(extent_t head, Value distance) const noexcept {
    return Value(-slopes[head]) * distance;
  }

 private:
  struct slope_table {
    double of[Heads]{};

    LACUNA_HD constexpr slope_table() noexcept {
      extent_t power = 1;
      while (2 * power <= Heads) power *= 2;
      for (extent_t head = 0; head < Heads; ++head)
        of[head] = head < power ? slope(head + 1, power) : slope(2 * (head - power) + 1, 2 * power);
    }
    /// 2^(-8a / power); exact where that is a power of two.
    LACUNA_HD static constexpr double slope(extent_t a, extent_t power) noexcept {
      const double rest = static_cast<double>(8 * a % power) / static_cast<double>(power);
      return maths::power_of_two(-static_cast<int>(8 * a / power), 0.0) * maths::power(2.0, -rest);
    }
  };
};

/// Queries and keys pass unchanged; every score is lowered by its distance times a slope of its head. No parameters.
/// `(tokens, heads * head_width)` in place, nothing done; one multiplication per score. Under routes that see ahead the
/// distance counts in both directions.
/// Source: Press, Smith and Lewis (2021), arXiv 2108.12409, section 3.
struct alibi {
  using slot = slots::position;
  static constexpr auto name = fixed_string("alibi");

  template <extent_t HeadWidth, extent_t Context>
  struct on_projections {
    template <class Value>
    using shares = type_list<>;
    template <extent_t Heads>
    using score_bias = alibi_bias<Heads>;
    template <class Value, extent_t Columns, class Run>
    LACUNA_HD static constexpr void apply(rows<Value, Columns>, bool, const Run&) {}
  };
};

LACUNA_END
