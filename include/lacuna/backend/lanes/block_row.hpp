#pragma once
/// One row of one head against a block of 16 keys of the cache, by lanes. Bit j of `bits` says that the row sees key j:
/// what the others hold, be it no number, reaches nothing but `dot_keys` and `dot_values`, and nothing of the row
/// reaches them.

#include <lacuna/backend/lanes/row_dots.hpp>
#include <lacuna/op/attend.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// The keys of a block that a row sees, ascending.
struct seen_keys {
  extent_t key[block_keys];
  extent_t count = 0;
  LACUNA_INLINE explicit seen_keys(std::uint32_t bits) noexcept {
    for (extent_t j = 0; j < block_keys; ++j) {
      key[count] = j;
      count += bits >> j & 1u;
    }
  }
};

template <class Lanes, class Cache>
struct block_row {
  using value = typename Lanes::element;
  static constexpr extent_t width = Cache::head_width, lanes = Lanes::lane_count, per_block = block_keys / lanes;
  static constexpr bool by_column = Cache::values_by_column;
  static constexpr std::uint32_t all = 0xffffu;
  using columns = row_dots<Lanes, width>;

  static LACUNA_INLINE Lanes seen(std::uint32_t bits, extent_t register_at, const Lanes& of) noexcept {
    return bits == all ? of : where_bits(bits >> (register_at * lanes), of, Lanes(0));
  }

  /// Whether the row sees a key of a register.
  static LACUNA_INLINE bool seen_any(std::uint32_t bits, extent_t register_at) noexcept {
    return (bits >> (register_at * lanes) & (all >> (block_keys - lanes))) != 0;
  }

  /// to[j] = row . key j; 0 in registers of which the row sees no key.
  template <class Element>
  static LACUNA_INLINE void dot_keys(value* to, const value* row, std::uint32_t bits, const Element* keys) noexcept {
    dot_columns(to, row, bits, keys, [](extent_t, const Lanes& of) LACUNA_UNROLLED { return of; });
  }
  /// to[j] = row . value j; 0 in the same registers.
  template <class Element>
  static LACUNA_INLINE void dot_values(value* to, const value* row, std::uint32_t bits,
                                       const Element* values) noexcept {
    if constexpr (by_column) {
      dot_keys(to, row, bits, values);
    } else {
      dot_rows(to, bits, values, [&](const auto& rows) LACUNA_UNROLLED { return columns::dots(row, rows); });
    }
  }
  /// to[j] = row . (value j - from); 0 in the same registers.
  template <class Element>
  static LACUNA_INLINE void dot_values_less(value* to, const value* row, const value* from, std::uint32_t bits,
                                            const Element* values) noexcept {
    if constexpr (by_column) {
      dot_columns(to, row, bits, values,
                  [&](extent_t d, const Lanes& of) LACUNA_UNROLLED { return of - Lanes(from[d]); });
    } else {
      dot_rows(to, bits, values,
               [&](const auto& rows) LACUNA_UNROLLED { return columns::dots_of_differences(row, from, rows); });
    }
  }
  /// to += the sum of factors[j] key j.
  template <class Element>
  static LACUNA_INLINE void add_keys(value* to, const value* factors, std::uint32_t bits,
                                     const Element* keys) noexcept {
    for (extent_t d = 0; d < width; d += lanes) {
      Lanes sums[lanes];
      unroll<lanes>([&](extent_t i) LACUNA_UNROLLED { sums[i] = Lanes(0); });
      const extent_t some = width - d < lanes ? width - d : lanes;
      unroll<per_block>([&](extent_t r) LACUNA_UNROLLED {
        if (!seen_any(bits, r)) return;
        const Lanes factor = Lanes::load(factors + r * lanes);
        for (extent_t i = 0; i < some; ++i) {
          const Lanes of = seen(bits, r, Lanes::load(keys + (d + i) * block_keys + r * lanes));
          sums[i] = multiply_add(factor, of, sums[i]);
        }
      });
      if (some == lanes)
        (Lanes::load(to + d) + sum_each<Lanes>(sums)).store(to + d);
      else
        (Lanes::load_part(to + d, some) + sum_each<Lanes>(sums)).store_part(to + d, some);
    }
  }
  /// to += the sum of factors[j] value j.
  template <class Element>
  static LACUNA_INLINE void add_values(value* to, const value* factors, std::uint32_t bits,
                                       const Element* values) noexcept {
    if constexpr (by_column) {
      add_keys(to, factors, bits, values);
    } else {
      const seen_keys of(bits);
      const Element* rows[block_keys];
      value factor[block_keys];
      for (extent_t i = 0; i < of.count; ++i) rows[i] = values + of.key[i] * width, factor[i] = factors[of.key[i]];
      columns::add_rows(to, factor, rows, of.count);
    }
  }
  /// keys += factors row^T.
  static LACUNA_INLINE void add_to_keys(value* keys, const value* factors, std::uint32_t bits,
                                        const value* row) noexcept {
    unroll<per_block>([&](extent_t r) LACUNA_UNROLLED {
      if (!seen_any(bits, r)) return;
      const Lanes factor = Lanes::load(factors + r * lanes);
      value* at = keys + r * lanes;
      if (bits == all)
        for (extent_t d = 0; d < width; ++d)
          multiply_add(factor, Lanes(row[d]), Lanes::load(at + d * block_keys)).store(at + d * block_keys);
      else
        for (extent_t d = 0; d < width; ++d)
          (Lanes::load(at + d * block_keys) + seen(bits, r, factor * Lanes(row[d]))).store(at + d * block_keys);
    });
  }
  /// values += factors row^T.
  static LACUNA_INLINE void add_to_values(value* values, const value* factors, std::uint32_t bits,
                                          const value* row) noexcept {
    if constexpr (by_column) {
      add_to_keys(values, factors, bits, row);
    } else {
      for (; bits != 0; bits &= bits - 1) {
        const auto j = static_cast<extent_t>(__builtin_ctz(bits));
        columns::add(values + j * width, factors[j], row);
      }
    }
  }
  /// The sum of factors[j] key j, block by block: each column has a register of sums, which `end` adds up.
  struct key_sums {
    alignas(64) value sums[width * lanes];
    LACUNA_INLINE key_sums() noexcept {
      for (value& of : sums) of = 0;
    }
    template <class Element>
    LACUNA_INLINE void add(const value* factors, std::uint32_t bits, const Element* keys) noexcept {
      for (extent_t d = 0; d < width; ++d) {
        Lanes sum = Lanes::load(sums + d * lanes);
        unroll<per_block>([&](extent_t r) LACUNA_UNROLLED {
          const Lanes of = seen(bits, r, Lanes::load(keys + d * block_keys + r * lanes));
          sum = multiply_add(Lanes::load(factors + r * lanes), of, sum);
        });
        sum.store(sums + d * lanes);
      }
    }
    /// to += the sums.
    LACUNA_INLINE void end(value* to) const noexcept {
      columns::for_each_register([&](auto in_part, extent_t d) LACUNA_UNROLLED {
        Lanes of[lanes];
        for (extent_t i = 0; i < lanes; ++i) of[i] = d + i < width ? Lanes::load(sums + (d + i) * lanes) : Lanes(0);
        columns::template store<in_part>(columns::template load<in_part>(to + d) + sum_each<Lanes>(of), to + d);
      });
    }
  };

