#pragma once
/// Attention over a block plan: forward with the online softmax fold, backward without materialised scores; and the
/// writes that put keys and values into the blocked cache.
///
/// Source of the fold: Milakov and Gimelshein (2018), arXiv 1805.02867; Dao et al. (2022), arXiv 2205.14135.

#include <lacuna/core/maths.hpp>
#include <lacuna/op/block_plan.hpp>

LACUNA_BEGIN

/// Keys and values as the kernels hold them: keys `[block][kv head][head width][16]`, values
/// `[block][kv head][16][head width]`, or `[block][kv head][head width][16]` for heads narrower than 16, where lanes
/// run over keys. `Address` maps a position's block to the block that stores it.
template <class Element, extent_t KvHeads, extent_t HeadWidth, class Address>
struct cache_view {
  static constexpr extent_t kv_heads = KvHeads;
  static constexpr extent_t head_width = HeadWidth;
  static constexpr extent_t block_size = KvHeads * HeadWidth * block_keys;
  static constexpr bool values_by_column = HeadWidth < block_keys;
  Element* keys = nullptr;
  Element* values = nullptr;
  Address address{};

  LACUNA_HD constexpr Element* key_block(extent_t block, extent_t head) const noexcept {
    return keys + address(block) * block_size + head * HeadWidth * block_keys;
  }
  LACUNA_HD constexpr Element* value_block(extent_t block, extent_t head) const noexcept {
    return values + address(block) * block_size + head * HeadWidth * block_keys;
  }
  /// Where a value block holds column d of key j.
  LACUNA_HD static constexpr extent_t value_at(extent_t j, extent_t d) noexcept {
    return values_by_column ? d * block_keys + j : j * HeadWidth + d;
  }
};

/// Scores depend on positions through queries and keys alone.
struct no_score_bias {
  static constexpr bool present = false;
  template <class Value>
  LACUNA_HD constexpr Value operator()(extent_t, Value) const noexcept {
    return Value(0);
  }
};

/// Base of normalisers that take scores as they are; one that bends them redefines both functions.
struct scores_as_they_are {
  /// Applied to a score before the mask and the exponential.
  template <class Value>
  LACUNA_HD static constexpr Value map(Value score) noexcept {
    return score;
  }
  template <class Value>
  LACUNA_HD static constexpr Value map_derivative(Value) noexcept {
    return Value(1);
  }
};
namespace detail {
/// A function as a type: sanitizers make comparisons of addresses no constants.
template <float (*Function)(float) noexcept>
struct function_type;
}  // namespace detail

/// Whether a normaliser has kept that map.
template <class Normaliser>
inline constexpr bool keeps_scores = requires {
  requires same<detail::function_type<&Normaliser::template map<float>>,
                detail::function_type<&scores_as_they_are::template map<float>>>;
};

/// How a dot product becomes a logarithmic weight: map(scale q.k + bias(head, |query - key|)).
template <class Normaliser, class Bias, class Value>
struct score_rule {
  using normaliser = Normaliser;
  using bias_type = Bias;
  Value scale;
  [[no_unique_address]] Bias bias{};

  /// Before the normaliser's map.
  LACUNA_HD constexpr Value raw(Value dot, extent_t head, extent_t query, extent_t key) const noexcept {
    if constexpr (Bias::present)
      return dot * scale + bias(head, static_cast<Value>(query < key ? key - query : query - key));
    else
      return dot * scale;
  }
};

