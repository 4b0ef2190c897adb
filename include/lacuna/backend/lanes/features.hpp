#pragma once
/// Feature maps by lanes, and the plain product that they are made of: see op/features.hpp and op/scan.hpp.

#include <lacuna/backend/lanes/row_dots.hpp>
#include <lacuna/op/features.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// Room that a kernel takes for features and turned directions, at most.
inline constexpr extent_t most_room_of_features = extent_t{1} << 18;

/// What the kernels know of a feature map.
enum class feature_kind : std::uint8_t { own_functions, exponential, rectified };
template <class Map>
inline constexpr feature_kind feature_kind_of = feature_kind::own_functions;
template <class Value, extent_t HeadWidth, extent_t Directions, bool BothSigns>
inline constexpr feature_kind feature_kind_of<exponential_features<Value, HeadWidth, Directions, BothSigns>> =
    feature_kind::exponential;
template <class Value, extent_t HeadWidth>
inline constexpr feature_kind feature_kind_of<rectified_features<Value, HeadWidth>> = feature_kind::rectified;

/// `count` rounded up to whole registers.
template <class Lanes>
constexpr extent_t whole_registers(extent_t count) {
  return (count + Lanes::lane_count - 1) / Lanes::lane_count * Lanes::lane_count;
}

/// c (+)= a b for `Columns` columns: a at `a[row * a_row + k * a_step]`, the rows of b and c `b_stride` and `c_stride`
/// apart. Every element is one sum in the order of k.
template <class Lanes, extent_t Columns>
struct plain_product {
  using value = typename Lanes::element;
  static constexpr extent_t lanes = Lanes::lane_count;
  static constexpr bool wide = lanes >= 16;
  /// 24 sums in 32 registers, or 12 in 16.
  static constexpr extent_t rows_at_once = wide ? 6 : 4;
  static constexpr extent_t registers_at_once = wide ? 4 : 3;
  static constexpr extent_t across = whole_registers<Lanes>(Columns) / lanes, part = Columns % lanes;

  struct factors {
    value* c;
    extent_t c_stride;
    const value* a;
    extent_t a_row, a_step;
    const value* b;
    extent_t b_stride, depth;
  };

  template <bool InPart>
  static LACUNA_INLINE Lanes load(const value* from) noexcept {
    if constexpr (InPart)
      return Lanes::load_part(from, part);
    else
      return Lanes::load(from);
  }
  template <bool InPart>
  static LACUNA_INLINE void store(const Lanes& of, value* to) noexcept {
    if constexpr (InPart)
      of.store_part(to, part);
    else
      of.store(to);
  }
  template <extent_t Rows, extent_t First, extent_t Registers, bool Continues>
  static void tile(const factors& of, extent_t row) noexcept {
    constexpr extent_t last = First + Registers == across && part != 0 ? Registers - 1 : Registers;
    value* c = of.c + row * of.c_stride + First * lanes;
    const value *a = of.a + row * of.a_row, *b = of.b + First * lanes;
    Lanes sums[Rows][Registers];
    unroll<Rows>([&](extent_t i) LACUNA_UNROLLED {
      unroll<Registers>([&](auto r) LACUNA_UNROLLED {
        if constexpr (Continues)
          sums[i][r] = load < r == last > (c + i * of.c_stride + r * lanes);
        else
          sums[i][r] = Lanes(0);
      });
    });
    for (extent_t k = 0; k < of.depth; ++k) {
      Lanes right[Registers];
      unroll<Registers>([&](auto r)
                            LACUNA_UNROLLED { right[r] = held(load < r == last > (b + k * of.b_stride + r * lanes)); });
      unroll<Rows>([&](extent_t i) LACUNA_UNROLLED {
        const Lanes left(a[i * of.a_row + k * of.a_step]);
        unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { sums[i][r] = multiply_add(left, right[r], sums[i][r]); });
      });
    }
    unroll<Rows>([&](extent_t i) LACUNA_UNROLLED {
      unroll<Registers>([&](auto r) LACUNA_UNROLLED { store<r == last>(sums[i][r], c + i * of.c_stride + r * lanes); });
    });
  }
  template <extent_t First, extent_t Registers, bool Continues>
  static void strip(const factors& of, extent_t rows) noexcept {
    extent_t row = 0;
    for (; row + rows_at_once <= rows; row += rows_at_once) tile<rows_at_once, First, Registers, Continues>(of, row);
    unroll<rows_at_once - 1>([&](auto less) LACUNA_UNROLLED {
      if (rows - row == less + 1) tile<less + 1, First, Registers, Continues>(of, row);
    });
  }
  template <bool Continues>
  static void run(const factors& of, extent_t rows) noexcept {
    constexpr extent_t strips = across / registers_at_once, rest = across % registers_at_once;
    unroll<strips>([&](auto s)
                       LACUNA_UNROLLED { strip<s * registers_at_once, registers_at_once, Continues>(of, rows); });
    if constexpr (rest != 0) strip<strips * registers_at_once, rest, Continues>(of, rows);
  }
};