 private:
  /// to[j] = lane j of f(a register of values); 0 in registers of which no key is seen.
  template <class Element, class Function>
  static LACUNA_INLINE void dot_rows(value* to, std::uint32_t bits, const Element* values, Function&& f) noexcept {
    for (extent_t j = 0; j < block_keys; j += lanes) {
      Lanes(0).store(to + j);
      if (!seen_any(bits, j / lanes)) continue;
      const Element* rows[lanes];
      for (extent_t i = 0; i < lanes; ++i) rows[i] = values + (j + i) * width;
      f(rows).store(to + j);
    }
  }
  /// to[j] = the sum over d of row[d] f(d, block[d][j]); 0 in registers of which no key is seen.
  template <class Element, class Function>
  static LACUNA_INLINE void dot_columns(value* to, const value* row, std::uint32_t bits, const Element* block,
                                        Function&& f) noexcept {
    bool whole = true;
    unroll<per_block>([&](extent_t r) LACUNA_UNROLLED { whole = whole && seen_any(bits, r); });
    if (whole)
      dot_registers<per_block>(to, row, block, f);
    else
      unroll<per_block>([&](extent_t r) LACUNA_UNROLLED {
        if (seen_any(bits, r))
          dot_registers<1>(to + r * lanes, row, block + r * lanes, f);
        else
          Lanes(0).store(to + r * lanes);
      });
  }
  /// Even and odd columns apart, so that sums wait less.
  template <extent_t Registers, class Element, class Function>
  static LACUNA_INLINE void dot_registers(value* to, const value* row, const Element* block, Function&& f) noexcept {
    Lanes sums[2][Registers];
    unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { sums[0][r] = sums[1][r] = Lanes(0); });
    const auto step = [&](extent_t set, extent_t d) LACUNA_UNROLLED {
      const Lanes one(row[d]);
      unroll<Registers>([&](extent_t r) LACUNA_UNROLLED {
        sums[set][r] = multiply_add(one, f(d, Lanes::load(block + d * block_keys + r * lanes)), sums[set][r]);
      });
    };
    extent_t d = 0;
    for (; d + 2 <= width; d += 2) step(0, d), step(1, d + 1);
    if constexpr (width % 2 != 0) step(0, d);
    unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { (sums[0][r] + sums[1][r]).store(to + r * lanes); });
  }
};

}  // namespace by_lanes

LACUNA_END
