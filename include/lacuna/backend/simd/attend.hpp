#pragma once
/// Attention over block plans, and the writes into the cache, on SIMD lanes.

#include <lacuna/backend/lanes/append.hpp>
#include <lacuna/backend/lanes/attend_backward.hpp>
#include <lacuna/backend/simd/lanes.hpp>

LACUNA_BEGIN

namespace operation {

/// mixed = attention over the plan, f32: see `op::attend`.
template <extent_t Heads, extent_t Columns, class Element, extent_t KvHeads, extent_t HeadWidth, class Address,
          class Rule>
auto kernel(attend, rows<float, Columns> mixed, rows<float, Heads> log_scale, rows<const float, Columns> query,
            const cache_view<const Element, KvHeads, HeadWidth, Address>& cache, const block_plan_view& plan,
            const Rule& rule, const simd&) {
  using executor = by_lanes::attention_executor<simd_lanes::lanes, Heads,
                                                cache_view<const Element, KvHeads, HeadWidth, Address>, Rule>;
  const typename executor::arguments arguments{mixed, log_scale, query, cache, plan, rule};
  executor::attend_all(arguments, in_turn{});
  return ran_on<simd>{};
}

/// Adjoints of queries, keys and values, f32: see `op::attend_backward`.
template <extent_t Heads, extent_t Columns, class Element, extent_t KvHeads, extent_t HeadWidth, class Address,
          class Rule>
auto kernel(attend_backward, rows<float, Columns> dquery, const cache_view<float, KvHeads, HeadWidth, Address>& dcache,
            rows<const float, Columns> dmixed, rows<const float, Heads> log_scale, rows<const float, Columns> query,
            const cache_view<const Element, KvHeads, HeadWidth, Address>& cache, const block_plan_view& plan,
            const Rule& rule, const simd&) {
  using executor = by_lanes::attention_backward_executor<simd_lanes::lanes, Heads,
                                                         cache_view<const Element, KvHeads, HeadWidth, Address>,
                                                         cache_view<float, KvHeads, HeadWidth, Address>, Rule>;
  const typename executor::arguments arguments{dquery, dcache, dmixed, log_scale, query, cache, plan, rule};
  executor::differentiate_all(arguments, in_turn{});
  return ran_on<simd>{};
}

/// Keys and values into the cache, f32: see `op::append`.
template <extent_t Columns, extent_t KvHeads, extent_t HeadWidth, class Address>
auto kernel(append, const cache_view<float, KvHeads, HeadWidth, Address>& cache, rows<const float, Columns> key,
            rows<const float, Columns> value, extent_t first, const simd&) {
  by_lanes::append<simd_lanes::lanes>(cache, key, value, first);
  return ran_on<simd>{};
}

/// Their adjoints out of the cache's, f32: see `op::append_backward`.
template <extent_t Columns, extent_t KvHeads, extent_t HeadWidth, class Address>
auto kernel(append_backward, const cache_view<const float, KvHeads, HeadWidth, Address>& dcache,
            rows<float, Columns> dkey, rows<float, Columns> dvalue, extent_t first, const simd&) {
  by_lanes::append_backward<simd_lanes::lanes>(dcache, dkey, dvalue, first);
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
