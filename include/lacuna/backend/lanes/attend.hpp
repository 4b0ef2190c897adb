#pragma once
/// The executor of block plans by lanes: tiles of 16 query rows, and single rows (decoding) with grouped heads.
///
/// A few visible blocks of 16 keys at a time: scores, exponentials, sum of values. Sources: op/attend.hpp.

#include <lacuna/backend/lanes/attention_fold.hpp>
#include <lacuna/backend/lanes/unroll.hpp>
#include <lacuna/core/in_turn.hpp>

LACUNA_BEGIN

namespace by_lanes {

template <class Lanes, extent_t Heads, class Cache, class Rule>
struct attention_executor : attention_fold<Lanes, Rule> {
  using folding = attention_fold<Lanes, Rule>;
  using value = typename Lanes::element;
  using fold = typename folding::fold;
  using seen_row = typename folding::seen_row;
  using folding::per_block, folding::two_passes;
  static constexpr extent_t width = Cache::head_width, group = Heads / Cache::kv_heads;
  static constexpr extent_t lanes = Lanes::lane_count, columns = Heads * width;
  /// Registers of one head's columns, the last perhaps in part.
  static constexpr extent_t across = (width + lanes - 1) / lanes;
  static constexpr bool by_column = Cache::values_by_column;
  /// What 32 registers hold, and what 16 do.
  static constexpr bool wide = lanes >= 16;

  struct arguments {
    rows<value, columns> mixed;
    rows<value, Heads> log_scale;
    rows<const value, columns> query;
    const Cache& cache;
    const block_plan_view& plan;
    const Rule& rule;
  };

  static LACUNA_INLINE void finish(const arguments& a, extent_t t, extent_t head, const fold& of) noexcept {
    if (a.log_scale.data != nullptr) a.log_scale(t, head) = folding::kept(of);
  }

  // ---- Tiles of 16 rows.

  /// Blocks whose scores are held at once. A causal window of 256 keys is 17 blocks, 9 and 8 of them.
  static constexpr extent_t tile_blocks = wide ? 9 : 6;
  /// Rows and registers of one tile of sums: 16 of 32 registers (24 where three registers of keys go together), or 12
  /// of 16.
  static constexpr extent_t rows_at_once = wide ? 8 : 4;
  static constexpr extent_t registers_at_once = wide ? 2 : 3;
  static_assert(rows_at_once % 4 == 0, "lacuna::attend: rows are weighed by fours (make rows_at_once a multiple of 4)");
  static constexpr extent_t passes = paired_rows / rows_at_once;  ///< over the same keys or values
  /// Blocks of keys and values that are asked for ahead of their use. Where they lie the plan alone says, and no
  /// processor foresees it; more of them would push each other out of the first cache.
  static constexpr extent_t blocks_ahead = 2;
  /// Rows of the result that are asked for with every few keys.
  static constexpr extent_t rows_with_keys = 2;

