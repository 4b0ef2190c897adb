#pragma once
/// Attention through features over the pairs of a plan on SIMD lanes.

#include <lacuna/backend/lanes/feature_pairs.hpp>
#include <lacuna/backend/simd/lanes.hpp>

LACUNA_BEGIN

namespace operation {

/// mixed = attention through features over the plan's keys, f32: see `op::feature_pairs`.
template <extent_t Heads, extent_t Columns, extent_t KvColumns, extent_t KvHeads, extent_t Features, extent_t HeadWidth,
          class Map>
  requires(by_lanes::feature_pairs_executor<simd_lanes::lanes, Heads,
                                            feature_store<float, KvHeads, Features, HeadWidth>, Map>::fits)
auto kernel(feature_pairs, rows<float, Columns> mixed, const feature_rows<float, Heads>& saved,
            rows<const float, Columns> query, rows<const float, KvColumns> key, rows<const float, KvColumns> value,
            const feature_store<float, KvHeads, Features, HeadWidth>& store, const block_plan_view& plan,
            const Map& map, const simd&) {
  by_lanes::feature_pairs<simd_lanes::lanes, Heads>(mixed, saved, query, key, value, store, plan, map);
  return ran_on<simd>{};
}

/// Adjoints of queries, keys and values, f32: see `op::feature_pairs_backward`.
template <extent_t Heads, extent_t Columns, extent_t KvColumns, extent_t KvHeads, extent_t Features, extent_t HeadWidth,
          class Map>
  requires(by_lanes::feature_pairs_executor<simd_lanes::lanes, Heads,
                                            feature_store<float, KvHeads, Features, HeadWidth>, Map>::fits)
auto kernel(feature_pairs_backward, rows<float, Columns> dquery, rows<float, KvColumns> dkey,
            rows<float, KvColumns> dvalue, rows<const float, Columns> mixed, rows<const float, Columns> dmixed,
            const feature_rows<const float, Heads>& saved, rows<const float, Columns> query,
            rows<const float, KvColumns> key, const feature_store<float, KvHeads, Features, HeadWidth>& store,
            const feature_store<float, KvHeads, Features, HeadWidth>& dstore, const block_plan_view& plan,
            const Map& map, const simd&) {
  by_lanes::feature_pairs_backward<simd_lanes::lanes, Heads>(dquery, dkey, dvalue, mixed, dmixed, saved, query, key,
                                                             store, dstore, plan, map);
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
