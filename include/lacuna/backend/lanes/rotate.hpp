#pragma once
/// Rotations by lanes. The angles of one position serve all heads of its token: they are spread to whole registers once
/// per token, so that a register of columns needs one product with the cosines and one, neighbours exchanged, with the
/// sines.

#include <lacuna/backend/lanes/unroll.hpp>
#include <lacuna/op/rotate.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// The least common multiple.
constexpr extent_t common_multiple(extent_t a, extent_t b) {
  extent_t multiple = a;
  while (multiple % b != 0) multiple += a;
  return multiple;
}

/// Pairs of neighbours: x' = x cos + exchanged(x) (-sin, +sin).
template <class Lanes, extent_t Columns, extent_t Rotated, extent_t HeadWidth>
void rotate_neighbours(rows<typename Lanes::element, Columns> x,
                       const rotation_table<typename Lanes::element, Rotated, HeadWidth>& table, extent_t first,
                       bool backward) noexcept {
  using value = typename Lanes::element;
  constexpr extent_t lanes = Lanes::lane_count, whole = Columns / lanes * lanes, left = Columns - whole;
  // The angles repeat with every head; registers and heads begin together again after their common multiple.
  constexpr extent_t period = common_multiple(HeadWidth, lanes);
  constexpr extent_t spread = period < Columns ? period : (Columns + lanes - 1) / lanes * lanes;
  alignas(64) value cosine[spread], sine[spread];
  for (extent_t t = 0; t < x.count; ++t) {
    const value *c = table.cosine.row(first + t), *s = table.sine.row(first + t);
    for (extent_t i = 0; i < spread / 2; ++i) {
      const extent_t pair = i % (HeadWidth / 2);
      if (pair >= Rotated / 2) {
        // Columns that pass: turned by nothing.
        cosine[2 * i] = cosine[2 * i + 1] = 1;
        sine[2 * i] = sine[2 * i + 1] = 0;
        continue;
      }
      cosine[2 * i] = cosine[2 * i + 1] = c[pair];
      sine[2 * i] = backward ? s[pair] : -s[pair];
      sine[2 * i + 1] = backward ? -s[pair] : s[pair];
    }
    value* row = x.row(t);
    for (extent_t at = 0; at < whole; at += lanes) {
      const Lanes of = Lanes::load(row + at);
      multiply_add(of, Lanes::load(cosine + at % spread), neighbours_exchanged(of) * Lanes::load(sine + at % spread))
          .store(row + at);
    }
    if constexpr (left != 0) {
      const Lanes of = Lanes::load_part(row + whole, left);
      constexpr extent_t from = whole % spread;
      multiply_add(of, Lanes::load(cosine + from), neighbours_exchanged(of) * Lanes::load(sine + from))
          .store_part(row + whole, left);
    }
  }
}

/// Pairs (i, i + half): the two halves of what turns are two stretches of columns.
template <class Lanes, extent_t Columns, extent_t Rotated, extent_t HeadWidth>
void rotate_halves(rows<typename Lanes::element, Columns> x,
                   const rotation_table<typename Lanes::element, Rotated, HeadWidth>& table, extent_t first,
                   bool backward) noexcept {
  constexpr extent_t lanes = Lanes::lane_count, half = Rotated / 2, whole = half / lanes * lanes, left = half - whole;
  const Lanes sign(backward ? -1 : 1);
  for (extent_t t = 0; t < x.count; ++t) {
    const auto *c = table.cosine.row(first + t), *s = table.sine.row(first + t);
    for (extent_t head = 0; head < Columns; head += HeadWidth) {
      auto* a = x.row(t) + head;
      auto* b = a + half;
      for (extent_t i = 0; i < whole; i += lanes) {
        const Lanes cosine = Lanes::load(c + i), sine = sign * Lanes::load(s + i);
        const Lanes one = Lanes::load(a + i), other = Lanes::load(b + i);
        (one * cosine - other * sine).store(a + i);
        multiply_add(one, sine, other * cosine).store(b + i);
      }
      if constexpr (left != 0) {
        const Lanes cosine = Lanes::load_part(c + whole, left), sine = sign * Lanes::load_part(s + whole, left);
        const Lanes one = Lanes::load_part(a + whole, left), other = Lanes::load_part(b + whole, left);
        (one * cosine - other * sine).store_part(a + whole, left);
        multiply_add(one, sine, other * cosine).store_part(b + whole, left);
      }
    }
  }
}

/// Rotates every head of x in place: see `op::rotate`.
template <class Lanes, rotary_pairs Pairs, extent_t Columns, extent_t Rotated, extent_t HeadWidth>
void rotate(rows<typename Lanes::element, Columns> x,
            const rotation_table<typename Lanes::element, Rotated, HeadWidth>& table, extent_t first,
            bool backward) noexcept {
  if constexpr (Pairs == rotary_pairs::neighbours)
    rotate_neighbours<Lanes>(x, table, first, backward);
  else
    rotate_halves<Lanes>(x, table, first, backward);
}

}  // namespace by_lanes

LACUNA_END
