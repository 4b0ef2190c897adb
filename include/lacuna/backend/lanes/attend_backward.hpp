#pragma once
/// The backward of attention by lanes, from the plan of the forward: tiles of 16 query rows.
///
/// Scores are formed again, and so are the products of values with the output's adjoint. A pair of groups of rows that
/// sees at most one tile of blocks does all in one go; longer rows first walk their blocks for the sums that softmax's
/// derivative needs. Sources: see op/attend.hpp.

#include <lacuna/backend/lanes/attend.hpp>

LACUNA_BEGIN

namespace by_lanes {

template <class Lanes, extent_t Heads, class Cache, class CacheAdjoint, class Rule>
struct attention_backward_executor : attention_executor<Lanes, Heads, Cache, Rule> {
  using forward = attention_executor<Lanes, Heads, Cache, Rule>;
  using forward::by_column;
  using forward::columns;
  using forward::group;
  using forward::lanes;
  using forward::per_block;
  using forward::width;
  using typename forward::normaliser;
  using typename forward::value;
  using element = std::remove_cv_t<std::remove_pointer_t<decltype(Cache::keys)>>;
  static constexpr extent_t tile_blocks = forward::tile_blocks, stride = tile_blocks * block_keys;
  /// Blocks whose values are turned at once, and registers of their keys whose scores are formed at once.
  static constexpr extent_t blocks_at_once = 2, registers_formed = 2;
  /// Rows whose factors are held at once.
  static constexpr extent_t rows_held = 8;
  static_assert(rows_held % forward::rows_at_once == 0);
  /// Rows of whole steps that hold `count` rows.
  static constexpr extent_t in_use(extent_t count) { return forward::in_passes(count, rows_held); }

  struct arguments {
    rows<value, columns> dquery;
    const CacheAdjoint& dcache;
    rows<const value, columns> dmixed;
    rows<const value, Heads> log_scale;
    rows<const value, columns> query;
    const Cache& cache;
    const block_plan_view& plan;
    const Rule& rule;
  };

  /// What a row knows of its probabilities p and g = value . dmixed so far, g times the slope of the weight where that
  /// is not p itself: the g of the largest p, the sum of p, and the sum of p (g - that g). Without an exponential,
  /// `mass` is the number of keys, and `sum` what reaches the sum of terms.
  struct row_sums {
    value heaviest = -1, anchor = 0, mass = 0, sum = 0;
  };

  /// One head of one pair of groups of rows.
  struct workspace {
    alignas(64) value queries[paired_rows * width];
    alignas(64) value adjoints[paired_rows * width];
    alignas(64) value scores[paired_rows * stride];                ///< raw, then ds
    alignas(64) value weights[paired_rows * stride];               ///< p, then what it became
    alignas(64) value products[paired_rows * stride];              ///< g
    alignas(64) value turned[blocks_at_once][width * block_keys];  ///< blocks the other way round
    paired_tile<tile_blocks> tile;
    row_sums rows[paired_rows];
  };

  static LACUNA_INLINE Lanes derivative(Lanes score) noexcept {
    if constexpr (keeps_scores<normaliser>)
      return Lanes(1);
    else if constexpr (maths::lane_wise<normaliser>)
      return normaliser::map_derivative(score);
    else
      return each_lane(score, [](value single) { return normaliser::map_derivative(single); });
  }

  /// The weight that a probability became.
  static LACUNA_INLINE Lanes reweighed(Lanes probability) noexcept {
    if constexpr (forward::kind == normalisation::reweighed)
      return forward::by_normaliser(probability, [](auto x) LACUNA_UNROLLED { return normaliser::reweigh(x); });
    else
      return probability;
  }

