#pragma once
/// Columns convolved over the rows by lanes: a strip of columns at a time, whose taps are turned first.

#include <lacuna/backend/lanes/unroll.hpp>
#include <lacuna/core/lane_maths.hpp>
#include <lacuna/op/convolve_rows.hpp>

LACUNA_BEGIN

namespace by_lanes {

template <class Lanes, extent_t Columns, extent_t Kernel>
struct convolution_executor {
  using value = typename Lanes::element;
  static constexpr extent_t lanes = Lanes::lane_count, half = Kernel / 2;
  /// Registers of a strip, whose sums wait for each other less than those of one.
  static constexpr extent_t at_once = 4;
  /// And of a strip whose taps stay in registers; 0 where they are too many.
  static constexpr extent_t fitting = (Lanes::register_count - 3) / (Kernel + 1);
  static constexpr extent_t held_at_once = fitting < at_once ? fitting : at_once;
  static constexpr extent_t whole = Columns / lanes, left = Columns % lanes;
  /// Whether the turned taps and their adjoints take no more than 64 KiB.
  static constexpr bool fits = 2 * Kernel * at_once * lanes * sizeof(value) <= extent_t{1} << 16;

  /// Taps whose rows are there, for row t of `count`: row t + u - half is row `from` + u - begin.
  static LACUNA_INLINE operation::convolution::range taps_of(extent_t t, extent_t count) noexcept {
    return {t < half ? half - t : 0, count - t < Kernel - half ? count - t + half : Kernel};
  }

  template <extent_t Registers, extent_t Part>
  struct strip {
    static constexpr extent_t last = Part != 0 ? Registers - 1 : Registers;
    static constexpr extent_t width = Registers * lanes, some = last * lanes + Part;

    static LACUNA_INLINE Lanes load(auto r, const value* from) noexcept {
      if constexpr (r == last)
        return Lanes::load_part(from + r * lanes, Part);
      else
        return Lanes::load(from + r * lanes);
    }
    static LACUNA_INLINE void store(auto r, const Lanes& of, value* to) noexcept {
      if constexpr (r == last)
        of.store_part(to + r * lanes, Part);
      else
        of.store(to + r * lanes);
    }
    /// [column][tap] to [tap][column].
    template <class Element>
    static LACUNA_INLINE void turn(value* to, matrix<const Element, Columns, Kernel> weight, extent_t column) noexcept {
      for (extent_t c = 0; c < some; ++c)
        for (extent_t u = 0; u < Kernel; ++u) to[u * width + c] = static_cast<value>(widen(weight.row(column + c)[u]));
    }

