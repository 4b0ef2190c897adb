#pragma once
/// Rows that lie anywhere, by lanes over their columns: several products at once, and sums.

#include <lacuna/backend/lanes/unroll.hpp>
#include <lacuna/core/lane_maths.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// Lane i is the sum over the lanes of register i.
template <class Lanes>
LACUNA_INLINE Lanes sum_each(const Lanes (&of)[Lanes::lane_count]) noexcept {
  if constexpr (requires { sums_across(of); }) {
    return sums_across(of);
  } else {
    Lanes turned[Lanes::lane_count];
    for (extent_t i = 0; i < Lanes::lane_count; ++i) turned[i] = of[i];
    transpose(turned);
    for (extent_t i = 1; i < Lanes::lane_count; ++i) turned[0] = turned[0] + turned[i];
    return turned[0];
  }
}

/// Rows of `Columns` numbers, of which nothing beyond is read or written.
template <class Lanes, extent_t Columns>
struct row_dots {
  using value = typename Lanes::element;
  static constexpr extent_t lanes = Lanes::lane_count, whole = Columns / lanes * lanes, left = Columns - whole;

  template <bool InPart, class Element>
  static LACUNA_INLINE Lanes load(const Element* from) noexcept {
    if constexpr (InPart)
      return Lanes::load_part(from, left);
    else
      return Lanes::load(from);
  }
  template <bool InPart>
  static LACUNA_INLINE void store(const Lanes& of, value* to) noexcept {
    if constexpr (InPart)
      of.store_part(to, left);
    else
      of.store(to);
  }
  /// Calls `f(whether in part, column)` for each register of a row.
  template <class Function>
  static LACUNA_INLINE void for_each_register(Function&& f) noexcept {
    for (extent_t c = 0; c < whole; c += lanes) f(constant<bool, false>{}, c);
    if constexpr (left != 0) f(constant<bool, true>{}, whole);
  }

  /// Lane i is the product of `with` and row i.
  template <class Element>
  static LACUNA_INLINE Lanes dots(const value* with, const Element* const (&rows)[lanes]) noexcept {
    Lanes sums[lanes];
    unroll<lanes>([&](extent_t i) LACUNA_UNROLLED { sums[i] = Lanes(0); });
    for_each_register([&](auto in_part, extent_t c) LACUNA_UNROLLED {
      const Lanes right = held(load<in_part>(with + c));
      unroll<lanes>([&](extent_t i)
                        LACUNA_UNROLLED { sums[i] = multiply_add(load<in_part>(rows[i] + c), right, sums[i]); });
    });
    return sum_each<Lanes>(sums);
  }
  /// Lane i is the product of `with` and row i less `from`.
  template <class Element>
  static LACUNA_INLINE Lanes dots_of_differences(const value* with, const value* from,
                                                 const Element* const (&rows)[lanes]) noexcept {
    Lanes sums[lanes];
    unroll<lanes>([&](extent_t i) LACUNA_UNROLLED { sums[i] = Lanes(0); });
    for_each_register([&](auto in_part, extent_t c) LACUNA_UNROLLED {
      const Lanes right = held(load<in_part>(with + c)), less = held(load<in_part>(from + c));
      unroll<lanes>([&](extent_t i)
                        LACUNA_UNROLLED { sums[i] = multiply_add(load<in_part>(rows[i] + c) - less, right, sums[i]); });
    });
    return sum_each<Lanes>(sums);
  }
  /// Lane i is the sum of row i.
  static LACUNA_INLINE Lanes sums(const value* const (&rows)[lanes]) noexcept {
    Lanes sums[lanes];
    unroll<lanes>([&](extent_t i) LACUNA_UNROLLED { sums[i] = Lanes(0); });
    for_each_register([&](auto in_part, extent_t c) LACUNA_UNROLLED {
      unroll<lanes>([&](extent_t i) LACUNA_UNROLLED { sums[i] = sums[i] + load<in_part>(rows[i] + c); });
    });
    return sum_each<Lanes>(sums);
  }
  /// to += factor from.
  static LACUNA_INLINE void add(value* to, value factor, const value* from) noexcept {
    for_each_register([&](auto in_part, extent_t c) LACUNA_UNROLLED {
      store<in_part>(multiply_add(Lanes(factor), load<in_part>(from + c), load<in_part>(to + c)), to + c);
    });
  }
  /// to += the sum of factor times row over `count` rows; a few registers stay while the rows pass.
  template <class Element>
  static LACUNA_INLINE void add_rows(value* to, const value* factors, const Element* const* rows,
                                     extent_t count) noexcept {
    constexpr extent_t at_once = 4, strips = whole / (at_once * lanes), rest = whole / lanes % at_once;
    for (extent_t s = 0; s < strips; ++s) add_strip<at_once, false>(to, factors, rows, count, s * at_once * lanes);
    if constexpr (rest != 0) add_strip<rest, false>(to, factors, rows, count, strips * at_once * lanes);
    if constexpr (left != 0) add_strip<1, true>(to, factors, rows, count, whole);
  }

 private:
  template <extent_t Registers, bool InPart, class Element>
  static LACUNA_INLINE void add_strip(value* to, const value* factors, const Element* const* rows, extent_t count,
                                      extent_t column) noexcept {
    Lanes sums[Registers];
    unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { sums[r] = load<InPart>(to + column + r * lanes); });
    for (extent_t i = 0; i < count; ++i) {
      const Lanes factor(factors[i]);
      const Element* from = rows[i] + column;
      unroll<Registers>(
          [&](extent_t r) LACUNA_UNROLLED { sums[r] = multiply_add(factor, load<InPart>(from + r * lanes), sums[r]); });
    }
    unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { store<InPart>(sums[r], to + column + r * lanes); });
  }
};

}  // namespace by_lanes

LACUNA_END