  static constexpr bool summed = forward::kind == normalisation::summed;
  /// A function of a mapped score, a row's sum of terms and its number of keys.
  template <class Function>
  static LACUNA_INLINE Lanes by_sum(Lanes score, value sum, value keys, Function&& function) noexcept {
    if constexpr (maths::lane_wise<normaliser>)
      return function(score, Lanes(sum), Lanes(keys));
    else
      return each_lane(score, [&](value single) { return function(single, sum, keys); });
  }
  /// Calls `f(where a register of the tile lies, bits of the keys that the row sees)`.
  template <class Function>
  static LACUNA_INLINE void for_each_register(const workspace& w, extent_t row, Function&& f) noexcept {
    forward::for_each_register(w.tile, row, [&](extent_t b, extent_t r, std::uint32_t bits) LACUNA_UNROLLED {
      f(row * stride + b * block_keys + r * lanes, bits);
    });
  }

  /// What is no number, or infinite, becomes 0. A row that sees such a key, or has such a query, knows it from its
  /// score; the others must not hear of it by way of 0 times that. (A row whose own adjoint is no number tells all keys
  /// of the blocks that it sees a part of.)
  static LACUNA_INLINE void keep_numbers(value* of, extent_t count) noexcept {
    extent_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      const Lanes x = Lanes::load(of + i);
      maths::where(maths::less(maths::absolute(x), Lanes(maths::infinity<value>())), x, Lanes(0)).store(of + i);
    }
    for (; i < count; ++i) of[i] = maths::absolute(of[i]) < maths::infinity<value>() ? of[i] : value(0);
  }

  /// [16][width] to [width][16].
  template <class Element>
  static LACUNA_INLINE void turn_values(value* to, const Element* from) noexcept {
    turn<block_keys, width>(to, from);
  }
  /// [width][16] to [16][width].
  template <class Element>
  static LACUNA_INLINE void turn_keys(value* to, const Element* from) noexcept {
    turn<width, block_keys>(to, from);
  }
  template <extent_t Rows, extent_t Columns, class Element>
  static LACUNA_INLINE void turn(value* to, const Element* from) noexcept {
    constexpr extent_t whole_rows = Rows / lanes * lanes, whole_columns = Columns / lanes * lanes;
    for (extent_t r = 0; r < whole_rows; r += lanes)
      for (extent_t c = 0; c < whole_columns; c += lanes) {
        Lanes square[lanes];
        unroll<lanes>([&](extent_t i) LACUNA_UNROLLED { square[i] = Lanes::load(from + (r + i) * Columns + c); });
        transpose(square);
        unroll<lanes>([&](extent_t i) LACUNA_UNROLLED { square[i].store(to + (c + i) * Rows + r); });
      }
    for (extent_t r = 0; r < Rows; ++r)
      for (extent_t c = r < whole_rows ? whole_columns : 0; c < Columns; ++c)
        to[c * Rows + r] = widen(from[r * Columns + c]);
  }

