#pragma once
/// Attention through features, corrected on the keys of a plan, by Eigen, f32 and f64.

#include <lacuna/backend/eigen/lanes.hpp>
#include <lacuna/backend/lanes/corrected_scan_backward.hpp>

LACUNA_BEGIN

namespace operation {

/// mixed = attention through features with exact scores on the plan's keys: see `op::corrected_scan`.
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, extent_t KvHeads, extent_t Features,
          extent_t HeadWidth, class Address, class Element, class Rule, class Map, bool Causal>
  requires(std::is_floating_point_v<Value> && !Rule::bias_type::present &&
           by_lanes::scan_executor<eigen_lanes::lanes<Value>, Heads, scan_state<Value, KvHeads, Features, HeadWidth>,
                                   Map>::fits)
auto kernel(corrected_scan, rows<Value, Columns> mixed, const corrected_rows<Value, Heads, KvHeads>& saved,
            rows<const Value, Columns> query, rows<const Value, KvColumns> key, rows<const Value, KvColumns> value,
            const corrected_state<Value, Heads, KvHeads, Features, HeadWidth, Address>& state,
            const cache_view<const Element, KvHeads, HeadWidth, Address>& cache, const block_plan_view& plan,
            const Rule& rule, const Map& map, constant<bool, Causal>, const eigen&) {
  by_lanes::corrected_scan<eigen_lanes::lanes<Value>, Causal, Heads>(mixed, saved, query, key, value, state, cache,
                                                                     plan, rule, map);
  return ran_on<eigen>{};
}

/// Adjoints of queries, keys and values: see `op::corrected_scan_backward`.
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, extent_t KvHeads, extent_t Features,
          extent_t HeadWidth, class Address, class Element, class Rule, class Map, bool Causal>
  requires(std::is_floating_point_v<Value> && !Rule::bias_type::present &&
           by_lanes::scan_executor<eigen_lanes::lanes<Value>, Heads, scan_state<Value, KvHeads, Features, HeadWidth>,
                                   Map>::fits)
auto kernel(corrected_scan_backward, rows<Value, Columns> dquery, rows<Value, KvColumns> dkey,
            rows<Value, KvColumns> dvalue, const cache_view<Value, KvHeads, HeadWidth, Address>& dcache,
            rows<const Value, Columns> mixed, rows<const Value, Columns> dmixed,
            const corrected_rows<const Value, Heads, KvHeads>& saved, rows<const Value, Columns> query,
            rows<const Value, KvColumns> key, rows<const Value, KvColumns> value,
            const corrected_state<Value, Heads, KvHeads, Features, HeadWidth, Address>& state,
            const corrected_state<Value, Heads, KvHeads, Features, HeadWidth, Address>& turned,
            const cache_view<const Element, KvHeads, HeadWidth, Address>& cache, const block_plan_view& plan,
            const Rule& rule, const Map& map, constant<bool, Causal>, const eigen&) {
  by_lanes::corrected_scan_backward<eigen_lanes::lanes<Value>, Causal, Heads>(
      dquery, dkey, dvalue, dcache, mixed, dmixed, saved, query, key, value, state, turned, cache, plan, rule, map);
  return ran_on<eigen>{};
}

}  // namespace operation

LACUNA_END
