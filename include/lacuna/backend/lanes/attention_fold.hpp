#pragma once
/// Scores to weights by lanes: what attention's normalisers do to the keys that a row sees. Sources: op/attend.hpp.

#include <lacuna/backend/lanes/block_tile.hpp>
#include <lacuna/op/attend.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// How rows of scores become weights, a few visible blocks of keys at a time.
template <class Lanes, class Rule>
struct attention_fold {
  using value = typename Lanes::element;
  using normaliser = typename Rule::normaliser;
  static constexpr extent_t lanes = Lanes::lane_count;
  static_assert(block_keys % lanes == 0, "lacuna::attend: a block of 16 keys is not a whole number of registers");
  /// Registers of one block's keys.
  static constexpr extent_t per_block = block_keys / lanes;

  /// The state of one row's fold.
  struct fold {
    value largest = has_null_key<normaliser> ? value(0) : -maths::infinity<value>();
    value denominator = has_null_key<normaliser> ? value(1) : value(0);
    value keys = 0;  ///< counted where the normaliser asks
  };
  static constexpr normalisation kind = Rule::kind;
  static constexpr bool two_passes = kind != normalisation::one_pass;

  static LACUNA_INLINE Lanes map(Lanes score) noexcept {
    if constexpr (keeps_scores<normaliser>)
      return score;
    else if constexpr (maths::lane_wise<normaliser>)
      return normaliser::map(score);
    else
      return each_lane(score, [](value single) { return normaliser::map(single); });
  }
  /// Another function of the normaliser, on lanes or lane by lane.
  template <class Function>
  static LACUNA_INLINE Lanes by_normaliser(Lanes of, Function&& function) noexcept {
    if constexpr (maths::lane_wise<normaliser>)
      return function(of);
    else
      return each_lane(of, function);
  }
  static LACUNA_INLINE Lanes distances(extent_t position, extent_t first_key) noexcept {
    alignas(64) value apart[lanes];
    for (extent_t j = 0; j < lanes; ++j) {
      const extent_t key = first_key + j;
      apart[j] = static_cast<value>(key < position ? position - key : key - position);
    }
    return Lanes::load(apart);
  }

  /// Scores of a row that sees no key yet become weights of 0; false if one is no number, which has to show.
  static bool clear_hidden(value* scores, extent_t count) noexcept {
    for (extent_t j = 0; j < count; ++j)
      if (maths::is_nan(scores[j])) return false;
    for (extent_t j = 0; j < count; ++j) scores[j] = 0;
    return true;
  }

  /// Whose scores they are: the row within its pair of groups, its head, and where it stands.
  struct seen_row {
    extent_t row, head, position;
  };
  /// Bias, map and mask of some rows' scores, and the largest of each, lane by lane. Row i is `row_of(i)`, its scores
  /// lie at i * stride.
  template <extent_t Rows, extent_t Most, class Function>
  static LACUNA_INLINE void mask_rows(Lanes* largest, value* scores, extent_t stride, const block_tile<Most>& tile,
                                      const Function& row_of, const Rule& rule) noexcept {
    constexpr bool changes = Rule::bias_type::present || !keeps_scores<normaliser>;
    const Lanes lowest(-maths::infinity<value>());
    Lanes found[Rows];
    unroll<Rows>([&](extent_t i) LACUNA_UNROLLED { found[i] = lowest; });
    for (extent_t b = 0; b < tile.count; ++b) {
      const std::uint16_t* const masks = tile.masks[b];
      unroll<Rows>([&](extent_t i) LACUNA_UNROLLED {
        const seen_row of = row_of(i);
        unroll<per_block>([&](extent_t r) LACUNA_UNROLLED {
          Lanes score = mapped(scores + i * stride, tile, b, r, of.head, of.position, rule);
          if (masks != nullptr) score = where_bits(std::uint32_t{masks[of.row]} >> (r * lanes), score, lowest);
          if (changes || masks != nullptr) score.store(scores + i * stride + b * block_keys + r * lanes);
          found[i] = maths::larger(score, found[i]);
        });
      });
    }
    unroll<Rows>([&](extent_t i) LACUNA_UNROLLED { largest[i] = found[i]; });
  }
  /// Scores of some rows to weights, less a shift of each row, and added to its sums, lane by lane.
  template <extent_t Rows>
  static LACUNA_INLINE void weigh_keys(Lanes (&sums)[Rows], value* scores, extent_t stride, extent_t keys,
                                       const Lanes (&shift)[Rows]) noexcept {
    for (extent_t j = 0; j < keys; j += lanes)
      unroll<Rows>([&](extent_t i) LACUNA_UNROLLED {
        const Lanes weight = weight_exp(Lanes::load(scores + i * stride + j) - shift[i]);
        weight.store(scores + i * stride + j);
        sums[i] = sums[i] + weight;
      });
  }
  /// Scores of some rows to weights: bias, map, mask, largest, exponential, sum. Rows side by side, since one alone
  /// waits: for its largest score, and at the end of each loop. Row i is `row_of(i)`, its scores lie at i * stride.
  /// Writes what each row's earlier sum shrinks by.
  template <extent_t Rows, extent_t Most, class Function>
  static LACUNA_INLINE void weigh(value* scores, extent_t stride, const block_tile<Most>& tile, const Function& row_of,
                                  const Rule& rule, fold* folds, value* shrinks) noexcept {
    Lanes shift[Rows], sums[Rows];
    mask_rows<Rows>(shift, scores, stride, tile, row_of, rule);
    value largest[Rows];
    bool blind[Rows];  // a row that sees no key: its weights are 0
    unroll<Rows>([&](extent_t i) LACUNA_UNROLLED {
      largest[i] = maths::larger(largest_of(shift[i]), folds[i].largest);
      blind[i] =
          !(largest[i] > -maths::infinity<value>()) && clear_hidden(scores + i * stride, tile.count * block_keys);
      shift[i] = Lanes(blind[i] ? maths::infinity<value>() : largest[i]);
      sums[i] = Lanes(0);
    });
    weigh_keys<Rows>(sums, scores, stride, tile.count * block_keys, shift);
    unroll<Rows>([&](extent_t i) LACUNA_UNROLLED {
      fold& of = folds[i];
      shrinks[i] = 1;
      if (blind[i]) return;
      const value before = of.largest, sum = sum_of(sums[i]);
      of.largest = largest[i];
      if (!(before > -maths::infinity<value>())) {
        of.denominator = sum;
      } else {
        if (before != largest[i]) shrinks[i] = maths::exp(before - largest[i]);
        of.denominator = of.denominator * shrinks[i] + sum;
      }
    });
  }