  /// Raw scores, weights and products of the tile, rows that do not exist but are in a pass included.
  static void form_tile(const arguments& a, workspace& w, extent_t first, extent_t count, extent_t head) noexcept {
    const extent_t kv = head / group;
    for (extent_t first_block = 0; first_block < w.tile.count; first_block += blocks_at_once) {
      const extent_t left = w.tile.count - first_block, blocks = left < blocks_at_once ? left : blocks_at_once;
      for (extent_t b = 0; b < blocks; ++b) {
        const auto* values = a.cache.value_block(w.tile.block[first_block + b], kv);
        if constexpr (by_column)
          for (extent_t i = 0; i < width * block_keys; i += lanes) Lanes::load(values + i).store(w.turned[b] + i);
        else
          turn_values(w.turned[b], values);
      }
      const auto form = [&](auto some, extent_t r) LACUNA_UNROLLED {
        const element* keys[some];
        const value* values[some];
        unroll<some>([&](extent_t i) LACUNA_UNROLLED {
          const extent_t b = (r + i) / per_block, of_block = (r + i) % per_block * lanes;
          keys[i] = a.cache.key_block(w.tile.block[first_block + b], kv) + of_block;
          values[i] = w.turned[b] + of_block;
        });
        const element *keys_ahead[forward::passes], *values_ahead[forward::passes];
        unroll<forward::passes>([&](extent_t i) LACUNA_UNROLLED {
          const bool follows = first_block + blocks_at_once + i < w.tile.count && i < blocks_at_once;
          const std::uint32_t block = w.tile.block[follows ? first_block + blocks_at_once + i : first_block];
          keys_ahead[i] = a.cache.key_block(block, kv);
          values_ahead[i] = a.cache.value_block(block, kv);
        });
        const std::uint32_t hidden =
            forward::hidden_passes(w.tile, first_block + r / per_block, first_block + (r + some - 1) / per_block);
        const extent_t at = first_block * block_keys + r * lanes;
        forward::template score_keys<some>(w.scores + at, w.queries, keys, stride, count, hidden, keys_ahead);
        forward::template score_keys<some>(w.products + at, w.adjoints, values, stride, count, hidden, values_ahead);
      };
      extent_t r = 0;
      for (; r + registers_formed <= blocks * per_block; r += registers_formed)
        form(count_constant<registers_formed>{}, r);
      if (r < blocks * per_block) form(count_constant<1>{}, r);
    }
    for (extent_t row = 0; row < count; ++row) {
      const value log_scale = a.log_scale(first + row, head);
      for (extent_t b = 0; b < w.tile.count; ++b) {
        const std::uint32_t bits = w.tile.masks[b] == nullptr ? 0xffffu : w.tile.masks[b][row];
        unroll<per_block>([&](extent_t r) LACUNA_UNROLLED {
          const extent_t at = row * stride + b * block_keys + r * lanes;
          Lanes score = Lanes::load(w.scores + at);
          if constexpr (Rule::bias_type::present) {
            score = score + a.rule.bias(head, forward::distances(a.plan.first + first + row,
                                                                 w.tile.block[b] * block_keys + r * lanes));
            score.store(w.scores + at);
          }
          Lanes weight;
          if constexpr (summed) {
            where_bits(bits >> (r * lanes), score, Lanes(0)).store(w.scores + at);
            weight =
                by_sum(forward::map(score), log_scale, w.rows[row].mass,
                       [](auto of, auto sum, auto keys) LACUNA_UNROLLED { return normaliser::weight(of, sum, keys); });
          } else {
            weight = weight_exp(forward::map(score) - Lanes(log_scale));
          }
          where_bits(bits >> (r * lanes), weight, Lanes(0)).store(w.weights + at);
          // What a hidden value holds is nobody's, be it no number: 0 times that would be none either.
          if (bits != 0xffffu)
            where_bits(bits >> (r * lanes), Lanes::load(w.products + at), Lanes(0)).store(w.products + at);
          if constexpr (forward::kind == normalisation::reweighed) {
            const Lanes slope = forward::by_normaliser(
                weight, [](auto x) LACUNA_UNROLLED { return normaliser::reweigh_derivative(x); });
            (Lanes::load(w.products + at) * slope).store(w.products + at);
          }
        });
      }
    }
  }

