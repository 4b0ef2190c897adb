#pragma once
/// Attention over a block plan: forward with the online softmax fold, backward without materialised scores; and the
/// writes that put keys and values into the blocked cache.
///
/// Source of the fold: Milakov and Gimelshein (2018), arXiv 1805.02867; Dao et al. (2022), arXiv 2205.14135.

#include <lacuna/op/block_plan.hpp>
#include <lacuna/op/normalise.hpp>

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
  /// From one column of a key's value to the next.
  static constexpr extent_t value_step = values_by_column ? block_keys : 1;
  /// Where a value block holds column d of key j.
  LACUNA_HD static constexpr extent_t value_at(extent_t j, extent_t d) noexcept {
    return values_by_column ? d * block_keys + j : j * HeadWidth + d;
  }
};

/// The same view, constant.
template <class Element, extent_t KvHeads, extent_t HeadWidth, class Address>
LACUNA_HD constexpr auto readable(const cache_view<Element, KvHeads, HeadWidth, Address>& from) noexcept {
  return cache_view<const Element, KvHeads, HeadWidth, Address>{from.keys, from.values, from.address};
}

/// Products of heads * head_width columns per visible pair: scores, where needed twice, and values.
template <normalisation Kind>
inline constexpr std::uint64_t attend_products = Kind == normalisation::one_pass ? 2 : 3;

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

/// mixed(t, h) = sum over visible keys of their weight times v.
struct attend {
  static constexpr auto name = fixed_string("attend");
  template <class Mixed, class LogScale, class Query, class Cache, class Rule>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Mixed&, const LogScale&, const Query&, const Cache&,
                                                         const block_plan_view& plan, const Rule&) noexcept {
    return attend_products<Rule::kind> * plan.pairs * Query::columns;
  }
};
template <class Value, extent_t Heads, extent_t Columns, class Element, extent_t KvHeads, extent_t HeadWidth,
          class Address, class Rule>