/// The features of rows, by lanes where the map is known. They are written as whole registers: `stride` apart, 0 behind
/// the last feature.
template <class Lanes, extent_t HeadWidth, class Map, extent_t Features>
struct feature_rows {
  using value = typename Lanes::element;
  using columns = row_dots<Lanes, HeadWidth>;
  static constexpr extent_t lanes = Lanes::lane_count, whole = HeadWidth / lanes * lanes, left = HeadWidth - whole;
  static constexpr extent_t stride = whole_registers<Lanes>(Features);
  static constexpr feature_kind kind = feature_kind_of<Map>;
  static constexpr bool projects = kind == feature_kind::exponential;
  static constexpr extent_t projections = projects ? Map::projections : 0;
  static constexpr extent_t padded = whole_registers<Lanes>(projects ? projections : 1);
  /// Numbers that are held beside the state: the directions by columns.
  static constexpr extent_t held_numbers = projects ? HeadWidth * padded : 1;

  const Map& map;
  alignas(64) value turned[held_numbers];

  explicit feature_rows(const Map& of) noexcept : map(of) {
    if constexpr (projects) turn();
  }
  /// Features of `count` rows, and their scales.
  void form(const value* x, extent_t x_stride, extent_t count, value* phi, extent_t phi_stride, value* scale,
            extent_t scale_stride) const noexcept {
    if constexpr (projects) {
      // The products are formed in place; with both signs in the first half.
      using product = plain_product<Lanes, projections>;
      product::template run<false>({phi, phi_stride, x, x_stride, 1, turned, padded, HeadWidth}, count);
    }
    for (extent_t row = 0; row < count; ++row)
      scale[row * scale_stride] = finish(x + row * x_stride, phi + row * phi_stride);
  }
  /// dx += what dphi says: see op/scan.hpp.
  void add_adjoint(const value* x, const value* phi, const value* dphi, value* dx) const noexcept {
    if constexpr (kind == feature_kind::exponential)
      add_exponential_adjoint(x, phi, dphi, dx);
    else if constexpr (kind == feature_kind::rectified)
      columns::for_each_register([&](auto in_part, extent_t d) LACUNA_UNROLLED {
        const Lanes through = columns::template load<in_part>(dphi + d) * Lanes(map.shrink);
        const Lanes seen =
            maths::where(maths::less(Lanes(0), columns::template load<in_part>(x + d)), through, Lanes(0));
        columns::template store<in_part>(columns::template load<in_part>(dx + d) + seen, dx + d);
      });
    else
      map.add_adjoint(x, phi, dphi, dx);
  }

