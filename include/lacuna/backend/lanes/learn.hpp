#pragma once
/// What optimisers do, by lanes.

#include <lacuna/core/lane_maths.hpp>
#include <lacuna/op/learn.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// Calls `whole(first)` for every register of numbers, then `part(first, numbers)` for the rest.
template <class Lanes, class Whole, class Part>
LACUNA_INLINE void for_registers(extent_t count, Whole&& whole, Part&& part) noexcept {
  extent_t i = 0;
  for (; i + Lanes::lane_count <= count; i += Lanes::lane_count) whole(i);
  if (i < count) part(i, count - i);
}

/// See `op::add_numbers`.
template <class Lanes>
void add_numbers(rows<typename Lanes::element, 1> y, rows<const typename Lanes::element, 1> x) noexcept {
  for_registers<Lanes>(
      y.count, [&](extent_t i) { (Lanes::load(y.data + i) + Lanes::load(x.data + i)).store(y.data + i); },
      [&](extent_t i, extent_t left) {
        (Lanes::load_part(y.data + i, left) + Lanes::load_part(x.data + i, left)).store_part(y.data + i, left);
      });
}

/// See `op::sum_squares`: sums of 32 registers in the lanes' type.
template <class Lanes>
double sum_squares(rows<const typename Lanes::element, 1> x) noexcept {
  constexpr extent_t stretch = 32 * Lanes::lane_count;
  double total = 0;
  for (extent_t from = 0; from < x.count; from += stretch) {
    Lanes sum(0);
    for_registers<Lanes>(
        x.count - from < stretch ? x.count - from : stretch,
        [&](extent_t i) {
          const Lanes of = Lanes::load(x.data + from + i);
          sum = multiply_add(of, of, sum);
        },
        [&](extent_t i, extent_t left) {
          const Lanes of = Lanes::load_part(x.data + from + i, left);
          sum = multiply_add(of, of, sum);
        });
    total += static_cast<double>(sum_of(sum));
  }
  return total;
}

/// See `op::adam_step`.
template <class Lanes>
void adam_step(rows<typename Lanes::element, 1> weight, rows<const typename Lanes::element, 1> gradient,
               rows<typename Lanes::element, 1> first, rows<typename Lanes::element, 1> second,
               const adam_numbers<typename Lanes::element>& by) noexcept {
  for_registers<Lanes>(
      weight.count,
      [&](extent_t i) {
        Lanes w = Lanes::load(weight.data + i), m = Lanes::load(first.data + i), v = Lanes::load(second.data + i);
        operation::adam_step::apply(w, Lanes::load(gradient.data + i), m, v, by);
        w.store(weight.data + i), m.store(first.data + i), v.store(second.data + i);
      },
      [&](extent_t i, extent_t left) {
        Lanes w = Lanes::load_part(weight.data + i, left), m = Lanes::load_part(first.data + i, left);
        Lanes v = Lanes::load_part(second.data + i, left);
        operation::adam_step::apply(w, Lanes::load_part(gradient.data + i, left), m, v, by);
        w.store_part(weight.data + i, left), m.store_part(first.data + i, left), v.store_part(second.data + i, left);
      });
}

/// See `op::momentum_step`.
template <class Lanes>
void momentum_step(rows<typename Lanes::element, 1> weight, rows<const typename Lanes::element, 1> gradient,
                   rows<typename Lanes::element, 1> moment,
                   const momentum_numbers<typename Lanes::element>& by) noexcept {
  for_registers<Lanes>(
      weight.count,
      [&](extent_t i) {
        Lanes w = Lanes::load(weight.data + i), m = Lanes::load(moment.data + i);
        operation::momentum_step::apply(w, Lanes::load(gradient.data + i), m, by);
        w.store(weight.data + i), m.store(moment.data + i);
      },
      [&](extent_t i, extent_t left) {
        Lanes w = Lanes::load_part(weight.data + i, left), m = Lanes::load_part(moment.data + i, left);
        operation::momentum_step::apply(w, Lanes::load_part(gradient.data + i, left), m, by);
        w.store_part(weight.data + i, left), m.store_part(moment.data + i, left);
      });
}

}  // namespace by_lanes

LACUNA_END