LACUNA_HD constexpr auto kernel(attend, rows<Value, Columns> mixed, rows<Value, Heads> log_scale,
                                rows<const Value, Columns> query,
                                const cache_view<const Element, KvHeads, HeadWidth, Address>& cache,
                                const block_plan_view& plan, const Rule& rule, const reference&) {
  using cache_type = cache_view<const Element, KvHeads, HeadWidth, Address>;
  using normaliser = typename Rule::normaliser;
  constexpr extent_t group = Heads / KvHeads;
  for (extent_t t = 0; t < query.count; ++t)
    for (extent_t h = 0; h < Heads; ++h) {
      const Value* q = query.row(t) + h * HeadWidth;
      Value* out = mixed.row(t) + h * HeadWidth;
      for (extent_t d = 0; d < HeadWidth; ++d) out[d] = 0;
      const auto each_block = [&](auto&& use) {
        plan.for_each_block(t, [&](extent_t block, std::uint32_t mask) {
          Value scores[block_keys]{};
          attention_loops::block_scores<HeadWidth>(scores, q, cache.key_block(block, h / group), mask, rule, h,
                                                   plan.first + t, block);
          use(scores, mask, cache.value_block(block, h / group));
        });
      };
      const auto each_key = [&](auto&& use) {
        each_block([&](Value(&scores)[block_keys], std::uint32_t mask, const Element* v) {
          for (extent_t j = 0; j < block_keys; ++j)
            if ((mask >> j & 1u) != 0) use(normaliser::map(scores[j]), v + cache_type::value_at(j, 0));
        });
      };
      const auto mix = [&](Value weight, const Element* v) {
        for (extent_t d = 0; d < HeadWidth; ++d)
          out[d] += weight * static_cast<Value>(widen(v[d * cache_type::value_step]));
      };
      row_statistic<normaliser, Value> row;
      if constexpr (Rule::kind == normalisation::one_pass) {
        each_block([&](Value(&scores)[block_keys], std::uint32_t mask, const Element* v) {
          Value top = row.largest;
          for (extent_t j = 0; j < block_keys; ++j)
            if ((mask >> j & 1u) != 0) {
              scores[j] = normaliser::map(scores[j]);
              top = maths::larger(top, scores[j]);
            }
          if (top == -maths::infinity<Value>()) {
            // The normaliser hid every key of the block; a score that is no number has to show.
            for (extent_t j = 0; j < block_keys; ++j)
              if ((mask >> j & 1u) != 0 && maths::is_nan(scores[j]))
                row.sum = scores[j], mix(scores[j], v + cache_type::value_at(j, 0));
            return;
          }
          const Value shrink = maths::exp(row.largest - top);
          if (shrink != Value(1)) {
            row.sum *= shrink;
            for (extent_t d = 0; d < HeadWidth; ++d) out[d] *= shrink;
          }
          row.largest = top;
          for (extent_t j = 0; j < block_keys; ++j) {
            if ((mask >> j & 1u) == 0) continue;
            const Value weight = maths::exp(scores[j] - top);
            row.sum += weight;
            mix(weight, v + cache_type::value_at(j, 0));
          }
        });
        // A row that sees no key: output 0, gradient 0.
        if (row.sum > 0)
          for (extent_t d = 0; d < HeadWidth; ++d) out[d] /= row.sum;
      } else {
        each_key([&](Value score, const Element*) { row.add(score); });
        each_key([&](Value score, const Element* v) {
          if constexpr (Rule::kind == normalisation::summed)
            mix(normaliser::weight(score, row.sum, row.keys), v);
          else
            mix(normaliser::reweigh(row.share(score)), v);
        });
      }
      if (log_scale.data != nullptr) log_scale(t, h) = row.kept();
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
    return (Rule::kind == normalisation::summed ? 7 : 9) * plan.pairs * Query::columns;
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
  using normaliser = typename Rule::normaliser;
  constexpr extent_t group = Heads / KvHeads;
  for (extent_t t = 0; t < query.count; ++t)
    for (extent_t h = 0; h < Heads; ++h) {
      const Value* q = query.row(t) + h * HeadWidth;
      const Value* dout = dmixed.row(t) + h * HeadWidth;
      Value* dq = dquery.row(t) + h * HeadWidth;
      const Value kept = log_scale(t, h);
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
            use(block, j, scores[j], g);
          }
        });
      };
      const auto spread = [&](extent_t block, extent_t j, Value weight, Value dscore, Value score) {
        const Value ds = dscore * normaliser::map_derivative(score) * rule.scale;
        const Element* k = cache.key_block(block, h / group);
        Value* dk = dcache.key_block(block, h / group);
        Value* dv = dcache.value_block(block, h / group);
        for (extent_t d = 0; d < HeadWidth; ++d) {
          dq[d] += ds * static_cast<Value>(widen(k[d * block_keys + j]));
          dk[d * block_keys + j] += ds * q[d];
          dv[cache_type::value_at(j, d)] += weight * dout[d];
        }
      };
      if constexpr (Rule::kind == normalisation::summed) {
        Value keys = 0, through_sum = 0;
        plan.for_each_block(t, [&](extent_t, std::uint32_t mask) {
          for (; mask != 0; mask &= mask - 1) keys += Value(1);
        });
        each_key([&](extent_t, extent_t, Value score, Value g) {
          through_sum += g * normaliser::weight_by_sum(normaliser::map(score), kept, keys);
        });
        each_key([&](extent_t block, extent_t j, Value score, Value g) {
          const Value s = normaliser::map(score);
          spread(block, j, normaliser::weight(s, kept, keys),
                 g * normaliser::weight_by_score(s, kept, keys) + normaliser::term_derivative(s) * through_sum, score);
        });
      } else {
        const auto probability = [&](Value score) { return maths::exp(normaliser::map(score) - kept); };
        const auto reweighed = [&](Value p) {
          if constexpr (Rule::kind == normalisation::reweighed)
            return normaliser::reweigh(p);
          else
            return p;
        };
        // How the weight of a key answers its probability, times g.
        const auto adjoint = [&](Value p, Value g) {
          if constexpr (Rule::kind == normalisation::reweighed)
            return g * normaliser::reweigh_derivative(p);
          else
            return g;
        };
        // Cancellation-free form: adjoints are taken relative to the one of the largest probability before their
        // weighted sum is formed.
        Value heaviest = -1, anchor = 0, sum = 0;
        if constexpr (has_null_key<normaliser>) heaviest = maths::exp(-kept);
        each_key([&](extent_t, extent_t, Value score, Value g) {
          const Value p = probability(score);
          if (p > heaviest) heaviest = p, anchor = adjoint(p, g);
        });
        if constexpr (has_null_key<normaliser>) sum = -maths::exp(-kept) * anchor;
        each_key([&](extent_t, extent_t, Value score, Value g) {
          const Value p = probability(score);
          sum += p * (adjoint(p, g) - anchor);
        });
        each_key([&](extent_t block, extent_t j, Value score, Value g) {
          const Value p = probability(score);
          spread(block, j, reweighed(p), p * ((adjoint(p, g) - anchor) - sum), score);
        });
      }
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

/// mixed(t, h) = the normaliser's weights of map(scale q.k + bias) over the plan's visible keys, times v.
/// `(tokens, heads * head_width)`, cache `-> (tokens, heads * head_width)`; log_scale `(tokens, heads)` receives the
/// log of the denominator (or the sum of terms) when it has storage. 2 * pairs * heads * head_width multiply-adds, 3
/// where the normaliser takes two passes. A row that sees nothing gives 0.
template <class Value, extent_t Heads, extent_t Columns, class Cache, class Rule, class Backend>
LACUNA_HD constexpr auto attend(rows<Value, Columns> mixed, rows<Value, Heads> log_scale, rows<Value, Columns> query,
                                const Cache& cache, const block_plan_view& plan, const Rule& rule,
                                const Backend& backend) {
  return run_kernel(operation::attend{}, backend, mixed, log_scale, readable(query), cache, plan, rule);
}

/// Adjoints of `attend`: dquery, dkeys and dvalues accumulate. 9 * pairs * heads * head_width multiply-adds: scores and
/// products with dmixed are computed three times in place of being stored, and three sums are formed (7 without an
/// exponential: they are computed twice). ds = p (g - g* - sum p (g - g*)), g* the g of the largest weight. The weights
/// p come from one number per row, `log_scale`: their relative error grows with the largest score, by 2^-24 of it in
/// f32.
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