namespace operation {

namespace attention_loops {

/// Scores of the visible keys of one block, before the normaliser's map.
template <extent_t HeadWidth, class Rule, class Value, class Element>
LACUNA_HD constexpr void block_scores(Value (&scores)[block_keys], const Value* query, const Element* keys,
                                      std::uint32_t mask, const Rule& rule, extent_t head, extent_t position,
                                      extent_t block) {
  for (extent_t j = 0; j < block_keys; ++j) {
    if ((mask >> j & 1u) == 0) continue;
    Value sum = 0;
    for (extent_t d = 0; d < HeadWidth; ++d) sum += query[d] * static_cast<Value>(widen(keys[d * block_keys + j]));
    scores[j] = rule.raw(sum, head, position, block * block_keys + j);
  }
}

}  // namespace attention_loops

/// mixed(t, h) = sum over visible keys of softmax(scale q.k) v.
struct attend {
  static constexpr auto name = fixed_string("attend");
  template <class Mixed, class LogScale, class Query, class Cache, class Rule>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Mixed&, const LogScale&, const Query&, const Cache&,
                                                         const block_plan_view& plan, const Rule&) noexcept {
    return 2 * plan.pairs * Query::columns;
  }
};
template <class Value, extent_t Heads, extent_t Columns, class Element, extent_t KvHeads, extent_t HeadWidth,
          class Address, class Rule>
LACUNA_HD constexpr auto kernel(attend, rows<Value, Columns> mixed, rows<Value, Heads> log_scale,
                                rows<const Value, Columns> query,
                                const cache_view<const Element, KvHeads, HeadWidth, Address>& cache,
                                const block_plan_view& plan, const Rule& rule, const reference&) {
  using cache_type = cache_view<const Element, KvHeads, HeadWidth, Address>;
  constexpr extent_t group = Heads / KvHeads;
  for (extent_t t = 0; t < query.count; ++t)
    for (extent_t h = 0; h < Heads; ++h) {
      const Value* q = query.row(t) + h * HeadWidth;
      Value* out = mixed.row(t) + h * HeadWidth;
      for (extent_t d = 0; d < HeadWidth; ++d) out[d] = 0;
      Value largest = -maths::infinity<Value>(), denominator = 0;
      plan.for_each_block(t, [&](extent_t block, std::uint32_t mask) {
        Value scores[block_keys]{};
        attention_loops::block_scores<HeadWidth>(scores, q, cache.key_block(block, h / group), mask, rule, h,
                                                 plan.first + t, block);
        Value top = largest;
        for (extent_t j = 0; j < block_keys; ++j)
          if ((mask >> j & 1u) != 0) {
            scores[j] = Rule::normaliser::map(scores[j]);
            top = maths::larger(top, scores[j]);
          }
        if (top == -maths::infinity<Value>()) return;  // the normaliser hid every key of the block
        const Value shrink = maths::exp(largest - top);
        if (shrink != Value(1)) {
          denominator *= shrink;
          for (extent_t d = 0; d < HeadWidth; ++d) out[d] *= shrink;
        }
        largest = top;
        const Element* v = cache.value_block(block, h / group);
        for (extent_t j = 0; j < block_keys; ++j) {
          if ((mask >> j & 1u) == 0) continue;
          const Value weight = maths::exp(scores[j] - largest);
          denominator += weight;
          for (extent_t d = 0; d < HeadWidth; ++d)
            out[d] += weight * static_cast<Value>(widen(v[cache_type::value_at(j, d)]));
        }
      });
      // A row that sees no key: output 0, gradient 0.
      if (denominator > 0)
        for (extent_t d = 0; d < HeadWidth; ++d) out[d] /= denominator;
      if (log_scale.data != nullptr)
        log_scale(t, h) = denominator > 0 ? largest + static_cast<Value>(maths::log(denominator)) : largest;
    }
  return ran_on<reference>{};
}

/// Adjoints of `attend`; query, keys and values accumulate.
struct attend_backward {
  static constexpr auto name = fixed_string("attend_backward");
  template <class QueryAdjoint, class CacheAdjoint, class MixedAdjoint, class LogScale, class Query, class Cache,
            class Rule>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const QueryAdjoint&, const CacheAdjoint&, const MixedAdjoint&,
                                                         const LogScale&, const Query&, const Cache&,
                                                         const block_plan_view& plan, const Rule&) noexcept {
    return 9 * plan.pairs * Query::columns;
  }
};
template <class Value, extent_t Heads, extent_t Columns, class Element, extent_t KvHeads, extent_t HeadWidth,
          class Address, class Rule>
