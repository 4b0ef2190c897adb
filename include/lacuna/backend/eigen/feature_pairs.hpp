#pragma once
/// Attention through features over the pairs of a plan by Eigen, f32 and f64.

#include <lacuna/backend/eigen/lanes.hpp>
#include <lacuna/backend/lanes/feature_pairs.hpp>

LACUNA_BEGIN

namespace operation {

/// mixed = attention through features over the plan's keys: see `op::feature_pairs`.
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, extent_t KvHeads, extent_t Features,
          extent_t HeadWidth, class Map>
  requires(std::is_floating_point_v<Value> &&
           by_lanes::feature_pairs_executor<eigen_lanes::lanes<Value>, Heads,
                                            feature_store<Value, KvHeads, Features, HeadWidth>, Map>::fits)
auto kernel(feature_pairs, rows<Value, Columns> mixed, const feature_rows<Value, Heads>& saved,
            rows<const Value, Columns> query, rows<const Value, KvColumns> key, rows<const Value, KvColumns> value,
            const feature_store<Value, KvHeads, Features, HeadWidth>& store, const block_plan_view& plan,
            const Map& map, const eigen&) {
  by_lanes::feature_pairs<eigen_lanes::lanes<Value>, Heads>(mixed, saved, query, key, value, store, plan, map);
  return ran_on<eigen>{};
}

/// Adjoints of queries, keys and values: see `op::feature_pairs_backward`.
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, extent_t KvHeads, extent_t Features,
          extent_t HeadWidth, class Map>
  requires(std::is_floating_point_v<Value> &&
           by_lanes::feature_pairs_executor<eigen_lanes::lanes<Value>, Heads,
                                            feature_store<Value, KvHeads, Features, HeadWidth>, Map>::fits)
auto kernel(feature_pairs_backward, rows<Value, Columns> dquery, rows<Value, KvColumns> dkey,
            rows<Value, KvColumns> dvalue, rows<const Value, Columns> mixed, rows<const Value, Columns> dmixed,
            const feature_rows<const Value, Heads>& saved, rows<const Value, Columns> query,
            rows<const Value, KvColumns> key, const feature_store<Value, KvHeads, Features, HeadWidth>& store,
            const feature_store<Value, KvHeads, Features, HeadWidth>& dstore, const block_plan_view& plan,
            const Map& map, const eigen&) {
  by_lanes::feature_pairs_backward<eigen_lanes::lanes<Value>, Heads>(dquery, dkey, dvalue, mixed, dmixed, saved, query,
                                                                     key, store, dstore, plan, map);
  return ran_on<eigen>{};
}

}  // namespace operation

LACUNA_END
