#pragma once
/// The backward of summaries by lanes: 16 keys of a block at once. Scores and products with adjoints are formed for
/// each of three passes over a span, as the reference does.

#include <lacuna/backend/lanes/block_row.hpp>
#include <lacuna/op/summarise.hpp>

LACUNA_BEGIN

namespace by_lanes {

template <class Lanes, class Cache, class CacheAdjoint, extent_t Columns>
struct summary_backward {
  using value = typename Lanes::element;
  using on_block = block_row<Lanes, Cache>;
  using on_columns = typename on_block::columns;
  static constexpr extent_t width = on_block::width, lanes = on_block::lanes, per_block = on_block::per_block;

  /// One head of a span: what it asks with, the adjoint of its value, both by columns.
  struct span {
    const CacheAdjoint& dcache;
    const Cache& cache;
    extent_t head, begin, end;
    value scale;
    alignas(64) value asks[width];
    alignas(64) value dvalue[width];
  };
  /// Calls `f(block, bits of the span's keys in it)`.
  template <class Function>
  static LACUNA_INLINE void for_each_block(const span& of, Function&& f) noexcept {
    for (extent_t block = of.begin / block_keys; block * block_keys < of.end; ++block) {
      const extent_t at = block * block_keys, from = of.begin > at ? of.begin - at : 0,
                     to = of.end - at < block_keys ? of.end - at : block_keys;
      f(block, (on_block::all >> (block_keys - to)) & (on_block::all << from));
    }
  }
  /// Scores of a block, -infinity for keys of others; products of its values with the adjoint.
  static LACUNA_INLINE void form(const span& of, extent_t block, std::uint32_t bits, value* scores,
                                 value* products) noexcept {
    on_block::dot_keys(scores, of.asks, bits, of.cache.key_block(block, of.head));
    on_block::dot_values(products, of.dvalue, bits, of.cache.value_block(block, of.head));
    unroll<per_block>([&](extent_t r) LACUNA_UNROLLED {
      const Lanes score = Lanes::load(scores + r * lanes) * Lanes(of.scale);
      where_bits(bits >> (r * lanes), score, Lanes(-maths::infinity<value>())).store(scores + r * lanes);
    });
  }
  /// The weight of each key of a block, 0 for keys of others.
  static LACUNA_INLINE Lanes weight(const value* scores, extent_t r, std::uint32_t bits, value top,
                                    value share) noexcept {
    return on_block::seen(bits, r, maths::exp(Lanes::load(scores + r * lanes) - Lanes(top)) * Lanes(share));
  }

