#pragma once
/// Spans of tokens become one key and one value each, as soon as their last token has come.
///
/// A partition of the stream says, by static functions:
///   levels(context)      how many lengths its spans have; spans of one length do not overlap
///   length(level)        that length: they begin at multiples of it
///   ending(level, upto)  how many spans of that length end at or before position `upto`
///   number(end)          the atom of the span that ends at `end` (no two do), ascending with it

#include <lacuna/op/attend.hpp>

LACUNA_BEGIN

/// Which spans are summarised, and where: those that end before the last of `Context` positions, which alone are seen.
template <class Partition, extent_t Context, class Value>
struct summary_rule {
  static constexpr extent_t levels = Partition::levels(Context);
  extent_t first_atom;  ///< position of the first atom in the cache
  Value scale;          ///< of a span's own scores

  LACUNA_HD static constexpr bool ends(extent_t level, extent_t end) noexcept {
    return end < Context && Partition::ending(level, end) != Partition::ending(level, end - 1);
  }
  /// Tokens in the spans that end in (first, first + tokens].
  LACUNA_HD static constexpr std::uint64_t summarised(extent_t first, extent_t tokens) noexcept {
    constexpr extent_t last = Context - 1;
    const extent_t from = first < last ? first : last, to = first + tokens < last ? first + tokens : last;
    std::uint64_t total = 0;
    for (extent_t level = 0; level < levels; ++level)
      total += std::uint64_t{Partition::ending(level, to) - Partition::ending(level, from)} * Partition::length(level);
    return total;
  }
  LACUNA_HD constexpr extent_t atom(extent_t end) const noexcept { return first_atom + Partition::number(end); }
};

namespace operation {

namespace summary_loops {

/// Calls `use(end, length, level)` for every span that ends in (first, first + tokens], ascending.
template <class Rule, class Partition, class Use>
LACUNA_HD constexpr void each_span(extent_t first, extent_t tokens, Use&& use) {
  for (extent_t end = first + 1; end <= first + tokens; ++end)
    for (extent_t level = 0; level < Rule::levels; ++level)
      if (Rule::ends(level, end)) use(end, Partition::length(level), level);
}

/// One head of a span: its keys, its values, the scores that its own query gives them.
template <class Cache, class Value>
struct one_span {
  static constexpr extent_t width = Cache::head_width;
  const Cache& cache;
  extent_t head;
  extent_t begin;
  extent_t end;
  const Value* asks;
  Value scale;