  /// The folds of a pair's rows, side by side.
  struct row_folds {
    alignas(64) value largest[paired_rows];
    alignas(64) value shrinks[paired_rows];  ///< by which the last tile makes smaller what was summed before it
    Lanes sums[paired_rows];                 ///< of weights; lanes are added up at the end

    LACUNA_INLINE row_folds() noexcept {
      const fold empty;
      for (extent_t row = 0; row < paired_rows; ++row) {
        largest[row] = empty.largest;
        shrinks[row] = 1;
        sums[row] = first_lanes(1, Lanes(empty.denominator), Lanes(0));
      }
    }
    LACUNA_INLINE fold of(extent_t row) const noexcept {
      fold one;
      one.largest = largest[row];
      one.denominator = sum_of(sums[row]);
      return one;
    }
  };

  /// What `weigh` does, for the first `rows` rows of a pair, a multiple of 4, the first of which stands at `position`.
  /// What is one number per row is computed for a register of rows at once, without a branch that depends on scores.
  template <extent_t Most>
  static LACUNA_INLINE void weigh_rows(value* scores, extent_t stride, const block_tile<Most>& tile, extent_t head,
                                       extent_t position, extent_t rows, const Rule& rule, row_folds& folds) noexcept {
    const Lanes lowest(-maths::infinity<value>());
    alignas(64) value shifts[paired_rows];
    for (extent_t first = 0; first < rows; first += lanes) {
      Lanes largest_seen[lanes];
      const extent_t some = rows - first < lanes ? rows - first : lanes;
      for (extent_t row = some; row < lanes; ++row) largest_seen[row] = lowest;
      constexpr extent_t masked_together = lanes < 4 ? lanes : 4;
      for (extent_t row = 0; row < some; row += masked_together)
        mask_rows<masked_together>(
            largest_seen + row, scores + (first + row) * stride, stride, tile,
            [&](extent_t i) LACUNA_UNROLLED { return seen_row{first + row + i, head, position + first + row + i}; },
            rule);
      transpose(largest_seen);
      for (extent_t half = lanes / 2; half > 0; half /= 2)
        for (extent_t i = 0; i < half; ++i) largest_seen[i] = maths::larger(largest_seen[i], largest_seen[i + half]);
      const Lanes before = Lanes::load(folds.largest + first), largest = maths::larger(largest_seen[0], before);
      largest.store(folds.largest + first);
      // The scores of a row that sees no key yet are minus infinity, and so they are with infinity taken off: its
      // weights are 0. A score that is no number stays one.
      const Lanes shift = maths::where(maths::less(lowest, largest), largest, -lowest);
      shift.store(shifts + first);
      weight_exp(before - shift).store(folds.shrinks + first);
    }
    // Two exponentials side by side fill what the steps of one leave idle.
    constexpr extent_t together = 2;
    for (extent_t row = 0; row < rows; row += together) {
      Lanes shift[together], sums[together];
      unroll<together>([&](extent_t i) LACUNA_UNROLLED {
        shift[i] = Lanes(shifts[row + i]);
        sums[i] = folds.sums[row + i] * Lanes(folds.shrinks[row + i]);
      });
      weigh_keys<together>(sums, scores + row * stride, stride, tile.count * block_keys, shift);
      unroll<together>([&](extent_t i) LACUNA_UNROLLED { folds.sums[row + i] = sums[i]; });
    }
  }