LACUNA_HD constexpr auto kernel(attend_backward, rows<Value, Columns> dquery,
                                const cache_view<Value, KvHeads, HeadWidth, Address>& dcache,
                                rows<const Value, Columns> dmixed, rows<const Value, Heads> log_scale,
                                rows<const Value, Columns> query,
                                const cache_view<const Element, KvHeads, HeadWidth, Address>& cache,
                                const block_plan_view& plan, const Rule& rule, const reference&) {
  using cache_type = cache_view<const Element, KvHeads, HeadWidth, Address>;
  constexpr extent_t group = Heads / KvHeads;
  for (extent_t t = 0; t < query.count; ++t)
    for (extent_t h = 0; h < Heads; ++h) {
      const Value* q = query.row(t) + h * HeadWidth;
      const Value* dout = dmixed.row(t) + h * HeadWidth;
      Value* dq = dquery.row(t) + h * HeadWidth;
      const Value lse = log_scale(t, h);
      const auto each_key = [&](auto&& use) {
        plan.for_each_block(t, [&](extent_t block, std::uint32_t mask) {
          Value scores[block_keys]{};
          attention_loops::block_scores<HeadWidth>(scores, q, cache.key_block(block, h / group), mask, rule, h,
                                                   plan.first + t, block);
          const Element* v = cache.value_block(block, h / group);
          for (extent_t j = 0; j < block_keys; ++j) {
            if ((mask >> j & 1u) == 0) continue;
            Value g = 0;
            for (extent_t d = 0; d < HeadWidth; ++d)
              g += dout[d] * static_cast<Value>(widen(v[cache_type::value_at(j, d)]));
            use(block, j, scores[j], maths::exp(Rule::normaliser::map(scores[j]) - lse), g);
          }
        });
      };
      // Cancellation-free form: g is taken relative to the largest weight's g before the weighted sum is formed.
      Value heaviest = -1, anchor = 0, sum = 0;
      each_key([&](extent_t, extent_t, Value, Value p, Value g) {
        if (p > heaviest) heaviest = p, anchor = g;
      });
      each_key([&](extent_t, extent_t, Value, Value p, Value g) { sum += p * (g - anchor); });
      each_key([&](extent_t block, extent_t j, Value score, Value p, Value g) {
        const Value ds = p * ((g - anchor) - sum) * Rule::normaliser::map_derivative(score) * rule.scale;
        const Element* k = cache.key_block(block, h / group);
        Value* dk = dcache.key_block(block, h / group);
        Value* dv = dcache.value_block(block, h / group);
        for (extent_t d = 0; d < HeadWidth; ++d) {
          dq[d] += ds * static_cast<Value>(widen(k[d * block_keys + j]));
          dk[d * block_keys + j] += ds * q[d];
          dv[cache_type::value_at(j, d)] += p * dout[d];
        }
      });
    }
  return ran_on<reference>{};
}

/// Writes the keys and values of positions first, first + 1, ... into the cache.
struct append {
  static constexpr auto name = fixed_string("append");
  template <class Cache, class Key>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Cache&, const Key&, const Key&, extent_t) noexcept {
    return 0;
  }
};
template <class Element, class Value, extent_t Columns, extent_t KvHeads, extent_t HeadWidth, class Address>
LACUNA_HD constexpr auto kernel(append, const cache_view<Element, KvHeads, HeadWidth, Address>& cache,
                                rows<const Value, Columns> key, rows<const Value, Columns> value, extent_t first,
                                const reference&) {
  for (extent_t t = 0; t < key.count; ++t) {
    const extent_t block = (first + t) / block_keys, lane = (first + t) % block_keys;
    for (extent_t h = 0; h < KvHeads; ++h) {
      Element* k = cache.key_block(block, h);
      Element* v = cache.value_block(block, h);
      for (extent_t d = 0; d < HeadWidth; ++d) {
        k[d * block_keys + lane] = static_cast<Element>(key(t, h * HeadWidth + d));
        v[cache.value_at(lane, d)] = static_cast<Element>(value(t, h * HeadWidth + d));
      }
    }
  }
  return ran_on<reference>{};
}

