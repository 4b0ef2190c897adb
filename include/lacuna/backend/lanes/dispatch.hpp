#pragma once
/// Rows to experts and back by lanes.

#include <lacuna/op/dispatch.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// Calls `whole(column)` for each register of a row, and `part(column, count)` for what is left.
template <class Lanes, extent_t Columns, class Whole, class Part>
LACUNA_INLINE void each_register(Whole&& whole, Part&& part) noexcept {
  constexpr extent_t lanes = Lanes::lane_count, end = Columns / lanes * lanes;
  for (extent_t c = 0; c < end; c += lanes) whole(c);
  if constexpr (end < Columns) part(end, Columns - end);
}

/// to += factor * from, one row.
template <class Lanes, extent_t Columns>
LACUNA_INLINE void add_scaled(typename Lanes::element* to, const typename Lanes::element* from, Lanes factor) noexcept {
  each_register<Lanes, Columns>(
      [&](extent_t c) { multiply_add(Lanes::load(from + c), factor, Lanes::load(to + c)).store(to + c); },
      [&](extent_t c, extent_t left) {
        multiply_add(Lanes::load_part(from + c, left), factor, Lanes::load_part(to + c, left)).store_part(to + c, left);
      });
}

/// to(r) = x(token of r): see `op::dispatch`.
template <class Lanes, extent_t Columns, extent_t Chosen>
void dispatch(rows<typename Lanes::element, Columns> to, rows<const typename Lanes::element, Columns> x,
              const assignments<Chosen>& of) noexcept {
  for (extent_t r = 0; r < of.count; ++r) {
    const auto* from = x.row(of.token(r));
    auto* at = to.row(r);
    each_register<Lanes, Columns>(
        [&](extent_t c) { Lanes::load(from + c).store(at + c); },
        [&](extent_t c, extent_t left) { Lanes::load_part(from + c, left).store_part(at + c, left); });
  }
}
/// dx(token of r) += dto(r): see `op::dispatch_backward`.
template <class Lanes, extent_t Columns, extent_t Chosen>
void dispatch_backward(rows<typename Lanes::element, Columns> dx, rows<const typename Lanes::element, Columns> dto,
                       const assignments<Chosen>& of) noexcept {
  for (extent_t r = 0; r < of.count; ++r) add_scaled<Lanes, Columns>(dx.row(of.token(r)), dto.row(r), Lanes(1));
}

/// y(token of r) += gate of r * from(r): see `op::combine`.
template <class Lanes, extent_t Columns, extent_t Chosen>
void combine(rows<typename Lanes::element, Columns> y, rows<const typename Lanes::element, Columns> from,
             rows<const typename Lanes::element, Chosen> gate, const assignments<Chosen>& of) noexcept {
  for (extent_t r = 0; r < of.count; ++r)
    add_scaled<Lanes, Columns>(y.row(of.token(r)), from.row(r), Lanes(gate(of.token(r), of.choice(r))));
}
/// The adjoints of rows and gates: see `op::combine_backward`.
template <class Lanes, extent_t Columns, extent_t Chosen>
void combine_backward(rows<typename Lanes::element, Columns> dfrom, rows<typename Lanes::element, Chosen> dgate,
                      rows<const typename Lanes::element, Columns> dy,
                      rows<const typename Lanes::element, Columns> from,
                      rows<const typename Lanes::element, Chosen> gate, const assignments<Chosen>& of) noexcept {
  for (extent_t r = 0; r < of.count; ++r) {
    const extent_t token = of.token(r);
    const auto *down = dy.row(token), *row = from.row(r);
    auto* to = dfrom.row(r);
    const Lanes factor(gate(token, of.choice(r)));
    Lanes sum(0);
    each_register<Lanes, Columns>(
        [&](extent_t c) {
          const Lanes of_token = Lanes::load(down + c);
          sum = multiply_add(of_token, Lanes::load(row + c), sum);
          (factor * of_token).store(to + c);
        },
        [&](extent_t c, extent_t left) {
          const Lanes of_token = Lanes::load_part(down + c, left);
          sum = multiply_add(of_token, Lanes::load_part(row + c, left), sum);
          (factor * of_token).store_part(to + c, left);
        });
    dgate(token, of.choice(r)) = sum_of(sum);
  }
}

}  // namespace by_lanes

LACUNA_END