  /// The first token of a span whose query is largest in each column.
  static void find_asking(rows<const value, Columns> query, span& of, extent_t* asking) noexcept {
    on_columns::for_each_register([&](auto in_part, extent_t d) LACUNA_UNROLLED {
      const extent_t column = of.head * width + d;
      Lanes best = on_columns::template load<in_part>(query.row(of.begin) + column), at(0);
      for (extent_t token = of.begin + 1; token < of.end; ++token) {
        const Lanes q = on_columns::template load<in_part>(query.row(token) + column);
        const auto larger = maths::less(best, q);
        at = maths::where(larger, Lanes(static_cast<value>(token - of.begin)), at);
        best = maths::where(larger, q, best);
      }
      on_columns::template store<in_part>(best, of.asks + d);
      value after[lanes];
      at.store(after);
      for (extent_t i = 0; i < lanes && d + i < width; ++i) asking[d + i] = of.begin + static_cast<extent_t>(after[i]);
    });
  }
  /// Sends the adjoint of each column of a span's key to the first token whose key is largest in it.
  static void send_to_largest(const span& of, const value* datom_key) noexcept {
    alignas(64) static constexpr value numbers[block_keys]{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    constexpr value lowest = -maths::infinity<value>();
    const extent_t first = of.begin / block_keys;
    for (extent_t d = 0; d < width; ++d) {
      Lanes best[per_block], at[per_block], tops(lowest);
      unroll<per_block>([&](extent_t r) LACUNA_UNROLLED {
        best[r] = Lanes(lowest);
        at[r] = Lanes::load(numbers + r * lanes);
      });
      for_each_block(of, [&](extent_t block, std::uint32_t bits) {
        const auto* keys = of.cache.key_block(block, of.head) + d * block_keys;
        const Lanes number(static_cast<value>((block - first) * block_keys));
        unroll<per_block>([&](extent_t r) LACUNA_UNROLLED {
          Lanes key = Lanes::load(keys + r * lanes);
          if (bits != on_block::all) key = where_bits(bits >> (r * lanes), key, Lanes(lowest));
          const auto larger = maths::less(best[r], key);
          at[r] = maths::where(larger, number + Lanes::load(numbers + r * lanes), at[r]);
          best[r] = maths::where(larger, key, best[r]);
        });
      });
      unroll<per_block>([&](extent_t r) LACUNA_UNROLLED { tops = maths::larger(tops, best[r]); });
      const value top = largest_of(tops);
      const value begins =
          static_cast<value>(widen(of.cache.key_block(first, of.head)[d * block_keys + of.begin % block_keys]));
      extent_t largest = of.begin;
      // Otherwise the first token is as large, or no number, and stays.
      if (top > begins) {
        Lanes earliest(lowest);
        unroll<per_block>([&](extent_t r) LACUNA_UNROLLED {
          earliest = maths::larger(earliest, maths::where(maths::less(best[r], Lanes(top)), Lanes(lowest), -at[r]));
        });
        largest = first * block_keys + static_cast<extent_t>(-largest_of(earliest));
      }
      of.dcache.key_block(largest / block_keys, of.head)[d * block_keys + largest % block_keys] +=
          datom_key[d * block_keys];
    }
  }

  /// One head of a span whose key and value are `atom`.
  static void differentiate(const CacheAdjoint& dcache, rows<value, Columns> dquery, const Cache& cache,
                            rows<const value, Columns> query, extent_t head, extent_t begin, extent_t end,
                            extent_t atom, value scale) noexcept {
    span of{dcache, cache, head, begin, end, scale, {}, {}};
    extent_t asking[width];
    find_asking(query, of, asking);
    const value* datom = dcache.value_block(atom / block_keys, head) + Cache::value_at(atom % block_keys, 0);
    for (extent_t d = 0; d < width; ++d) of.dvalue[d] = datom[d * Cache::value_step];
    alignas(64) value scores[block_keys], products[block_keys];
    // As in attention: adjoints relative to the one of the largest weight, so that nothing cancels.
    value top = -maths::infinity<value>(), anchor = 0, sum = 0;
    for_each_block(of, [&](extent_t block, std::uint32_t bits) {
      form(of, block, bits, scores, products);
      Lanes tops(top), weights(0);
      unroll<per_block>([&](extent_t r)
                            LACUNA_UNROLLED { tops = maths::larger(tops, Lanes::load(scores + r * lanes)); });
      const value higher = largest_of(tops);
      if (higher > top)
        for (extent_t j = block_keys; j-- > 0;)
          if (scores[j] == higher) anchor = products[j];
      sum *= maths::exp(top - higher);
      top = higher;
      unroll<per_block>([&](extent_t r) LACUNA_UNROLLED { weights = weights + weight(scores, r, bits, top, 1); });
      sum += sum_of(weights);
    });
    const bool is_one_block = begin / block_keys == (end - 1) / block_keys;
    const auto form_again = [&](extent_t block, std::uint32_t bits) LACUNA_UNROLLED {
      if (!is_one_block) form(of, block, bits, scores, products);
    };
    const value share = value(1) / sum;
    Lanes means(0);
    for_each_block(of, [&](extent_t block, std::uint32_t bits) {
      form_again(block, bits);
      unroll<per_block>([&](extent_t r) LACUNA_UNROLLED {
        const Lanes apart = on_block::seen(bits, r, Lanes::load(products + r * lanes) - Lanes(anchor));
        means = multiply_add(weight(scores, r, bits, top, share), apart, means);
      });
    });
    const Lanes mean(sum_of(means));
    alignas(64) value dasks[width]{};
    for_each_block(of, [&](extent_t block, std::uint32_t bits) {
      form_again(block, bits);
      unroll<per_block>([&](extent_t r) LACUNA_UNROLLED {
        const Lanes each = weight(scores, r, bits, top, share);
        const Lanes apart = (Lanes::load(products + r * lanes) - Lanes(anchor)) - mean;
        each.store(products + r * lanes);
        on_block::seen(bits, r, each * apart * Lanes(scale)).store(scores + r * lanes);
      });
      on_block::add_keys(dasks, scores, bits, cache.key_block(block, head));
      on_block::add_to_keys(dcache.key_block(block, head), scores, bits, of.asks);
      on_block::add_to_values(dcache.value_block(block, head), products, bits, of.dvalue);
    });
    send_to_largest(of, dcache.key_block(atom / block_keys, head) + atom % block_keys);
    for (extent_t d = 0; d < width; ++d) dquery(asking[d], head * width + d) += dasks[d];
  }
};

/// See `op::summarise_backward`.
template <class Lanes, class Cache, class CacheAdjoint, extent_t Columns, class Partition, extent_t Context>
void summarise_backward(const CacheAdjoint& dcache, rows<typename Lanes::element, Columns> dquery, const Cache& cache,
                        rows<const typename Lanes::element, Columns> query,
                        const summary_rule<Partition, Context, typename Lanes::element>& rule) noexcept {
  operation::summary_loops::each_span<summary_rule<Partition, Context, typename Lanes::element>, Partition>(
      0, query.count, [&](extent_t end, extent_t length, extent_t) {
        for (extent_t h = 0; h < Cache::kv_heads; ++h)
          summary_backward<Lanes, Cache, CacheAdjoint, Columns>::differentiate(
              dcache, dquery, cache, query, h, end - length, end, rule.atom(end), rule.scale);
      });
}

}  // namespace by_lanes

LACUNA_END
