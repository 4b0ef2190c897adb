#pragma once
/// Attention through features by Eigen, f32 and f64.

#include <lacuna/backend/eigen/lanes.hpp>
#include <lacuna/backend/lanes/scan_backward.hpp>

LACUNA_BEGIN

namespace operation {

/// mixed = attention through features: see `op::scan`.
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, extent_t KvHeads, extent_t Features,
          extent_t HeadWidth, class Map, bool Causal>
  requires(std::is_floating_point_v<Value> &&
           by_lanes::scan_executor<eigen_lanes::lanes<Value>, Heads, scan_state<Value, KvHeads, Features, HeadWidth>,
                                   Map>::fits)
auto kernel(scan, rows<Value, Columns> mixed, const scan_rows<Value, Heads, KvHeads>& saved,
            rows<const Value, Columns> query, rows<const Value, KvColumns> key, rows<const Value, KvColumns> value,
            const scan_state<Value, KvHeads, Features, HeadWidth>& state, const Map& map, constant<bool, Causal>,
            const eigen&) {
  by_lanes::scan<eigen_lanes::lanes<Value>, Causal, Heads>(mixed, saved, query, key, value, state, map);
  return ran_on<eigen>{};
}

/// Adjoints of queries, keys and values: see `op::scan_backward`.
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, extent_t KvHeads, extent_t Features,
          extent_t HeadWidth, class Map, bool Causal>
  requires(std::is_floating_point_v<Value> &&
           by_lanes::scan_executor<eigen_lanes::lanes<Value>, Heads, scan_state<Value, KvHeads, Features, HeadWidth>,
                                   Map>::fits)
auto kernel(scan_backward, rows<Value, Columns> dquery, rows<Value, KvColumns> dkey, rows<Value, KvColumns> dvalue,
            rows<const Value, Columns> mixed, rows<const Value, Columns> dmixed,
            const scan_rows<const Value, Heads, KvHeads>& saved, rows<const Value, Columns> query,
            rows<const Value, KvColumns> key, rows<const Value, KvColumns> value,
            const scan_state<Value, KvHeads, Features, HeadWidth>& state,
            const scan_state<Value, KvHeads, Features, HeadWidth>& turned, const Map& map, constant<bool, Causal>,
            const eigen&) {
  by_lanes::scan_backward<eigen_lanes::lanes<Value>, Causal, Heads>(dquery, dkey, dvalue, mixed, dmixed, saved, query,
                                                                    key, value, state, turned, map);
  return ran_on<eigen>{};
}

}  // namespace operation

LACUNA_END