  /// What the tile's weights say of each row's sum of terms.
  static void sum_terms(const arguments& a, workspace& w, extent_t first, extent_t count, extent_t head) noexcept {
    for (extent_t row = 0; row < count; ++row) {
      const value kept = a.log_scale(first + row, head);
      Lanes sum(0);
      for_each_register(w, row, [&](extent_t at, std::uint32_t bits) LACUNA_UNROLLED {
        const Lanes slope = by_sum(forward::map(Lanes::load(w.scores + at)), kept, w.rows[row].mass,
                                   [](auto of, auto total, auto keys)
                                       LACUNA_UNROLLED { return normaliser::weight_by_sum(of, total, keys); });
        sum = sum + where_bits(bits, Lanes::load(w.products + at) * slope, Lanes(0));
      });
      w.rows[row].sum += sum_of(sum);
    }
  }
  /// Scores become ds = (g weight_by_score + term' sum) map' scale; rows that do not exist become 0.
  static void differentiate_terms(const arguments& a, workspace& w, extent_t first, extent_t count,
                                  extent_t head) noexcept {
    for (extent_t row = 0; row < in_use(count); ++row)
      for_each_register(w, row < count ? row : 0, [&](extent_t place, std::uint32_t bits) LACUNA_UNROLLED {
        if (row >= count) {
          Lanes(0).store(w.scores + row * stride + place);
          Lanes(0).store(w.weights + row * stride + place);
          return;
        }
        const Lanes score = Lanes::load(w.scores + place), mapped = forward::map(score);
        const Lanes slope = by_sum(mapped, a.log_scale(first + row, head), w.rows[row].mass,
                                   [](auto of, auto total, auto keys)
                                       LACUNA_UNROLLED { return normaliser::weight_by_score(of, total, keys); });
        const Lanes term =
            forward::by_normaliser(mapped, [](auto x) LACUNA_UNROLLED { return normaliser::term_derivative(x); });
        const Lanes dscore = Lanes::load(w.products + place) * slope + term * Lanes(w.rows[row].sum);
        where_bits(bits, dscore * derivative(score) * Lanes(a.rule.scale), Lanes(0)).store(w.scores + place);
      });
  }

  /// Adds the tile to what the rows know.
  static void sum_tile(workspace& w, extent_t count) noexcept {
    const extent_t keys = w.tile.count * block_keys;
    for (extent_t row = 0; row < count; ++row) {
      row_sums& of = w.rows[row];
      const value *p = w.weights + row * stride, *g = w.products + row * stride;
      Lanes heaviest(-1), anchors(0);
      for (extent_t j = 0; j < keys; j += lanes) {
        const Lanes weight = Lanes::load(p + j);
        const auto heavier = maths::less(heaviest, weight);
        anchors = maths::where(heavier, Lanes::load(g + j), anchors);
        heaviest = maths::where(heavier, weight, heaviest);
      }
      const value before = of.anchor, largest = largest_of(heaviest);
      if (largest > of.heaviest) {
        of.heaviest = largest;
        // Of equal ones any will do.
        of.anchor =
            largest_of(maths::where(maths::less(heaviest, Lanes(largest)), Lanes(-maths::infinity<value>()), anchors));
      }
      Lanes sum(0), mass(0);
      for (extent_t j = 0; j < keys; j += lanes) {
        const Lanes weight = Lanes::load(p + j);
        sum = multiply_add(weight, Lanes::load(g + j) - Lanes(of.anchor), sum);
        mass = mass + weight;
      }
      of.sum += of.mass * (before - of.anchor) + sum_of(sum);
      of.mass += sum_of(mass);
    }
  }

  /// Scores become ds = p ((g - anchor) - sum) map' scale; rows that do not exist become 0.
  static void differentiate_tile(const arguments& a, workspace& w, extent_t count) noexcept {
    const extent_t keys = w.tile.count * block_keys;
    for (extent_t row = 0; row < in_use(count); ++row)
      for (extent_t j = 0; j < keys; j += lanes) {
        const extent_t at = row * stride + j;
        if (row >= count) {
          Lanes(0).store(w.scores + at);
          Lanes(0).store(w.weights + at);
          continue;
        }
        const Lanes weight = Lanes::load(w.weights + at);
        const Lanes apart = (Lanes::load(w.products + at) - Lanes(w.rows[row].anchor)) - Lanes(w.rows[row].sum);
        const Lanes ds = weight * apart * derivative(Lanes::load(w.scores + at)) * Lanes(a.rule.scale);
        // A weight of 0 says that the key is hidden or does not count; its score may be anything.
        maths::where(maths::less(Lanes(0), weight), ds, weight * Lanes(0)).store(w.scores + at);
        if constexpr (forward::kind == normalisation::reweighed)
          maths::where(maths::less(Lanes(0), weight), reweighed(weight), weight).store(w.weights + at);
      }
  }

