#pragma once
/// Attention through features where rows leave keys out: weights phi(q).phi(k), pair by pair over a block plan.
///
/// What a feature map offers, op/scan.hpp says; where every row sees a prefix, the scan there needs no pairs.

#include <lacuna/op/block_plan.hpp>
#include <lacuna/op/scan.hpp>

LACUNA_BEGIN

/// Keys as features, and values, of every position so far: phi `(positions, kv_heads, features)` up to e^scale
/// `(positions, kv_heads)`, values `(positions, kv_heads, head_width)`. The adjoint has the same form; its scale is not
/// used.
template <class Value, extent_t KvHeads, extent_t Features, extent_t HeadWidth>
struct feature_store {
  static constexpr extent_t kv_heads = KvHeads;
  static constexpr extent_t features = Features;
  static constexpr extent_t head_width = HeadWidth;
  Value* phi = nullptr;
  Value* scale = nullptr;
  Value* values = nullptr;

  LACUNA_HD constexpr Value* phi_of(extent_t position, extent_t kv) const noexcept {
    return phi + (position * KvHeads + kv) * Features;
  }
  LACUNA_HD constexpr Value& scale_of(extent_t position, extent_t kv) const noexcept {
    return scale[position * KvHeads + kv];
  }
  LACUNA_HD constexpr Value* value_of(extent_t position, extent_t kv) const noexcept {
    return values + (position * KvHeads + kv) * HeadWidth;
  }
};

/// What is kept of rows for backward; without storage it is not written.
template <class Value, extent_t Heads>
struct feature_rows {
  rows<Value, Heads> scale;        ///< the largest of the keys' that the row sees
  rows<Value, Heads> denominator;  ///< of the row, up to that factor and its query's
};

namespace operation {

namespace feature_loops {

/// Calls `f(position)` for every key that row t of the plan sees.
template <class Function>
LACUNA_HD constexpr void for_each_key(const block_plan_view& plan, extent_t t, Function&& f) {
  plan.for_each_block(t, [&](extent_t block, std::uint32_t mask) {
    for (extent_t j = 0; j < block_keys; ++j)
      if ((mask >> j & 1u) != 0) f(block * block_keys + j);
  });
}

}  // namespace feature_loops

/// mixed(t, h) = sum of phi(q_t).phi(k_j) v_j / sum of phi(q_t).phi(k_j) over the keys that row t sees.
struct feature_pairs {
  static constexpr auto name = fixed_string("feature_pairs");
  template <class Mixed, class Saved, class Query, class Key, class Store, class Map>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Mixed&, const Saved&, const Query& query, const Key&,
                                                         const Key&, const Store&, const block_plan_view& plan,
                                                         const Map&) noexcept {
    constexpr extent_t heads = Query::columns / Store::head_width;
    return std::uint64_t{query.count} * (heads + Store::kv_heads) * Map::projections * Store::head_width +
           plan.pairs * heads * (Store::features + Store::head_width);
  }
};
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, extent_t KvHeads, extent_t Features,
          extent_t HeadWidth, class Map>
LACUNA_HD constexpr auto kernel(feature_pairs, rows<Value, Columns> mixed, const feature_rows<Value, Heads>& saved,
                                rows<const Value, Columns> query, rows<const Value, KvColumns> key,
                                rows<const Value, KvColumns> value,
                                const feature_store<Value, KvHeads, Features, HeadWidth>& store,
                                const block_plan_view& plan, const Map& map, const reference&) {
  constexpr extent_t group = Heads / KvHeads;
  for (extent_t t = 0; t < key.count; ++t)
    for (extent_t kv = 0; kv < KvHeads; ++kv) {
      store.scale_of(plan.first + t, kv) = map.apply(key.row(t) + kv * HeadWidth, store.phi_of(plan.first + t, kv));
      for (extent_t d = 0; d < HeadWidth; ++d) store.value_of(plan.first + t, kv)[d] = value(t, kv * HeadWidth + d);
    }
  Value phi[Features];
  for (extent_t t = 0; t < query.count; ++t)
    for (extent_t h = 0; h < Heads; ++h) {
      const extent_t kv = h / group;
      Value* out = mixed.row(t) + h * HeadWidth;
      for (extent_t d = 0; d < HeadWidth; ++d) out[d] = 0;
      map.apply(query.row(t) + h * HeadWidth, phi);
      Value top = -maths::infinity<Value>(), denominator = 0;
      feature_loops::for_each_key(plan, t,
                                  [&](extent_t key_at) { top = maths::larger(store.scale_of(key_at, kv), top); });
      feature_loops::for_each_key(plan, t, [&](extent_t key_at) {
        const Value *of = store.phi_of(key_at, kv), *v = store.value_of(key_at, kv);
        Value weight = 0;
        for (extent_t r = 0; r < Features; ++r) weight += phi[r] * of[r];
        weight *= scan_loops::relative(store.scale_of(key_at, kv), top);
        denominator += weight;
        for (extent_t d = 0; d < HeadWidth; ++d) out[d] += weight * v[d];
      });
      const Value share = scan_loops::inverse(denominator);
      for (extent_t d = 0; d < HeadWidth; ++d) out[d] *= share;
      if (saved.scale.data != nullptr) saved.scale(t, h) = top;
      if (saved.denominator.data != nullptr) saved.denominator(t, h) = denominator;
    }
  return ran_on<reference>{};
}