  LACUNA_HD constexpr Value key(extent_t token, extent_t d) const noexcept {
    return static_cast<Value>(widen(cache.key_block(token / block_keys, head)[d * block_keys + token % block_keys]));
  }
  LACUNA_HD constexpr Value value(extent_t token, extent_t d) const noexcept {
    return static_cast<Value>(
        widen(cache.value_block(token / block_keys, head)[Cache::value_at(token % block_keys, d)]));
  }
  LACUNA_HD constexpr Value score(extent_t token) const noexcept {
    Value sum = 0;
    for (extent_t d = 0; d < width; ++d) sum += asks[d] * key(token, d);
    return sum * scale;
  }
  /// The first token whose key is largest in a column.
  LACUNA_HD constexpr extent_t largest_key(extent_t d) const noexcept {
    extent_t at = begin;
    for (extent_t token = begin + 1; token < end; ++token)
      if (key(token, d) > key(at, d)) at = token;
    return at;
  }
};

/// Writes one head of a span's atom: `summarise`, for a single one.
struct one_by_one {
  template <class Cache, class Value>
  LACUNA_HD constexpr void operator()(const Cache& cache, const one_span<Cache, Value>& span,
                                      extent_t atom) const noexcept {
    constexpr extent_t width = Cache::head_width;
    Value out[width]{}, top = -maths::infinity<Value>(), sum = 0;
    for (extent_t token = span.begin; token < span.end; ++token) {
      const Value score = span.score(token), higher = score > top ? score : top;
      const Value shrink = maths::exp(top - higher), weight = maths::exp(score - higher);
      top = higher;
      sum = sum * shrink + weight;
      for (extent_t d = 0; d < width; ++d) out[d] = out[d] * shrink + weight * span.value(token, d);
    }
    auto* k = cache.key_block(atom / block_keys, span.head) + atom % block_keys;
    auto* v = cache.value_block(atom / block_keys, span.head) + Cache::value_at(atom % block_keys, 0);
    using element = std::remove_reference_t<decltype(*k)>;
    for (extent_t d = 0; d < width; ++d) {
      k[d * block_keys] = static_cast<element>(span.key(span.largest_key(d), d));
      v[d * Cache::value_step] = static_cast<element>(out[d] / sum);
    }
  }
};

/// All atoms of a pass, each head of a span by `write(cache, span, atom)`; see `op::summarise`.
template <class Cache, class Value, extent_t Columns, class Partition, extent_t Context, class Write>
LACUNA_HD constexpr void write_atoms(const Cache& cache, rows<Value, Columns> largest, rows<const Value, Columns> query,
                                     extent_t first, const summary_rule<Partition, Context, Value>& rule,
                                     const Write& write) {
  using rule_type = summary_rule<Partition, Context, Value>;
  const auto write_span = [&](extent_t end, extent_t length, extent_t level) {
    const extent_t atom = rule.atom(end), block = atom / block_keys;
    for (extent_t h = 0; h < Cache::kv_heads; ++h) {
      // Kernels by lanes multiply hidden values by 0: what an earlier stream left here may be no number.
      if (atom % block_keys == 0)
        for (extent_t i = 0; i < Cache::head_width * block_keys; ++i) {
          using element = std::remove_reference_t<decltype(*cache.keys)>;
          cache.key_block(block, h)[i] = cache.value_block(block, h)[i] = static_cast<element>(Value(0));
        }
      write(cache,
            one_span<Cache, Value>{cache, h, end - length, end, largest.row(level) + h * Cache::head_width, rule.scale},
            atom);
    }
  };
  for (extent_t t = 0; t < query.count; ++t) {
    for (extent_t level = 0; level < rule_type::levels; ++level) {
      const bool opens = (first + t) % Partition::length(level) == 0;
      Value* of = largest.row(level);
      for (extent_t c = 0; c < Columns; ++c) of[c] = opens || query(t, c) > of[c] ? query(t, c) : of[c];
    }
    each_span<rule_type, Partition>(first + t, 1, write_span);
  }
}

}  // namespace summary_loops

/// Key of a span: the largest of its keys, column by column. Value: its own attention from the largest of its queries.
struct summarise {
  static constexpr auto name = fixed_string("summarise");
  template <class Cache, class Largest, class Query, class Rule>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Cache&, const Largest&, const Query& query,
                                                         extent_t first, const Rule&) noexcept {
    return 2 * Rule::summarised(first, query.count) * Query::columns;
  }
};
template <class Element, class Value, extent_t Columns, extent_t Heads, extent_t HeadWidth, class Address,
          class Partition, extent_t Context>
LACUNA_HD constexpr auto kernel(summarise, const cache_view<Element, Heads, HeadWidth, Address>& cache,
                                rows<Value, Columns> largest, rows<const Value, Columns> query, extent_t first,
                                const summary_rule<Partition, Context, Value>& rule, const reference&) {
  summary_loops::write_atoms(cache, largest, query, first, rule, summary_loops::one_by_one{});
  return ran_on<reference>{};
}

/// Adjoints of `summarise`, for a stream from position 0.
struct summarise_backward {
  static constexpr auto name = fixed_string("summarise_backward");
  template <class CacheAdjoint, class QueryAdjoint, class Cache, class Query, class Rule>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const CacheAdjoint&, const QueryAdjoint&, const Cache&,
                                                         const Query& query, const Rule&) noexcept {
    return 8 * Rule::summarised(0, query.count) * Query::columns;
  }
};
template <class Element, class Value, extent_t Columns, extent_t Heads, extent_t HeadWidth, class Address,
          class Partition, extent_t Context>