  /// to[d][16 keys] += sum over rows of of[row][key] by[row][d].
  static LACUNA_INLINE void add_by_keys(value* to, const value* of, const value* by, extent_t by_stride) noexcept {
    unroll<per_block>([&](extent_t r) LACUNA_UNROLLED {
      Lanes factors[rows_held];
      unroll<rows_held>([&](extent_t row)
                            LACUNA_UNROLLED { factors[row] = Lanes::load(of + row * stride + r * lanes); });
      for (extent_t d = 0; d < width; ++d) {
        Lanes sum = Lanes::load(to + d * block_keys + r * lanes);
        unroll<rows_held>([&](extent_t row) LACUNA_UNROLLED {
          sum = multiply_add(factors[row], Lanes(by[row * by_stride + d]), sum);
        });
        sum.store(to + d * block_keys + r * lanes);
      }
    });
  }
  /// to[16 keys][d] += sum over rows of of[row][key] by[row][d].
  template <extent_t Part>
  static LACUNA_INLINE void add_by_columns(value* to, const value* of, const value* by, extent_t column) noexcept {
    Lanes factors[rows_held];
    unroll<rows_held>([&](extent_t row) LACUNA_UNROLLED {
      factors[row] = forward::template load_columns<Part>(by + row * width + column);
    });
    for (extent_t j = 0; j < block_keys; ++j) {
      Lanes sum = forward::template load_columns<Part>(to + j * width + column);
      unroll<rows_held>([&](extent_t row)
                            LACUNA_UNROLLED { sum = multiply_add(Lanes(of[row * stride + j]), factors[row], sum); });
      forward::template store_columns<Part>(sum, to + j * width + column);
    }
  }
  /// to[row][d] += sum over keys of of[row][key] turned[key][d].
  template <extent_t Part>
  static LACUNA_INLINE void add_by_rows(value* const* to, const value* of, const value* turned,
                                        extent_t column) noexcept {
    Lanes sums[rows_held];
    unroll<rows_held>([&](extent_t row)
                          LACUNA_UNROLLED { sums[row] = forward::template load_columns<Part>(to[row] + column); });
    for (extent_t j = 0; j < block_keys; ++j) {
      const Lanes factor = held(forward::template load_columns<Part>(turned + j * width + column));
      unroll<rows_held>([&](extent_t row) LACUNA_UNROLLED {
        sums[row] = multiply_add(Lanes(of[row * stride + j]), factor, sums[row]);
      });
    }
    unroll<rows_held>([&](extent_t row)
                          LACUNA_UNROLLED { forward::template store_columns<Part>(sums[row], to[row] + column); });
  }

  /// Adjoints of queries, keys and values from the tile's weights and ds.
  static void spread_tile(const arguments& a, workspace& w, extent_t first, extent_t count, extent_t head) noexcept {
    const extent_t kv = head / group;
    alignas(64) value unused[width];
    value* dqueries[paired_rows];
    for (extent_t row = 0; row < in_use(count); ++row)
      dqueries[row] = row < count ? a.dquery.row(first + row) + head * width : unused;
    for (value& of : unused) of = 0;
    for (extent_t b = 0; b < w.tile.count; ++b) {
      value* const turned = w.turned[0];
      turn_keys(turned, a.cache.key_block(w.tile.block[b], kv));
      if (w.tile.masks[b] != nullptr) keep_numbers(turned, width * block_keys);
      for (extent_t row = 0; row < count; row += rows_held) {
        if (!w.tile.template shows<rows_held>(b, row)) continue;
        const extent_t at = row * stride + b * block_keys;
        const value *ds = w.scores + at, *p = w.weights + at, *adjoints = w.adjoints + row * width;
        add_by_keys(a.dcache.key_block(w.tile.block[b], kv), ds, w.queries + row * width, width);
        value* dv = a.dcache.value_block(w.tile.block[b], kv);
        if constexpr (by_column)
          add_by_keys(dv, p, adjoints, width);
        else
          for_each_column([&](auto part, extent_t column)
                              LACUNA_UNROLLED { add_by_columns<part>(dv, p, adjoints, column); });
        for_each_column([&](auto part, extent_t column)
                            LACUNA_UNROLLED { add_by_rows<part>(dqueries + row, ds, turned, column); });
      }
    }
  }
  /// Calls `f(lanes of the register that count, or 0 for all; column)` for each register of a head.
  template <class Function>
  static LACUNA_INLINE void for_each_column(Function&& f) noexcept {
    constexpr extent_t whole = width / lanes * lanes;
    for (extent_t column = 0; column < whole; column += lanes) f(count_constant<0>{}, column);
    if constexpr (whole < width) f(count_constant<width - whole>{}, whole);
  }