  /// scores[row][keys of Registers registers] = queries . keys, for the first `count` rows: 0 in passes whose bit says
  /// that none of their rows sees these keys. Each pass asks for a block, the first ones for what follows.
  template <extent_t Registers, class Element, class Ahead>
  static LACUNA_INLINE void score_keys(value* scores, const value* queries, const Element* const (&keys)[Registers],
                                       extent_t stride, extent_t count, std::uint32_t hidden,
                                       const Ahead* const (&ahead)[passes]) noexcept {
    for (extent_t first = 0; first < count; first += rows_at_once, hidden >>= 1) {
      const Ahead* const next = ahead[first / rows_at_once];
      Lanes sums[rows_at_once][Registers];
      unroll<rows_at_once>([&](extent_t row) LACUNA_UNROLLED {
        unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { sums[row][r] = Lanes(0); });
      });
      const value* q = queries + first * width;
      for (extent_t d = (hidden & 1u) != 0 ? width : 0; d < width; ++d) {
        __builtin_prefetch(next + d * block_keys);
        Lanes k[Registers];
        unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { k[r] = held(Lanes::load(keys[r] + d * block_keys)); });
        unroll<rows_at_once>([&](extent_t row) LACUNA_UNROLLED {
          const Lanes one(q[row * width + d]);
          unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { sums[row][r] = multiply_add(one, k[r], sums[row][r]); });
        });
      }
      unroll<rows_at_once>([&](extent_t row) LACUNA_UNROLLED {
        unroll<Registers>([&](extent_t r)
                              LACUNA_UNROLLED { sums[row][r].store(scores + (first + row) * stride + r * lanes); });
      });
    }
  }
  /// A bit for each pass none of whose rows sees a key of the blocks [from, to] of a tile.
  template <extent_t Most>
  static LACUNA_INLINE std::uint32_t hidden_passes(const block_tile<Most>& tile, extent_t from, extent_t to) noexcept {
    std::uint32_t hidden = (std::uint32_t{1} << passes) - 1;
    for (extent_t b = from; b <= to && hidden != 0; ++b)
      for (extent_t pass = 0; pass < passes; ++pass)
        if (tile.template shows<rows_at_once>(b, pass * rows_at_once)) hidden &= ~(std::uint32_t{1} << pass);
    return hidden;
  }
  /// Rows of whole passes, of `rows` each, that hold `count` rows.
  static constexpr extent_t in_passes(extent_t count, extent_t rows = rows_at_once) {
    return (count + rows - 1) / rows * rows;
  }

  /// outputs[row][Registers registers of columns] = what they were, shrunk, + weights . values, keys in turn, of all
  /// passes that hold the first `count` rows. The first pass asks for the values that it reads later; the last one,
  /// over the last columns, for the first keys of the next tile.
  template <extent_t Registers, class Element, extent_t Most>
  static LACUNA_INLINE void mix_columns(value* outputs, const value* shrinks, const value* weights, extent_t stride,
                                        const Cache& cache, extent_t kv, const block_tile<Most>& tile, extent_t column,
                                        extent_t last_part, const Element*, const block_tile<Most>& next,
                                        extent_t count) noexcept {
    const bool last = column + Registers * lanes >= width;
    // Each block of values that is read asks for so many rows of a block of keys; narrow heads have few of them.
    constexpr bool asks_many = width >= Registers * block_keys;
    constexpr extent_t rows_asked = asks_many ? Registers * block_keys : width < block_keys ? width : block_keys;
    constexpr extent_t turns_of_a_block = (width + rows_asked - 1) / rows_asked;
    extent_t turn = 0;
    for (extent_t first = 0; first < count; first += rows_at_once) {
      Lanes sums[rows_at_once][Registers];
      value* to = outputs + first * across * lanes + column;
      unroll<rows_at_once>([&](extent_t row) LACUNA_UNROLLED {
        const Lanes shrink(shrinks[first + row]);
        unroll<Registers>([&](extent_t r) LACUNA_UNROLLED {
          sums[row][r] = Lanes::load(to + row * across * lanes + r * lanes) * shrink;
        });
      });
      for (extent_t b = 0; b < tile.count; ++b) {
        const Element* v = cache.value_block(tile.block[b], kv) + column;
        const value* p = weights + first * stride + b * block_keys;
        const std::uint32_t seen = tile.template seen<rows_at_once>(b, first);
        if (seen == 0) continue;
        const Element* ahead = v;
        extent_t row_step = 0, step = 0;
        if (first == 0 && b + blocks_ahead < tile.count) {
          ahead = cache.value_block(tile.block[b + blocks_ahead], kv) + column;
          row_step = width, step = lanes;
        } else if (last && first + rows_at_once >= count) {
          const extent_t block = turn / turns_of_a_block, row = turn % turns_of_a_block * rows_asked;
          if (rows_asked >= block_keys && block < blocks_ahead && block < next.count) {
            const extent_t first_row = row + rows_asked < width ? row : width - rows_asked;
            ahead = cache.key_block(next.block[block], kv) + first_row * block_keys;
            row_step = rows_asked, step = asks_many ? block_keys : 0;
            ++turn;
          }
        }
        const auto mix_keys = [&](extent_t first_key, extent_t end_key) LACUNA_UNROLLED {
          for (extent_t j = first_key; j < end_key; ++j) {
            unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { __builtin_prefetch(ahead + j * row_step + r * step); });
            Lanes of[Registers];
            unroll<Registers>([&](extent_t r) LACUNA_UNROLLED {
              of[r] = held(r + 1 == Registers && last_part != 0 ? Lanes::load_part(v + j * width + r * lanes, last_part)
                                                                : Lanes::load(v + j * width + r * lanes));
            });
            unroll<rows_at_once>([&](extent_t row) LACUNA_UNROLLED {
              const Lanes one(p[row * stride + j]);
              unroll<Registers>([&](extent_t r)
                                    LACUNA_UNROLLED { sums[row][r] = multiply_add(one, of[r], sums[row][r]); });
            });
          }
        };
        // Of blocks at the edge of what rows see, a half is often seen by none; all others have a constant number of
        // turns.
        if (tile.masks[b] == nullptr) [[likely]]
          mix_keys(0, block_keys);
        else
          mix_keys(static_cast<extent_t>(__builtin_ctz(seen)), static_cast<extent_t>(32 - __builtin_clz(seen)));
      }
      unroll<rows_at_once>([&](extent_t row) LACUNA_UNROLLED {
        unroll<Registers>([&](extent_t r)
                              LACUNA_UNROLLED { sums[row][r].store(to + row * across * lanes + r * lanes); });
      });
    }
  }

  /// One head of one pair of groups of rows. Returns a bit for each row whose output is not made of numbers.
  static std::uint32_t attend_rows(const arguments& a, extent_t pair, extent_t head) noexcept {
    using element = std::remove_reference_t<decltype(*a.cache.keys)>;
    const extent_t first = pair * paired_rows;
    const extent_t count = a.query.count - first < paired_rows ? a.query.count - first : paired_rows;
    constexpr extent_t stride = tile_blocks * block_keys, row_width = across * lanes;
    alignas(64) value queries[paired_rows * width];
    alignas(64) value scores[paired_rows * stride];
    alignas(64) value outputs[paired_rows * row_width];
    paired_tile<tile_blocks> tiles[2];
    std::uint32_t broken = 0;
    const extent_t kv = head / group;
    // Rows of the result and of the next queries are far apart, and no processor foresees where they go on. They are
    // asked for a few at a time.
    extent_t asked = 0;
    const auto ask_for_row = [&] {
      if (asked == count) return;
      value* const to = a.mixed.row(first + asked) + head * width;
      const extent_t later = first + asked + paired_rows;
      const value* const next = a.query.row(later < a.query.count ? later : a.query.count - 1) + head * width;
      for (extent_t d = 0; d < width; d += 64 / sizeof(value)) {
        __builtin_prefetch(to + d, 1);
        __builtin_prefetch(next + d);
      }
      ++asked;
    };
    fold folds[paired_rows];
    typename folding::row_folds row_folds;
    for (extent_t row = 0; row < in_passes(count); ++row) {
      // A pass of fewer rows repeats the last one; what it computes is not written.
      const value* from = a.query.row(first + (row < count ? row : count - 1)) + head * width;
      scale_columns(queries + row * width, from, a.rule.scale);
    }
    for (extent_t i = 0; i < in_passes(count) * row_width; ++i) outputs[i] = 0;
    // Values are asked for where they follow.
    const auto score_tile = [&](const paired_tile<tile_blocks>& tile, bool values_follow) {
      const extent_t registers = tile.count * per_block;
      const auto keys_of = [&](extent_t r) LACUNA_UNROLLED {
        return a.cache.key_block(tile.block[r / per_block], kv) + r % per_block * lanes;
      };
      const auto score = [&](auto some, extent_t r) LACUNA_UNROLLED {
        for (extent_t row = 0; row < rows_with_keys; ++row) ask_for_row();
        const element* keys[some];
        unroll<some>([&](extent_t i) LACUNA_UNROLLED { keys[i] = keys_of(r + i); });
        const element* ahead[passes];
        unroll<passes>([&](extent_t i) LACUNA_UNROLLED {
          const extent_t b = (r + some) / per_block + i, of_values = b - tile.count;
          ahead[i] = keys[0];
          if (i < blocks_ahead && b < tile.count)
            ahead[i] = a.cache.key_block(tile.block[b], kv);
          else if (values_follow && b >= tile.count && of_values < blocks_ahead && of_values < tile.count)
            ahead[i] = a.cache.value_block(tile.block[of_values], kv);
        });
        score_keys<some>(scores + r * lanes, queries, keys, stride, count,
                         hidden_passes(tile, r / per_block, (r + some - 1) / per_block), ahead);
      };
      extent_t r = 0;
      // Three registers of keys together, where the last one would be alone: their sums take 24 of 32 registers.
      if constexpr (wide) {
        constexpr extent_t one_more = registers_at_once + 1;
        if (registers % registers_at_once == 1 && registers >= one_more)
          score(count_constant<one_more>{}, 0), r = one_more;
      }
      for (; r + registers_at_once <= registers; r += registers_at_once) score(count_constant<registers_at_once>{}, r);
      unroll<registers_at_once - 1>([&](auto less) LACUNA_UNROLLED {
        if (registers - r == less + 1) score(count_constant<less + 1>{}, r);
      });
    };
    if constexpr (two_passes) {
      pair_cursor ahead(a.plan, pair, count);
      while (ahead.fill(tiles[0])) {
        score_tile(tiles[0], false);
        for (extent_t row = 0; row < count; ++row)
          folding::gather_row(scores + row * stride, tiles[0], row, head, a.plan.first + first + row, a.rule,
                              folds[row]);
      }
    }
    pair_cursor cursor(a.plan, pair, count);
    cursor.fill(tiles[0]);
    for (extent_t turn = 0; tiles[turn].count != 0; turn = 1 - turn) {
      const paired_tile<tile_blocks>& tile = tiles[turn];
      paired_tile<tile_blocks>& next = tiles[1 - turn];
      cursor.fill(next);
      score_tile(tile, true);
      // Rows beyond the last one go along: their weights become 0.
      if constexpr (two_passes) {
        for (extent_t row = 0; row < count; ++row)
          folding::weigh_again(scores + row * stride, tile, row, head, a.plan.first + first + row, a.rule, folds[row]);
      } else {
        folding::weigh_rows(scores, stride, tile, head, a.plan.first + first, in_passes(count), a.rule, row_folds);
      }
      for (extent_t j = count * stride; j < in_passes(count) * stride; ++j) scores[j] = 0;
      if constexpr (by_column) {
        for (extent_t row = 0; row < count; ++row) {
          value* const to = outputs + row * row_width;
          scale_columns(to, to, row_folds.shrinks[row]);
          mix_by_column<1>(to, scores + row * stride, stride, a.cache, kv, tile);
        }
      } else {
        constexpr extent_t part = width % lanes, at_once = registers_at_once;
        constexpr extent_t strips = across / at_once, rest = across % at_once;
        unroll<strips>([&](auto strip) LACUNA_UNROLLED {
          mix_columns<at_once>(outputs, row_folds.shrinks, scores, stride, a.cache, kv, tile, strip * at_once * lanes,
                               rest == 0 && strip + 1 == strips ? part : 0, a.cache.keys, next, count);
        });
        if constexpr (rest != 0)
          mix_columns<rest>(outputs, row_folds.shrinks, scores, stride, a.cache, kv, tile, strips * at_once * lanes,
                            part, a.cache.keys, next, count);
      }
    }
    Lanes sum(0);
    for (extent_t i = 0; i < in_passes(count) * row_width; i += lanes)
      sum = multiply_add(Lanes::load(outputs + i), Lanes(0), sum);
    const bool all_numbers = sum_of(sum) == value(0);
    for (extent_t row = 0; row < count; ++row) {
      if (!all_numbers && !numbers(outputs + row * row_width)) broken |= std::uint32_t{1} << row;
      if constexpr (!two_passes) folds[row] = row_folds.of(row);
      scale_columns(a.mixed.row(first + row) + head * width, outputs + row * row_width, folding::inverse(folds[row]));
      finish(a, first + row, head, folds[row]);
    }
    return broken;
  }

  // ---- Single rows: all heads phase by phase, so that one head's sums do not wait for another's.

  /// Heads that share a load of keys and values.
  static constexpr extent_t heads_at_once = divisor_up_to(group, 8);
  /// Heads whose weights are computed side by side.
  static constexpr extent_t heads_together = two_passes ? 1 : divisor_up_to(Heads, 2);
  /// Blocks whose scores are held at once: 16 KiB of them, for all heads.
  static constexpr extent_t fitting_blocks = 4096 / (Heads * block_keys);
  static constexpr extent_t single_blocks = fitting_blocks > 64 ? 64 : fitting_blocks < 4 ? 4 : fitting_blocks;
  static constexpr extent_t single_stride = single_blocks * block_keys;
  /// Registers of keys whose sums run side by side.
  static constexpr extent_t keys_at_once = heads_at_once >= 8 ? 1 : heads_at_once == 1 ? 4 : 8 / heads_at_once;

  /// scores[head][keys of Registers registers] = queries . keys, for the heads that share the keys.
  template <extent_t Registers, class Element>
  static LACUNA_INLINE void score_single(value* scores, const value* queries,
                                         const Element* const (&keys)[Registers]) noexcept {
    Lanes sums[heads_at_once][Registers];
    unroll<heads_at_once>([&](extent_t h) LACUNA_UNROLLED {
      unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { sums[h][r] = Lanes(0); });
    });
    const auto step = [&](extent_t d) LACUNA_UNROLLED {
      Lanes k[Registers];
      unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { k[r] = held(Lanes::load(keys[r] + d * block_keys)); });
      unroll<heads_at_once>([&](extent_t h) LACUNA_UNROLLED {
        const Lanes one(queries[h * width + d]);
        unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { sums[h][r] = multiply_add(one, k[r], sums[h][r]); });
      });
    };
    if constexpr (width <= 16)
      unroll<width>([&](extent_t d) LACUNA_UNROLLED { step(d); });
    else
      for (extent_t d = 0; d < width; ++d) step(d);
    unroll<heads_at_once>([&](extent_t h) LACUNA_UNROLLED {
      unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { sums[h][r].store(scores + h * single_stride + r * lanes); });
    });
  }

  /// outputs[row][d] += weights . values, lanes over keys; for `Rows` rows that share the values.
  template <extent_t Rows, extent_t Most>
  static LACUNA_INLINE void mix_by_column(value* outputs, const value* weights, extent_t weight_stride,
                                          const Cache& cache, extent_t kv, const block_tile<Most>& tile) noexcept {
    constexpr extent_t registers = wide ? 24 : 12, share = registers / Rows > 0 ? registers / Rows : 1;
    constexpr extent_t at_once = divisor_up_to(width, share < lanes ? share : lanes);
    for (extent_t d = 0; d < width; d += at_once) {
      Lanes sums[Rows * at_once];
      unroll<Rows * at_once>([&](extent_t i) LACUNA_UNROLLED { sums[i] = Lanes(0); });
      for (extent_t b = 0; b < tile.count; ++b) {
        const auto* v = cache.value_block(tile.block[b], kv) + d * block_keys;
        unroll<per_block>([&](extent_t r) LACUNA_UNROLLED {
          Lanes p[Rows];
          unroll<Rows>([&](extent_t row) LACUNA_UNROLLED {
            p[row] = Lanes::load(weights + row * weight_stride + b * block_keys + r * lanes);
          });
          unroll<at_once>([&](extent_t i) LACUNA_UNROLLED {
            const Lanes of = held(Lanes::load(v + i * block_keys + r * lanes));
            unroll<Rows>([&](extent_t row) LACUNA_UNROLLED {
              sums[row * at_once + i] = multiply_add(p[row], of, sums[row * at_once + i]);
            });
          });
        });
      }
      if constexpr (at_once == width && sums_fit<Rows * at_once>) {
        (Lanes::load_part(outputs, Rows * width) + sums_across(sums)).store_part(outputs, Rows * width);
      } else {
        unroll<Rows>([&](extent_t row) LACUNA_UNROLLED {
          unroll<at_once>([&](extent_t i)
                              LACUNA_UNROLLED { outputs[row * width + d + i] += sum_of(sums[row * at_once + i]); });
        });
      }
    }
  }
  /// Whether the lane type adds up the lanes of so many registers at once.
  template <extent_t Count>
  static constexpr bool sums_fit = requires(const Lanes (&sums)[Count]) { sums_across(sums); };

  /// outputs[head][Registers registers of columns] += weights . values, for the heads that share the values.
  template <extent_t Registers, extent_t Part, extent_t Most>
  static LACUNA_INLINE void mix_single(value* outputs, const value* weights, const Cache& cache, extent_t kv,
                                       const block_tile<Most>& tile, extent_t column) noexcept {
    constexpr extent_t sets = heads_at_once * Registers >= 8 ? 1 : 2;
    constexpr bool fits = wide || (sets * heads_at_once + 1) * Registers < 16;
    Lanes sums[sets][heads_at_once][Registers];
    unroll<heads_at_once>([&](extent_t h) LACUNA_UNROLLED {
      unroll<Registers>([&](auto r) LACUNA_UNROLLED {
        sums[0][h][r] = load_columns<(r + 1 == Registers ? Part : 0)>(outputs + h * width + column + r * lanes);
        if constexpr (sets == 2) sums[1][h][r] = Lanes(0);
      });
    });
    for (extent_t b = 0; b < tile.count; ++b) {
      const auto* v = cache.value_block(tile.block[b], kv) + column;
      const value* p = weights + b * block_keys;
      for (extent_t j = 0; j < block_keys; j += sets)
        unroll<sets>([&](extent_t set) LACUNA_UNROLLED {
          Lanes of[Registers];
          unroll<Registers>([&](auto r) LACUNA_UNROLLED {
            of[r] = load_columns<(r + 1 == Registers ? Part : 0)>(v + (j + set) * width + r * lanes);
            if constexpr (fits) of[r] = held(of[r]);
          });
          unroll<heads_at_once>([&](extent_t h) LACUNA_UNROLLED {
            const Lanes one(p[h * single_stride + j + set]);
            unroll<Registers>([&](extent_t r)
                                  LACUNA_UNROLLED { sums[set][h][r] = multiply_add(one, of[r], sums[set][h][r]); });
          });
        });
    }
    unroll<heads_at_once>([&](extent_t h) LACUNA_UNROLLED {
      unroll<Registers>([&](auto r) LACUNA_UNROLLED {
        Lanes sum = sums[0][h][r];
        if constexpr (sets == 2) sum = sum + sums[1][h][r];
        store_columns<(r + 1 == Registers ? Part : 0)>(sum, outputs + h * width + column + r * lanes);
      });
    });
  }
  /// A register of columns, in part unless Part is 0.
  template <extent_t Part, class Element>
  static LACUNA_INLINE Lanes load_columns(const Element* from) noexcept {
    if constexpr (Part != 0)
      return Lanes::load_part(from, Part);
    else
      return Lanes::load(from);
  }
  template <extent_t Part>
  static LACUNA_INLINE void store_columns(Lanes of, value* to) noexcept {
    if constexpr (Part != 0)
      of.store_part(to, Part);
    else
      of.store(to);
  }
  static LACUNA_INLINE void scale_columns(value* to, const value* from, value scale) noexcept {
    extent_t c = 0;
    for (; c + lanes <= width; c += lanes) (Lanes::load(from + c) * Lanes(scale)).store(to + c);
    if constexpr (width % lanes != 0)
      (Lanes::load_part(from + c, width % lanes) * Lanes(scale)).store_part(to + c, width % lanes);
  }
  /// Whether a head's columns are numbers.
  static LACUNA_INLINE bool numbers(const value* of) noexcept {
    Lanes sum(0);
    extent_t c = 0;
    for (; c + lanes <= width; c += lanes) sum = multiply_add(Lanes::load(of + c), Lanes(0), sum);
    if constexpr (width % lanes != 0) sum = multiply_add(Lanes::load_part(of + c, width % lanes), Lanes(0), sum);
    return sum_of(sum) == value(0);
  }

  /// The first row of a group. Returns whether its output is not made of numbers.
  static bool attend_single(const arguments& a, extent_t group_index) noexcept {
    using element = std::remove_reference_t<decltype(*a.cache.keys)>;
    const extent_t t = group_index * group_rows;
    alignas(64) value queries[columns];
    alignas(64) value scores[Heads * single_stride];
    alignas(64) value outputs[columns];
    const value* from = a.query.row(t);
    for (extent_t c = 0; c < columns; ++c) queries[c] = from[c] * a.rule.scale, outputs[c] = 0;
    fold folds[Heads];
    block_tile<single_blocks> tile;
    const auto score_tile = [&] {
      const extent_t registers = tile.count * per_block;
      for (extent_t head = 0; head < Heads; head += heads_at_once) {
        const extent_t kv = head / group;
        const auto keys_of = [&](extent_t r) LACUNA_UNROLLED {
          return a.cache.key_block(tile.block[r / per_block], kv) + r % per_block * lanes;
        };
        value* to = scores + head * single_stride;
        extent_t r = 0;
        for (; r + keys_at_once <= registers; r += keys_at_once) {
          const element* keys[keys_at_once];
          unroll<keys_at_once>([&](extent_t i) LACUNA_UNROLLED { keys[i] = keys_of(r + i); });
          score_single<keys_at_once>(to + r * lanes, queries + head * width, keys);
        }
        for (; r < registers; ++r) {
          const element* keys[1] = {keys_of(r)};
          score_single<1>(to + r * lanes, queries + head * width, keys);
        }
      }
    };
    const extent_t position = a.plan.first + t;
    if constexpr (two_passes) {
      run_cursor ahead(a.plan, group_index);
      while (ahead.fill(tile)) {
        score_tile();
        for (extent_t head = 0; head < Heads; ++head)
          folding::gather_row(scores + head * single_stride, tile, 0, head, position, a.rule, folds[head]);
      }
    }
    run_cursor cursor(a.plan, group_index);
    while (cursor.fill(tile)) {
      score_tile();
      for (extent_t head = 0; head < Heads; head += heads_together) {
        value* of = scores + head * single_stride;
        if constexpr (two_passes) {
          folding::weigh_again(of, tile, 0, head, position, a.rule, folds[head]);
        } else {
          value shrinks[heads_together];
          const auto row_of = [&](extent_t i) LACUNA_UNROLLED { return seen_row{0, head + i, position}; };
          folding::template weigh<heads_together>(of, single_stride, tile, row_of, a.rule, folds + head, shrinks);
          for (extent_t i = 0; i < heads_together; ++i) {
            value* to = outputs + (head + i) * width;
            if (shrinks[i] != value(1)) scale_columns(to, to, shrinks[i]);
          }
        }
      }
      for (extent_t head = 0; head < Heads; head += heads_at_once) {
        const value* weights = scores + head * single_stride;
        value* to = outputs + head * width;
        if constexpr (by_column) {
          mix_by_column<heads_at_once>(to, weights, single_stride, a.cache, head / group, tile);
        } else {
          constexpr extent_t part = width % lanes, most = (wide ? 24 : 12) / heads_at_once;
          constexpr extent_t at_once = across < most ? across : most > 0 ? most : 1;
          constexpr extent_t strips = across / at_once, rest = across % at_once;
          unroll<strips>([&](auto strip) LACUNA_UNROLLED {
            mix_single<at_once, (rest == 0 && strip + 1 == strips ? part : 0)>(to, weights, a.cache, head / group, tile,
                                                                               strip * at_once * lanes);
          });
          if constexpr (rest != 0)
            mix_single<rest, part>(to, weights, a.cache, head / group, tile, strips * at_once * lanes);
        }
      }
    }
    bool broken = false;
    for (extent_t head = 0; head < Heads; ++head) {
      if (!numbers(outputs + head * width)) broken = true;
      scale_columns(a.mixed.row(t) + head * width, outputs + head * width, folding::inverse(folds[head]));
      finish(a, t, head, folds[head]);
    }
    return broken;
  }

  /// Hidden keys have weights of 0, and 0 times infinity is no number: what came out without numbers is computed again
  /// by the reference, which never reads what a row does not see. One row; of it, the heads [from, to).
  static void attend_again(const arguments& a, extent_t t, extent_t from, extent_t to) noexcept {
    value mixed[columns], log_scale[Heads];
    const bool keeps = a.log_scale.data != nullptr;
    kernel(operation::attend{}, rows<value, columns>(mixed, 1), rows<value, Heads>(keeps ? log_scale : nullptr, 1),
           a.query.slice(t, 1), a.cache, a.plan.of_row(t), a.rule, reference{});
    for (extent_t c = from * width; c < to * width; ++c) a.mixed(t, c) = mixed[c];
    for (extent_t head = from; keeps && head < to; ++head) a.log_scale(t, head) = log_scale[head];
  }

  /// Pairs of groups of rows that one key head serves before the next one does: what neighbouring rows see of one of
  /// them, and not of all, stays in the second cache, and so do the rows themselves, whose heads lie side by side.
  static constexpr extent_t pairs_in_turn = 8;

  /// All rows. Tasks depend on sizes alone, and no row's sums on the order of tasks.
  template <class Executor>
  static LACUNA_INLINE void attend_all(const arguments& a, const Executor& executor) noexcept {
    const extent_t single = a.query.count % paired_rows == 1 ? 1 : 0;
    const extent_t pairs = (a.query.count - single + paired_rows - 1) / paired_rows;
    executor.for_each(pairs * Cache::kv_heads, [&](extent_t task) {
      const extent_t turn = task / (pairs_in_turn * Cache::kv_heads), place = task % (pairs_in_turn * Cache::kv_heads);
      const extent_t left = pairs - turn * pairs_in_turn, some = left < pairs_in_turn ? left : pairs_in_turn;
      const extent_t kv = place / some, pair = turn * pairs_in_turn + place % some;
      for (extent_t head = kv * group; head < (kv + 1) * group; ++head) {
        extent_t t = pair * paired_rows;
        for (std::uint32_t broken = attend_rows(a, pair, head); broken != 0; ++t, broken >>= 1)
          if ((broken & 1u) != 0) attend_again(a, t, head, head + 1);
      }
    });
    if (single != 0 && attend_single(a, 2 * pairs)) attend_again(a, pairs * paired_rows, 0, Heads);
  }
};

}  // namespace by_lanes

LACUNA_END