  /// The first of two passes: what a row's keys add up to.
  template <extent_t Most>
  static LACUNA_INLINE void gather_row(value* scores, const block_tile<Most>& tile, extent_t row, extent_t head,
                                       extent_t position, const Rule& rule, fold& of) noexcept {
    if constexpr (kind == normalisation::summed) {
      Lanes sum(0);
      for_each_register(tile, row, [&](extent_t b, auto r, std::uint32_t bits) LACUNA_UNROLLED {
        const Lanes score = mapped(scores, tile, b, r, head, position, rule);
        const Lanes term = by_normaliser(score, [](auto x) LACUNA_UNROLLED { return normaliser::term(x); });
        sum = sum + where_bits(bits, term, Lanes(0));
      });
      of.denominator += sum_of(sum);
      for (extent_t b = 0; b < tile.count; ++b) {
        std::uint32_t bits = tile.masks[b] == nullptr ? 0xffffu : tile.masks[b][row];
        for (; bits != 0; bits &= bits - 1) of.keys += 1;
      }
    } else {
      value shrink;
      weigh<1>(scores, 0, tile, [&](extent_t) { return seen_row{row, head, position}; }, rule, &of, &shrink);
    }
  }
  /// The second: scores to weights, from all that the row's keys add up to.
  template <extent_t Most>
  static LACUNA_INLINE void weigh_again(value* scores, const block_tile<Most>& tile, extent_t row, extent_t head,
                                        extent_t position, const Rule& rule, const fold& of) noexcept {
    const Lanes sum(of.denominator), keys(of.keys);
    const bool blind = of.denominator == value(0);  // a row that sees no key: its weights are 0
    const Lanes shift(blind ? maths::infinity<value>() : of.largest), inverse(blind ? value(0) : 1 / of.denominator);
    for_each_register(tile, row, [&](extent_t b, auto r, std::uint32_t bits) LACUNA_UNROLLED {
      Lanes weight = mapped(scores, tile, b, r, head, position, rule);
      if constexpr (kind == normalisation::reweighed)
        weight = by_normaliser(weight_exp(weight - shift) * inverse,
                               [](auto x) LACUNA_UNROLLED { return normaliser::reweigh(x); });
      else if constexpr (maths::lane_wise<normaliser>)
        weight = normaliser::weight(weight, sum, keys);
      else
        weight = each_lane(weight, [&](value x) { return normaliser::weight(x, of.denominator, of.keys); });
      where_bits(bits, weight, Lanes(0)).store(scores + b * block_keys + r * lanes);
    });
  }
  /// Calls `f(block of the tile, register of the block, bits of the keys that the row sees)`.
  template <extent_t Most, class Function>
  static LACUNA_INLINE void for_each_register(const block_tile<Most>& tile, extent_t row, Function&& f) noexcept {
    for (extent_t b = 0; b < tile.count; ++b) {
      const std::uint32_t bits = tile.masks[b] == nullptr ? 0xffffu : tile.masks[b][row];
      unroll<per_block>([&](extent_t r) LACUNA_UNROLLED { f(b, r, bits >> (r * lanes)); });
    }
  }
  /// A register of scores with its bias, mapped.
  template <extent_t Most>
  static LACUNA_INLINE Lanes mapped(const value* scores, const block_tile<Most>& tile, extent_t b, extent_t r,
                                    extent_t head, extent_t position, const Rule& rule) noexcept {
    Lanes score = Lanes::load(scores + b * block_keys + r * lanes);
    if constexpr (Rule::bias_type::present)
      score = score + rule.bias(head, distances(position, tile.block[b] * block_keys + r * lanes));
    return map(score);
  }

  /// What backward keeps of a row.
  static LACUNA_INLINE value kept(const fold& of) noexcept {
    if constexpr (kind == normalisation::summed)
      return of.denominator;
    else
      return of.denominator == value(0) ? of.largest : of.largest + static_cast<value>(maths::log(of.denominator));
  }
  /// 1 / denominator; 0 for a row that saw no key. Weights of a second pass are divided already.
  static LACUNA_INLINE value inverse(const fold& of) noexcept {
    if constexpr (two_passes)
      return 1;
    else
      return of.denominator == value(0) ? value(0) : value(1) / of.denominator;
  }
};

}  // namespace by_lanes

LACUNA_END