/// Adjoints of `feature_pairs` over a whole stream; dquery, dkey and dvalue accumulate, `dstore` starts at 0.
struct feature_pairs_backward {
  static constexpr auto name = fixed_string("feature_pairs_backward");
  template <class QueryAdjoint, class KeyAdjoint, class Query, class Saved, class Key, class Store, class Map>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const QueryAdjoint&, const KeyAdjoint&, const KeyAdjoint&,
                                                         const Query& query, const Query&, const Saved&, const Query&,
                                                         const Key&, const Store&, const Store&,
                                                         const block_plan_view& plan, const Map&) noexcept {
    constexpr extent_t heads = Query::columns / Store::head_width;
    return std::uint64_t{query.count} * (heads * (2 * Map::projections + 2) + Store::kv_heads * Map::projections) *
               Store::head_width +
           plan.pairs * heads * (3 * Store::features + 2 * Store::head_width);
  }
};
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, extent_t KvHeads, extent_t Features,
          extent_t HeadWidth, class Map>
LACUNA_HD constexpr auto kernel(feature_pairs_backward, rows<Value, Columns> dquery, rows<Value, KvColumns> dkey,
                                rows<Value, KvColumns> dvalue, rows<const Value, Columns> mixed,
                                rows<const Value, Columns> dmixed, const feature_rows<const Value, Heads>& saved,
                                rows<const Value, Columns> query, rows<const Value, KvColumns> key,
                                const feature_store<Value, KvHeads, Features, HeadWidth>& store,
                                const feature_store<Value, KvHeads, Features, HeadWidth>& dstore,
                                const block_plan_view& plan, const Map& map, const reference&) {
  constexpr extent_t group = Heads / KvHeads;
  Value phi[Features], dphi[Features], through[HeadWidth];
  for (extent_t t = 0; t < query.count; ++t)
    for (extent_t h = 0; h < Heads; ++h) {
      const extent_t kv = h / group;
      const Value *out = mixed.row(t) + h * HeadWidth, *dout = dmixed.row(t) + h * HeadWidth;
      const Value share = scan_loops::inverse(saved.denominator(t, h));
      Value through_denominator = 0;
      for (extent_t d = 0; d < HeadWidth; ++d) {
        through[d] = dout[d] * share;
        through_denominator -= through[d] * out[d];
      }
      map.apply(query.row(t) + h * HeadWidth, phi);
      for (extent_t r = 0; r < Features; ++r) dphi[r] = 0;
      feature_loops::for_each_key(plan, t, [&](extent_t key_at) {
        const Value *of = store.phi_of(key_at, kv), *v = store.value_of(key_at, kv);
        Value *dof = dstore.phi_of(key_at, kv), *dv = dstore.value_of(key_at, kv);
        const Value shrink = scan_loops::relative(store.scale_of(key_at, kv), saved.scale(t, h));
        Value weight = 0, dweight = through_denominator;
        for (extent_t r = 0; r < Features; ++r) weight += phi[r] * of[r];
        for (extent_t d = 0; d < HeadWidth; ++d) dweight += through[d] * v[d];
        weight *= shrink, dweight *= shrink;
        for (extent_t r = 0; r < Features; ++r) dphi[r] += dweight * of[r], dof[r] += dweight * phi[r];
        for (extent_t d = 0; d < HeadWidth; ++d) dv[d] += weight * through[d];
      });
      map.add_adjoint(query.row(t) + h * HeadWidth, phi, dphi, dquery.row(t) + h * HeadWidth);
    }
  for (extent_t t = 0; t < key.count; ++t)
    for (extent_t kv = 0; kv < KvHeads; ++kv) {
      map.add_adjoint(key.row(t) + kv * HeadWidth, store.phi_of(plan.first + t, kv), dstore.phi_of(plan.first + t, kv),
                      dkey.row(t) + kv * HeadWidth);
      for (extent_t d = 0; d < HeadWidth; ++d) dvalue(t, kv * HeadWidth + d) += dstore.value_of(plan.first + t, kv)[d];
    }
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// mixed(t, h) = sum of phi(q_t).phi(k_j) v_j / sum of phi(q_t).phi(k_j) over the plan's keys: `(tokens, heads *
/// head_width)`. The store goes on by the keys and values of these tokens. Per pair and head, features + head_width
/// multiply-adds. A row that sees nothing, or whose features meet none, gives 0.
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, class Store, class Map, class Backend>
LACUNA_HD constexpr auto feature_pairs(rows<Value, Columns> mixed, const feature_rows<Value, Heads>& saved,
                                       rows<Value, Columns> query, rows<Value, KvColumns> key,
                                       rows<Value, KvColumns> value, const Store& store, const block_plan_view& plan,
                                       const Map& map, const Backend& backend) {
  return run_kernel(operation::feature_pairs{}, backend, mixed, saved, readable(query), readable(key), readable(value),
                    store, plan, map);
}

/// Adjoints of `feature_pairs` over a stream from its first token; dquery, dkey and dvalue accumulate.
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, class Store, class Map, class Backend>
LACUNA_HD constexpr auto feature_pairs_backward(rows<Value, Columns> dquery, rows<Value, KvColumns> dkey,
                                                rows<Value, KvColumns> dvalue, rows<Value, Columns> mixed,
                                                rows<Value, Columns> dmixed, const feature_rows<Value, Heads>& saved,
                                                rows<Value, Columns> query, rows<Value, KvColumns> key,
                                                const Store& store, const Store& dstore, const block_plan_view& plan,
                                                const Map& map, const Backend& backend) {
  const feature_rows<const Value, Heads> kept{readable(saved.scale), readable(saved.denominator)};
  return run_kernel(operation::feature_pairs_backward{}, backend, dquery, dkey, dvalue, readable(mixed),
                    readable(dmixed), kept, readable(query), readable(key), store, dstore, plan, map);
}

}  // namespace op

LACUNA_END