    template <class Element>
    static void forward(rows<value, Columns> y, rows<const value, Columns> x,
                        matrix<const Element, Columns, Kernel> weight, extent_t column) noexcept {
      alignas(64) value taps[Kernel * width]{};
      turn(taps, weight, column);
      const auto step = [&](extent_t t, extent_t begin, extent_t end) LACUNA_UNROLLED {
        Lanes sums[Registers];
        unroll<Registers>([&](auto r) LACUNA_UNROLLED { sums[r] = load(r, y.row(t) + column); });
        for (extent_t u = begin; u < end; ++u) {
          const value* from = x.row(t + u - half) + column;
          unroll<Registers>([&](auto r) LACUNA_UNROLLED {
            sums[r] = multiply_add(Lanes::load(taps + u * width + r * lanes), load(r, from), sums[r]);
          });
        }
        unroll<Registers>([&](auto r) LACUNA_UNROLLED { store(r, sums[r], y.row(t) + column); });
      };
      // Rows that all taps reach, with the taps in registers; those at the ends.
      const extent_t first = x.count < Kernel ? x.count : half, last_whole = x.count < Kernel ? 0 : x.count - half;
      for (extent_t t = 0; t < first; ++t) step(t, taps_of(t, x.count).begin, taps_of(t, x.count).end);
      if constexpr (Registers <= held_at_once) {
        Lanes held_taps[Kernel][Registers];
        unroll<Kernel>([&](extent_t u) LACUNA_UNROLLED {
          unroll<Registers>([&](extent_t r)
                                LACUNA_UNROLLED { held_taps[u][r] = held(Lanes::load(taps + u * width + r * lanes)); });
        });
        for (extent_t t = first; t < last_whole; ++t)
          unroll<Registers>([&](auto r) LACUNA_UNROLLED {
            Lanes sum = load(r, y.row(t) + column);
            unroll<Kernel>([&](extent_t u) LACUNA_UNROLLED {
              sum = multiply_add(held_taps[u][r], load(r, x.row(t + u - half) + column), sum);
            });
            store(r, sum, y.row(t) + column);
          });
      } else {
        for (extent_t t = first; t < last_whole; ++t) step(t, 0, Kernel);
      }
      for (extent_t t = first < last_whole ? last_whole : first; t < x.count; ++t)
        step(t, taps_of(t, x.count).begin, taps_of(t, x.count).end);
    }
    template <class Element>
    static void backward(rows<value, Columns> dx, matrix<value, Columns, Kernel> dweight, rows<const value, Columns> dy,
                         rows<const value, Columns> x, matrix<const Element, Columns, Kernel> weight,
                         extent_t column) noexcept {
      alignas(64) value taps[Kernel * width]{}, dtaps[Kernel * width]{};
      turn(taps, weight, column);
      for (extent_t t = 0; t < dy.count; ++t) {
        const auto of = taps_of(t, dy.count);
        Lanes adjoint[Registers];
        unroll<Registers>([&](auto r) LACUNA_UNROLLED { adjoint[r] = load(r, dy.row(t) + column); });
        for (extent_t u = of.begin; u < of.end; ++u) {
          const value* from = x.row(t + u - half) + column;
          value *to = dx.row(t + u - half) + column, *sum = dtaps + u * width;
          unroll<Registers>([&](auto r) LACUNA_UNROLLED {
            store(r, multiply_add(Lanes::load(taps + u * width + r * lanes), adjoint[r], load(r, to)), to);
            multiply_add(adjoint[r], load(r, from), Lanes::load(sum + r * lanes)).store(sum + r * lanes);
          });
        }
      }
      for (extent_t c = 0; c < some; ++c)
        for (extent_t u = 0; u < Kernel; ++u) dweight.row(column + c)[u] += dtaps[u * width + c];
    }
  };

  /// Calls `f(strip, column)` for all columns, `Most` registers at a time.
  template <extent_t Most, class Function>
  static LACUNA_INLINE void for_each_strip(Function&& f) noexcept {
    constexpr extent_t strips = whole / Most, rest = whole % Most;
    for (extent_t s = 0; s < strips; ++s) f(strip<Most, 0>{}, s * Most * lanes);
    if constexpr (rest != 0 || left != 0) f(strip<rest + (left != 0 ? 1 : 0), left>{}, strips * Most * lanes);
  }
};

/// y(t, c) += the sum over u of weight(c, u) x(t + u - kernel / 2, c): see `op::convolve_rows`.
template <class Lanes, extent_t Columns, class Element, extent_t Kernel>
void convolve_rows(rows<typename Lanes::element, Columns> y, rows<const typename Lanes::element, Columns> x,
                   matrix<const Element, Columns, Kernel> weight) noexcept {
  using work = convolution_executor<Lanes, Columns, Kernel>;
  constexpr extent_t most = work::held_at_once != 0 ? work::held_at_once : work::at_once;
  work::template for_each_strip<most>([&](auto strip, extent_t column) { strip.forward(y, x, weight, column); });
}

/// Adjoints of both: see `op::convolve_rows_backward`.
template <class Lanes, extent_t Columns, class Element, extent_t Kernel>
void convolve_rows_backward(rows<typename Lanes::element, Columns> dx,
                            matrix<typename Lanes::element, Columns, Kernel> dweight,
                            rows<const typename Lanes::element, Columns> dy,
                            rows<const typename Lanes::element, Columns> x,
                            matrix<const Element, Columns, Kernel> weight) noexcept {
  using work = convolution_executor<Lanes, Columns, Kernel>;
  work::template for_each_strip<work::at_once>(
      [&](auto strip, extent_t column) { strip.backward(dx, dweight, dy, x, weight, column); });
}

}  // namespace by_lanes

LACUNA_END