  /// All rows. Query heads of one key head add to the same adjoints: they stay together, in order.
  template <class Executor>
  static LACUNA_INLINE void differentiate_all(const arguments& a, const Executor& executor) noexcept {
    executor.for_each(Cache::kv_heads, [&](extent_t kv) {
      for (extent_t pair = 0; pair * paired_rows < a.query.count; ++pair)
        for (extent_t head = kv * group; head < (kv + 1) * group; ++head) differentiate(a, pair, head);
    });
  }

  /// One pair of groups of rows, one head. Keys' and values' adjoints accumulate.
  static void differentiate(const arguments& a, extent_t pair, extent_t head) noexcept {
    const extent_t first = pair * paired_rows;
    const extent_t count = a.query.count - first < paired_rows ? a.query.count - first : paired_rows;
    workspace w;
    for (extent_t row = 0; row < in_use(count); ++row) {
      const extent_t t = first + (row < count ? row : count - 1);
      const value *q = a.query.row(t) + head * width, *dout = a.dmixed.row(t) + head * width;
      forward::scale_columns(w.queries + row * width, q, a.rule.scale);
      forward::scale_columns(w.adjoints + row * width, dout, 1);
    }
    if constexpr (has_null_key<normaliser>)
      for (extent_t row = 0; row < count; ++row) {
        const value probability = maths::exp(-a.log_scale(first + row, head));
        w.rows[row] = {probability, 0, probability, 0};
      }
    if constexpr (summed)
      for (extent_t row = 0; row < count; ++row) {
        value keys = 0;
        a.plan.for_each_block(
            first + row, [&](extent_t, std::uint32_t mask) { keys += static_cast<value>(__builtin_popcount(mask)); });
        w.rows[row] = {0, 0, keys, 0};
      }
    pair_cursor sums(a.plan, pair, count);
    bool again = false;
    while (sums.fill(w.tile)) {
      form_tile(a, w, first, count, head);
      if constexpr (summed)
        sum_terms(a, w, first, count, head);
      else
        sum_tile(w, count);
      again = !sums.done() || again;
    }
    // Keys' adjoints are products with queries as they came: the scale is in ds.
    pair_cursor cursor(a.plan, pair, count);
    while (cursor.fill(w.tile)) {
      if (again) form_tile(a, w, first, count, head);
      if constexpr (summed)
        differentiate_terms(a, w, first, count, head);
      else
        differentiate_tile(a, w, count);
      for (extent_t row = 0; row < in_use(count); ++row) {
        const value* q = a.query.row(first + (row < count ? row : count - 1)) + head * width;
        forward::scale_columns(w.queries + row * width, q, 1);
      }
      keep_numbers(w.queries, in_use(count) * width);
      spread_tile(a, w, first, count, head);
      if (again)
        for (extent_t i = 0; i < in_use(count) * width; ++i) w.queries[i] = w.queries[i] * a.rule.scale;
    }
  }
};

}  // namespace by_lanes

LACUNA_END
