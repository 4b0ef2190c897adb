#pragma once
/// Attention through features on SIMD lanes.

#include <lacuna/backend/lanes/scan_backward.hpp>
#include <lacuna/backend/simd/lanes.hpp>

LACUNA_BEGIN

namespace operation {

/// mixed = attention through features, f32: see `op::scan`.
template <extent_t Heads, extent_t Columns, extent_t KvColumns, extent_t KvHeads, extent_t Features, extent_t HeadWidth,
          class Map, bool Causal>
  requires(
      by_lanes::scan_executor<simd_lanes::lanes, Heads, scan_state<float, KvHeads, Features, HeadWidth>, Map>::fits)
auto kernel(scan, rows<float, Columns> mixed, const scan_rows<float, Heads, KvHeads>& saved,
            rows<const float, Columns> query, rows<const float, KvColumns> key, rows<const float, KvColumns> value,
            const scan_state<float, KvHeads, Features, HeadWidth>& state, const Map& map, constant<bool, Causal>,
            const simd&) {
  by_lanes::scan<simd_lanes::lanes, Causal, Heads>(mixed, saved, query, key, value, state, map);
  return ran_on<simd>{};
}

/// Adjoints of queries, keys and values, f32: see `op::scan_backward`.
template <extent_t Heads, extent_t Columns, extent_t KvColumns, extent_t KvHeads, extent_t Features, extent_t HeadWidth,
          class Map, bool Causal>
  requires(
      by_lanes::scan_executor<simd_lanes::lanes, Heads, scan_state<float, KvHeads, Features, HeadWidth>, Map>::fits)
auto kernel(scan_backward, rows<float, Columns> dquery, rows<float, KvColumns> dkey, rows<float, KvColumns> dvalue,
            rows<const float, Columns> mixed, rows<const float, Columns> dmixed,
            const scan_rows<const float, Heads, KvHeads>& saved, rows<const float, Columns> query,
            rows<const float, KvColumns> key, rows<const float, KvColumns> value,
            const scan_state<float, KvHeads, Features, HeadWidth>& state,
            const scan_state<float, KvHeads, Features, HeadWidth>& turned, const Map& map, constant<bool, Causal>,
            const simd&) {
  by_lanes::scan_backward<simd_lanes::lanes, Causal, Heads>(dquery, dkey, dvalue, mixed, dmixed, saved, query, key,
                                                            value, state, turned, map);
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