LACUNA_HD constexpr auto kernel(summarise_backward, const cache_view<Value, Heads, HeadWidth, Address>& dcache,
                                rows<Value, Columns> dquery,
                                const cache_view<const Element, Heads, HeadWidth, Address>& cache,
                                rows<const Value, Columns> query, const summary_rule<Partition, Context, Value>& rule,
                                const reference&) {
  using cache_type = cache_view<const Element, Heads, HeadWidth, Address>;
  const auto differentiate = [&](extent_t end, extent_t length, extent_t) {
    const extent_t atom = rule.atom(end), begin = end - length;
    for (extent_t h = 0; h < Heads; ++h) {
      const Value* datom_key = dcache.key_block(atom / block_keys, h) + atom % block_keys;
      const Value* datom_value = dcache.value_block(atom / block_keys, h) + cache_type::value_at(atom % block_keys, 0);
      extent_t asking[HeadWidth]{};  // the first token whose query is largest in a column
      Value asks[HeadWidth]{}, dasks[HeadWidth]{};
      for (extent_t d = 0; d < HeadWidth; ++d) {
        asking[d] = begin;
        for (extent_t token = begin + 1; token < end; ++token)
          if (query(token, h * HeadWidth + d) > query(asking[d], h * HeadWidth + d)) asking[d] = token;
        asks[d] = query(asking[d], h * HeadWidth + d);
      }
      const summary_loops::one_span<cache_type, Value> span{cache, h, begin, end, asks, rule.scale};
      const auto adjoint = [&](extent_t token) {
        Value g = 0;
        for (extent_t d = 0; d < HeadWidth; ++d) g += datom_value[d * cache_type::value_step] * span.value(token, d);
        return g;
      };
      // As in attention: adjoints relative to the one of the largest weight, so that nothing cancels.
      Value top = span.score(begin), anchor = adjoint(begin), sum = 1;
      for (extent_t token = begin + 1; token < end; ++token) {
        const Value score = span.score(token), higher = score > top ? score : top;
        sum = sum * maths::exp(top - higher) + maths::exp(score - higher);
        if (score > top) anchor = adjoint(token);
        top = higher;
      }
      Value mean = 0;
      for (extent_t token = begin; token < end; ++token)
        mean += maths::exp(span.score(token) - top) / sum * (adjoint(token) - anchor);
      for (extent_t token = begin; token < end; ++token) {
        const Value weight = maths::exp(span.score(token) - top) / sum;
        const Value dscore = weight * ((adjoint(token) - anchor) - mean) * rule.scale;
        Value* dk = dcache.key_block(token / block_keys, h) + token % block_keys;
        Value* dv = dcache.value_block(token / block_keys, h);
        for (extent_t d = 0; d < HeadWidth; ++d) {
          dasks[d] += dscore * span.key(token, d);
          dk[d * block_keys] += dscore * asks[d];
          dv[cache_type::value_at(token % block_keys, d)] += weight * datom_value[d * cache_type::value_step];
        }
      }
      for (extent_t d = 0; d < HeadWidth; ++d) {
        const extent_t from = span.largest_key(d);
        dcache.key_block(from / block_keys, h)[d * block_keys + from % block_keys] += datom_key[d * block_keys];
        dquery(asking[d], h * HeadWidth + d) += dasks[d];
      }
    }
  };
  summary_loops::each_span<summary_rule<Partition, Context, Value>, Partition>(0, query.count, differentiate);
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// Keeps the largest queries of the spans that are open, `(levels, heads * head_width)`, and writes atoms of those that
/// end among the tokens from `first` on, whose keys and values are in the cache already. 2 multiply-adds for each token
/// of such a span and column.
template <class Cache, class Value, extent_t Columns, class Rule, class Backend>
LACUNA_HD constexpr auto summarise(const Cache& cache, rows<Value, Columns> largest, rows<Value, Columns> query,
                                   extent_t first, const Rule& rule, const Backend& backend) {
  return run_kernel(operation::summarise{}, backend, cache, largest, readable(query), first, rule);
}
/// Adjoints of `summarise` for a whole stream: those of the atoms in `dcache` go to its keys and values, and to dquery.
/// About 8 multiply-adds for each token of a span and column: scores and products with adjoints are computed again in
/// place of being stored. Where several are largest, the first has the gradient.
template <class CacheAdjoint, class Value, extent_t Columns, class Cache, class Rule, class Backend>
LACUNA_HD constexpr auto summarise_backward(const CacheAdjoint& dcache, rows<Value, Columns> dquery, const Cache& cache,
                                            rows<Value, Columns> query, const Rule& rule, const Backend& backend) {
  return run_kernel(operation::summarise_backward{}, backend, dcache, dquery, cache, readable(query), rule);
}

}  // namespace op

LACUNA_END
