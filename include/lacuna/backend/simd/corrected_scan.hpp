#pragma once
/// Attention through features, corrected on the keys of a plan, on SIMD lanes.

#include <lacuna/backend/lanes/corrected_scan_backward.hpp>
#include <lacuna/backend/simd/lanes.hpp>

LACUNA_BEGIN

namespace operation {

/// mixed = attention through features with exact scores on the plan's keys, f32: see `op::corrected_scan`.
template <extent_t Heads, extent_t Columns, extent_t KvColumns, extent_t KvHeads, extent_t Features, extent_t HeadWidth,
          class Address, class Element, class Rule, class Map, bool Causal>
  requires(
      !Rule::bias_type::present &&
      by_lanes::scan_executor<simd_lanes::lanes, Heads, scan_state<float, KvHeads, Features, HeadWidth>, Map>::fits)
auto kernel(corrected_scan, rows<float, Columns> mixed, const corrected_rows<float, Heads, KvHeads>& saved,
            rows<const float, Columns> query, rows<const float, KvColumns> key, rows<const float, KvColumns> value,
            const corrected_state<float, Heads, KvHeads, Features, HeadWidth, Address>& state,
            const cache_view<const Element, KvHeads, HeadWidth, Address>& cache, const block_plan_view& plan,
            const Rule& rule, const Map& map, constant<bool, Causal>, const simd&) {
  by_lanes::corrected_scan<simd_lanes::lanes, Causal, Heads>(mixed, saved, query, key, value, state, cache, plan, rule,
                                                             map);
  return ran_on<simd>{};
}

/// Adjoints of queries, keys and values, f32: see `op::corrected_scan_backward`.
template <extent_t Heads, extent_t Columns, extent_t KvColumns, extent_t KvHeads, extent_t Features, extent_t HeadWidth,
          class Address, class Element, class Rule, class Map, bool Causal>
  requires(
      !Rule::bias_type::present &&
      by_lanes::scan_executor<simd_lanes::lanes, Heads, scan_state<float, KvHeads, Features, HeadWidth>, Map>::fits)
auto kernel(corrected_scan_backward, rows<float, Columns> dquery, rows<float, KvColumns> dkey,
            rows<float, KvColumns> dvalue, const cache_view<float, KvHeads, HeadWidth, Address>& dcache,
            rows<const float, Columns> mixed, rows<const float, Columns> dmixed,
            const corrected_rows<const float, Heads, KvHeads>& saved, rows<const float, Columns> query,
            rows<const float, KvColumns> key, rows<const float, KvColumns> value,
            const corrected_state<float, Heads, KvHeads, Features, HeadWidth, Address>& state,
            const corrected_state<float, Heads, KvHeads, Features, HeadWidth, Address>& turned,
            const cache_view<const Element, KvHeads, HeadWidth, Address>& cache, const block_plan_view& plan,
            const Rule& rule, const Map& map, constant<bool, Causal>, const simd&) {
  by_lanes::corrected_scan_backward<simd_lanes::lanes, Causal, Heads>(
      dquery, dkey, dvalue, dcache, mixed, dmixed, saved, query, key, value, state, turned, cache, plan, rule, map);
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