 private:
  void turn() noexcept {
    const value* of = map.directions;
    constexpr extent_t square = projections / lanes * lanes;
    for (extent_t r = 0; r < square; r += lanes) {
      for (extent_t d = 0; d < whole; d += lanes) {
        Lanes block[lanes];
        for (extent_t i = 0; i < lanes; ++i) block[i] = Lanes::load(of + (r + i) * HeadWidth + d);
        transpose(block);
        for (extent_t i = 0; i < lanes; ++i) block[i].store(turned + (d + i) * padded + r);
      }
      for (extent_t d = whole; d < HeadWidth; ++d)
        for (extent_t i = 0; i < lanes; ++i) turned[d * padded + r + i] = of[(r + i) * HeadWidth + d];
    }
    for (extent_t d = 0; d < HeadWidth; ++d)
      for (extent_t r = square; r < padded; ++r)
        turned[d * padded + r] = r < projections ? of[r * HeadWidth + d] : value(0);
  }
  value finish(const value* x, value* phi) const noexcept {
    if constexpr (kind == feature_kind::exponential) {
      return finish_exponential(x, phi);
    } else if constexpr (kind == feature_kind::rectified) {
      columns::for_each_register([&](auto in_part, extent_t d) LACUNA_UNROLLED {
        columns::template store<in_part>(
            maths::larger(columns::template load<in_part>(x + d) * Lanes(map.shrink), Lanes(0)) + Lanes(map.offset),
            phi + d);
      });
      clear_rest(phi);
      return 0;
    } else {
      const value scale = map.apply(x, phi);
      clear_rest(phi);
      return scale;
    }
  }
  static LACUNA_INLINE void clear_rest(value* phi) noexcept {
    for (extent_t r = Features; r < stride; ++r) phi[r] = 0;
  }
  value finish_exponential(const value* x, value* phi) const noexcept {
    constexpr bool both = Features == 2 * projections;
    constexpr extent_t full = projections / lanes * lanes, rest = projections - full;
    Lanes squares(0), top(-maths::infinity<value>());
    columns::for_each_register([&](auto in_part, extent_t d) LACUNA_UNROLLED {
      const Lanes of = columns::template load<in_part>(x + d);
      squares = multiply_add(of, of, squares);
    });
    const Lanes shrink(map.shrink), lowest = top;
    for (extent_t r = 0; r < full; r += lanes) {
      const Lanes of = Lanes::load(phi + r) * shrink;
      of.store(phi + r);
      top = maths::larger(of, top);
      if constexpr (both) top = maths::larger(-of, top);
    }
    if constexpr (rest != 0) {
      const Lanes of = Lanes::load_part(phi + full, rest) * shrink;
      of.store_part(phi + full, rest);
      top = maths::larger(first_lanes(rest, of, lowest), top);
      if constexpr (both) top = maths::larger(first_lanes(rest, -of, lowest), top);
    }
    const value largest = largest_of(top);
    const Lanes shift(largest);
    const auto write = [&](auto in_part, extent_t r) LACUNA_UNROLLED {
      const Lanes of = in_part ? Lanes::load_part(phi + r, rest) : Lanes::load(phi + r);
      const Lanes up = maths::exp(of - shift);
      if constexpr (in_part)
        up.store_part(phi + r, rest);
      else
        up.store(phi + r);
      if constexpr (both) {
        const Lanes down = maths::exp(-of - shift);
        if constexpr (in_part)
          down.store_part(phi + projections + r, rest);
        else
          down.store(phi + projections + r);
      }
    };
    for (extent_t r = 0; r < full; r += lanes) write(constant<bool, false>{}, r);
    if constexpr (rest != 0) write(constant<bool, true>{}, full);
    clear_rest(phi);
    return largest - sum_of(squares) * (map.shrink * map.shrink / value(2));
  }
  /// d phi_r = phi_r (+-w_r - x') dx'.
  void add_exponential_adjoint(const value* x, const value* phi, const value* dphi, value* dx) const noexcept {
    constexpr bool both = Features == 2 * projections;
    alignas(64) value along[stride];
    Lanes through(0);
    for (extent_t r = 0; r < stride; r += lanes) {
      const Lanes of = Lanes::load(phi + r) * Lanes::load(dphi + r);
      of.store(along + r);
      through = through + of;
    }
    const value through_square = sum_of(through) * map.shrink * map.shrink;
    for (extent_t r = 0; r < projections; ++r)
      along[r] = (both ? along[r] - along[projections + r] : along[r]) * map.shrink;
    columns::for_each_register([&](auto in_part, extent_t d) LACUNA_UNROLLED {
      columns::template store<in_part>(
          columns::template load<in_part>(dx + d) - Lanes(through_square) * columns::template load<in_part>(x + d),
          dx + d);
    });
    plain_product<Lanes, HeadWidth>::template run<true>(
        {dx, HeadWidth, along, stride, 1, map.directions, HeadWidth, projections}, 1);
  }
};

}  // namespace by_lanes

LACUNA_END