/// Reads the adjoints of positions first, first + 1, ... back out of the cache's adjoint.
struct append_backward {
  static constexpr auto name = fixed_string("append_backward");
  template <class Cache, class Key>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Cache&, const Key&, const Key&, extent_t) noexcept {
    return 0;
  }
};
template <class Value, extent_t Columns, extent_t KvHeads, extent_t HeadWidth, class Address>
LACUNA_HD constexpr auto kernel(append_backward, const cache_view<const Value, KvHeads, HeadWidth, Address>& dcache,
                                rows<Value, Columns> dkey, rows<Value, Columns> dvalue, extent_t first,
                                const reference&) {
  for (extent_t t = 0; t < dkey.count; ++t) {
    const extent_t block = (first + t) / block_keys, lane = (first + t) % block_keys;
    for (extent_t h = 0; h < KvHeads; ++h)
      for (extent_t d = 0; d < HeadWidth; ++d) {
        dkey(t, h * HeadWidth + d) += dcache.key_block(block, h)[d * block_keys + lane];
        dvalue(t, h * HeadWidth + d) += dcache.value_block(block, h)[dcache.value_at(lane, d)];
      }
  }
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// mixed(t, h) = softmax over the plan's visible keys of map(scale q.k + bias), times v.
/// `(tokens, heads * head_width)`, cache `-> (tokens, heads * head_width)`; log_scale `(tokens, heads)` receives the
/// log of the denominator when it has storage. 2 * pairs * heads * head_width multiply-adds. A row that sees nothing
/// gives 0.
template <class Value, extent_t Heads, extent_t Columns, class Cache, class Rule, class Backend>
LACUNA_HD constexpr auto attend(rows<Value, Columns> mixed, rows<Value, Heads> log_scale, rows<Value, Columns> query,
                                const Cache& cache, const block_plan_view& plan, const Rule& rule,
                                const Backend& backend) {
  return run_kernel(operation::attend{}, backend, mixed, log_scale, readable(query), cache, plan, rule);
}

/// Adjoints of `attend`: dquery, dkeys and dvalues accumulate. 9 * pairs * heads * head_width multiply-adds: scores and
/// products with dmixed are computed three times in place of being stored, and three sums are formed. ds = p (g - g* -
/// sum p (g - g*)), g* the g of the largest weight.
template <class Value, extent_t Heads, extent_t Columns, class CacheAdjoint, class Cache, class Rule, class Backend>
LACUNA_HD constexpr auto attend_backward(rows<Value, Columns> dquery, const CacheAdjoint& dcache,
                                         rows<Value, Columns> dmixed, rows<Value, Heads> log_scale,
                                         rows<Value, Columns> query, const Cache& cache, const block_plan_view& plan,
                                         const Rule& rule, const Backend& backend) {
  return run_kernel(operation::attend_backward{}, backend, dquery, dcache, readable(dmixed), readable(log_scale),
                    readable(query), cache, plan, rule);
}

/// Writes keys and values `(tokens, kv_heads * head_width)` of the positions from `first` on into the cache.
template <class Cache, class Value, extent_t Columns, class Backend>
LACUNA_HD constexpr auto append(const Cache& cache, rows<Value, Columns> key, rows<Value, Columns> value,
                                extent_t first, const Backend& backend) {
  return run_kernel(operation::append{}, backend, cache, readable(key), readable(value), first);
}

/// dkey, dvalue += the cache's adjoints of the positions from `first` on.
template <class Cache, class Value, extent_t Columns, class Backend>
LACUNA_HD constexpr auto append_backward(const Cache& dcache, rows<Value, Columns> dkey, rows<Value, Columns> dvalue,
                                         extent_t first, const Backend& backend) {
  return run_kernel(operation::append_backward{}, backend, dcache, dkey, dvalue, first);
}

}  // namespace op

LACUNA_END
