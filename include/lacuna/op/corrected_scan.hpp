#pragma once
/// Attention through features, corrected on the keys that a block plan shows: e^s there, phi(q).phi(k) elsewhere.
///
/// Features are estimates here: e^s is, on average, the mean of phi_r(q) phi_r(k) over the features (see scan.hpp for
/// what a map says). Nothing takes keys out of a scan's state; what the state says of the shown keys is subtracted, so
/// that partial sums are signed. All of a row is kept relative to one factor e^top, top the larger of its exact scores
/// and of the scales of its estimates.
///
/// Source: Chen et al. (2021), Scatterbrain, arXiv 2110.15343, section 4; the released sblocal_attention.py.

#include <lacuna/op/attend.hpp>
#include <lacuna/op/scan.hpp>

LACUNA_BEGIN

/// A scan's state; and for the keys of the cache, at the same addresses: features (kv_heads, features) up to e^scale,
/// scales (kv_heads). `clamped` (heads) counts the rows whose estimates outside the plan were lost to rounding.
template <class Value, extent_t Heads, extent_t KvHeads, extent_t Features, extent_t HeadWidth, class Address>
struct corrected_state {
  static constexpr extent_t heads = Heads, kv_heads = KvHeads, features = Features, head_width = HeadWidth;
  scan_state<Value, KvHeads, Features, HeadWidth> scan{};
  Value* key_features = nullptr;
  Value* key_scales = nullptr;
  Value* clamped = nullptr;
  Address address{};

  LACUNA_HD constexpr Value* features_of(extent_t key, extent_t kv) const noexcept {
    return key_features + (at(key) * KvHeads + kv) * Features;
  }
  LACUNA_HD constexpr Value& scale_of(extent_t key, extent_t kv) const noexcept {
    return key_scales[at(key) * KvHeads + kv];
  }
  LACUNA_HD constexpr void clear() const noexcept {
    scan.clear();
    for (extent_t h = 0; h < Heads; ++h) clamped[h] = 0;
  }

 private:
  LACUNA_HD constexpr extent_t at(extent_t key) const noexcept {
    return address(key / block_keys) * block_keys + key % block_keys;
  }
};

/// What a corrected scan keeps of its rows for backward; without storage it is not written.
template <class Value, extent_t Heads, extent_t KvHeads>
struct corrected_rows {
  rows<Value, KvHeads> scale;    ///< the state's, when the row was served
  rows<Value, Heads> log_scale;  ///< the logarithm of the row's denominator
  rows<Value, Heads> share;      ///< what a product of features is worth, of the denominator; 0 without estimates
};

namespace operation {

namespace scan_loops {

/// Estimates outside the plan that are less than this share of all estimates of a row are rounding errors of the
/// subtraction. Released code raises the denominator to 1e-6 or 1e-24 in place of that.
template <class Value>
inline constexpr Value least_rest = static_cast<Value>(sizeof(Value) == sizeof(float) ? 1e-6 : 1e-14);

/// The sums of one row of one head, relative to e^top.
template <class Value>
struct corrected_sums {
  Value top = 0;
  Value exact = 0;  ///< of e^s over the plan's keys
  Value whole = 0;  ///< of the estimates of all keys
  Value rest = 0;   ///< of those outside the plan
  Value unit = 0;   ///< what a product of features is worth

  /// Raises the factor of all sums, and of the values mixed so far.
  LACUNA_HD constexpr void raise(Value to, Value* out, extent_t columns) noexcept {
    const Value shrink = maths::exp(top - to);
    top = to;
    if (shrink == Value(1)) return;
    exact *= shrink, whole *= shrink, rest *= shrink, unit *= shrink;
    for (extent_t d = 0; d < columns; ++d) out[d] *= shrink;
  }
};

/// Whether rounding has lost the estimates outside the plan, or everything, relative to the scales of the estimates.
template <class Value>
LACUNA_HD constexpr bool estimates_are_lost(const corrected_sums<Value>& sums) noexcept {
  return sums.rest < least_rest<Value> * sums.whole || inverse(sums.exact + sums.rest) == Value(0);
}

template <class Value>
LACUNA_HD constexpr Value product(const Value* a, const Value* b, extent_t count) noexcept {
  Value sum = 0;
  for (extent_t r = 0; r < count; ++r) sum += a[r] * b[r];
  return sum;
}

/// Row t of head h, not divided yet; its query has the features `phi` and their scale.
template <class Value, class State, class Cache, class Rule>
LACUNA_HD constexpr corrected_sums<Value> corrected_row(Value* out, const Value* query, const Value* phi, Value scale,
                                                        const State& state, const Cache& cache,
                                                        const block_plan_view& plan, const Rule& rule, extent_t t,
                                                        extent_t h, bool estimates) {
  constexpr extent_t width = State::head_width, features = State::features;
  constexpr Value nothing_yet = -maths::infinity<Value>();
  const extent_t kv = h / (State::heads / State::kv_heads);
  corrected_sums<Value> sums;
  sums.top = estimates ? scale + state.scan.scale[kv] : nothing_yet;
  const bool estimated = !(sums.top == nothing_yet);
  for (extent_t d = 0; d < width; ++d) out[d] = 0;
  if (estimated) {
    sums.unit = Value(1) / Value(features);
    sums.whole = sums.rest = read_sums(state.scan, kv, phi, out) * sums.unit;
    for (extent_t d = 0; d < width; ++d) out[d] *= sums.unit;
  }
  plan.for_each_block(t, [&](extent_t block, std::uint32_t mask) {
    Value scores[block_keys]{};
    attention_loops::block_scores<width>(scores, query, cache.key_block(block, kv), mask, rule, h, plan.first + t,
                                         block);
    Value top = sums.top;
    for (extent_t j = 0; j < block_keys; ++j)
      if ((mask >> j & 1u) != 0) top = maths::larger(top, scores[j]);
    if (top > sums.top) sums.raise(top, out, width);
    const auto* values = cache.value_block(block, kv);
    for (extent_t j = 0; j < block_keys; ++j) {
      if ((mask >> j & 1u) == 0) continue;
      // Below every number, or no number: the one is hidden, the other has to show.
      const Value lowered = sums.top == nothing_yet && !maths::is_nan(scores[j]) ? nothing_yet : scores[j] - sums.top;
      const Value exact = maths::exp(lowered);
      Value weight = exact;
      if (estimated) {
        const extent_t key = block * block_keys + j;
        const Value estimate = sums.unit * maths::exp(state.scale_of(key, kv) - state.scan.scale[kv]) *
                               product(phi, static_cast<const Value*>(state.features_of(key, kv)), features);
        sums.rest -= estimate;
        weight -= estimate;
      }
      sums.exact += exact;
      for (extent_t d = 0; d < width; ++d) out[d] += weight * static_cast<Value>(widen(values[Cache::value_at(j, d)]));
    }
  });
  return sums;
}

}  // namespace scan_loops

/// mixed(t, h) = sum w v / sum w: w = e^s on the plan's keys, phi(q).phi(k) / features on the others, up to t or all.
struct corrected_scan {
  static constexpr auto name = fixed_string("corrected_scan");
  template <class Mixed, class Saved, class Query, class Key, class State, class Cache, class Rule, class Map,
            class Causal>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Mixed&, const Saved&, const Query& query, const Key&,
                                                         const Key&, const State&, const Cache&,
                                                         const block_plan_view& plan, const Rule&, const Map&,
                                                         Causal) noexcept {
    constexpr extent_t width = State::head_width, features = State::features;
    return std::uint64_t{query.count} * (State::heads + State::kv_heads) *
               (Map::projections * width + features * (width + 1)) +
           plan.pairs * State::heads * (2 * width + features);
  }
};
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, extent_t KvHeads, extent_t Features,
          extent_t HeadWidth, class Address, class Element, class Rule, class Map, bool Causal>
LACUNA_HD constexpr auto kernel(corrected_scan, rows<Value, Columns> mixed,
                                const corrected_rows<Value, Heads, KvHeads>& saved, rows<const Value, Columns> query,
                                rows<const Value, KvColumns> key, rows<const Value, KvColumns> value,
                                const corrected_state<Value, Heads, KvHeads, Features, HeadWidth, Address>& state,
                                const cache_view<const Element, KvHeads, HeadWidth, Address>& cache,
                                const block_plan_view& plan, const Rule& rule, const Map& map, constant<bool, Causal>,
                                const reference&) {
  Value phi[Features];
  const auto add = [&](extent_t t) {
    for (extent_t kv = 0; kv < KvHeads; ++kv)
      state.scale_of(plan.first + t, kv) =
          scan_loops::add_key(state.scan, kv, map, key.row(t) + kv * HeadWidth, value.row(t) + kv * HeadWidth,
                              state.features_of(plan.first + t, kv));
  };
  const auto read = [&](extent_t t) {
    extent_t shown = 0;
    plan.for_each_block(t, [&](extent_t, std::uint32_t mask) {
      for (; mask != 0; mask &= mask - 1) ++shown;
    });
    for (extent_t h = 0; h < Heads; ++h) {
      const Value* q = query.row(t) + h * HeadWidth;
      Value* out = mixed.row(t) + h * HeadWidth;
      const Value scale = map.apply(q, phi);
      // A row that is shown all it covers has no rest, not what rounding leaves of one.
      bool estimates = shown < plan.first + (Causal ? t + 1 : query.count);
      auto sums = scan_loops::corrected_row(out, q, phi, scale, state, cache, plan, rule, t, h, estimates);
      if (estimates && shown > 0 && scan_loops::estimates_are_lost(sums)) {
        state.clamped[h] += Value(1);
        estimates = false;
        sums = scan_loops::corrected_row(out, q, phi, scale, state, cache, plan, rule, t, h, estimates);
      }
      const Value denominator = sums.exact + sums.rest, share = scan_loops::inverse(denominator);
      for (extent_t d = 0; d < HeadWidth; ++d) out[d] *= share;
      if (saved.log_scale.data != nullptr)
        saved.log_scale(t, h) = share == Value(0) ? maths::infinity<Value>() : sums.top + maths::log(denominator);
      if (saved.share.data != nullptr) saved.share(t, h) = sums.unit * share;
    }
    if (saved.scale.data != nullptr)
      for (extent_t kv = 0; kv < KvHeads; ++kv) saved.scale(t, kv) = state.scan.scale[kv];
  };
  for (extent_t t = 0; t < query.count; ++t) {
    add(t);
    if constexpr (Causal) read(t);
  }
  if constexpr (!Causal)
    for (extent_t t = 0; t < query.count; ++t) read(t);
  return ran_on<reference>{};
}

/// Adjoints of `corrected_scan` over a whole stream; they accumulate. Of `state`, the sums are built up again; `turned`
/// is room of its size, its key features are adjoints.
struct corrected_scan_backward {
  static constexpr auto name = fixed_string("corrected_scan_backward");
  template <class QueryAdjoint, class KeyAdjoint, class CacheAdjoint, class Saved, class Query, class Key, class State,
            class Cache, class Rule, class Map, class Causal>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const QueryAdjoint&, const KeyAdjoint&, const KeyAdjoint&,
                                                         const CacheAdjoint&, const Query& query, const Query&,
                                                         const Saved&, const Query&, const Key&, const Key&,
                                                         const State&, const State&, const Cache&,
                                                         const block_plan_view& plan, const Rule&, const Map&,
                                                         Causal) noexcept {
    constexpr extent_t width = State::head_width, features = State::features;
    constexpr std::uint64_t map = Map::projections * width, sums = features * (width + 1);
    return std::uint64_t{query.count} * (State::heads * (5 * map + 2 * sums + 2 * width) +
                                         State::kv_heads * (4 * map + 2 * sums + features * width)) +
           plan.pairs * State::heads * (5 * width + 3 * features);
  }
};
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, extent_t KvHeads, extent_t Features,
          extent_t HeadWidth, class Address, class Element, class Rule, class Map, bool Causal>
LACUNA_HD constexpr auto kernel(
    corrected_scan_backward, rows<Value, Columns> dquery, rows<Value, KvColumns> dkey, rows<Value, KvColumns> dvalue,
    const cache_view<Value, KvHeads, HeadWidth, Address>& dcache, rows<const Value, Columns> mixed,
    rows<const Value, Columns> dmixed, const corrected_rows<const Value, Heads, KvHeads>& saved,
    rows<const Value, Columns> query, rows<const Value, KvColumns> key, rows<const Value, KvColumns> value,
    const corrected_state<Value, Heads, KvHeads, Features, HeadWidth, Address>& state,
    const corrected_state<Value, Heads, KvHeads, Features, HeadWidth, Address>& turned,
    const cache_view<const Element, KvHeads, HeadWidth, Address>& cache, const block_plan_view& plan, const Rule& rule,
    const Map& map, constant<bool, Causal>, const reference&) {
  constexpr extent_t group = Heads / KvHeads;
  const auto row_adjoint = [&](extent_t t, extent_t h, Value* through) {
    const Value *dout = dmixed.row(t) + h * HeadWidth, *out = mixed.row(t) + h * HeadWidth;
    Value through_denominator = 0;
    for (extent_t d = 0; d < HeadWidth; ++d) {
      through[d] = dout[d] * saved.share(t, h);
      through_denominator -= through[d] * out[d];
    }
    return through_denominator;
  };
  // The estimates of all keys, as in a scan; then, key by key, what the plan's keys have in their place.
  scan_loops::add_adjoints<Causal>(dquery, dkey, dvalue, saved.scale, query, key, value, state.scan, turned.scan, map,
                                   row_adjoint);
  Value phi[Features], dphi[Features];
  for (extent_t t = 0; t < query.count; ++t)
    for (extent_t h = 0; h < Heads; ++h) {
      const extent_t kv = h / group;
      const Value *q = query.row(t) + h * HeadWidth, *out = mixed.row(t) + h * HeadWidth;
      const Value* dout = dmixed.row(t) + h * HeadWidth;
      Value* dq = dquery.row(t) + h * HeadWidth;
      map.apply(q, phi);
      for (extent_t r = 0; r < Features; ++r) dphi[r] = 0;
      plan.for_each_block(t, [&](extent_t block, std::uint32_t mask) {
        Value scores[block_keys]{};
        attention_loops::block_scores<HeadWidth>(scores, q, cache.key_block(block, kv), mask, rule, h, plan.first + t,
                                                 block);
        const Element *k = cache.key_block(block, kv), *v = cache.value_block(block, kv);
        Value *dk = dcache.key_block(block, kv), *dv = dcache.value_block(block, kv);
        for (extent_t j = 0; j < block_keys; ++j) {
          if ((mask >> j & 1u) == 0) continue;
          const extent_t position = block * block_keys + j;
          const Value* of_key = state.features_of(position, kv);
          Value* dof_key = turned.features_of(position, kv);
          const Value exact = maths::exp(scores[j] - saved.log_scale(t, h));
          const Value unit = saved.share(t, h) * maths::exp(state.scale_of(position, kv) - saved.scale(t, kv));
          const Value estimate =
              saved.share(t, h) == Value(0) ? Value(0) : unit * scan_loops::product(phi, of_key, Features);
          // What a weight is worth: how its value differs from the row's mean.
          Value g = 0;
          for (extent_t d = 0; d < HeadWidth; ++d)
            g += dout[d] * (static_cast<Value>(widen(v[dcache.value_at(j, d)])) - out[d]);
          const Value ds = exact * g * rule.scale;
          for (extent_t d = 0; d < HeadWidth; ++d) {
            dq[d] += ds * static_cast<Value>(widen(k[d * block_keys + j]));
            dk[d * block_keys + j] += ds * q[d];
            dv[dcache.value_at(j, d)] += (exact - estimate) * dout[d];
          }
          if (saved.share(t, h) == Value(0)) continue;
          for (extent_t r = 0; r < Features; ++r) {
            dphi[r] -= g * unit * of_key[r];
            dof_key[r] -= g * unit * phi[r];
          }
        }
      });
      map.add_adjoint(q, phi, dphi, dq);
    }
  for (extent_t t = 0; t < query.count; ++t)
    for (extent_t kv = 0; kv < KvHeads; ++kv)
      map.add_adjoint(key.row(t) + kv * HeadWidth, state.features_of(plan.first + t, kv),
                      turned.features_of(plan.first + t, kv), dkey.row(t) + kv * HeadWidth);
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// Rows of attention through features (up to t where Causal, or over all of it) with the plan's keys corrected:
/// `(tokens, heads * head_width)`; keys and values are in the cache already, their features are written beside them,
/// the state goes on. tokens * (heads + kv_heads) * (projections * head_width + features * (head_width + 1)) + pairs *
/// heads
/// * (2 head_width + features) multiply-adds; a clamped row's pairs are walked twice, which is not counted.
template <class Value, extent_t Columns, extent_t KvColumns, class Saved, class State, class Cache, class Rule,
          class Map, bool Causal, class Backend>
LACUNA_HD constexpr auto corrected_scan(rows<Value, Columns> mixed, const Saved& saved, rows<Value, Columns> query,
                                        rows<Value, KvColumns> key, rows<Value, KvColumns> value, const State& state,
                                        const Cache& cache, const block_plan_view& plan, const Rule& rule,
                                        const Map& map, constant<bool, Causal> causal, const Backend& backend) {
  return run_kernel(operation::corrected_scan{}, backend, mixed, saved, readable(query), readable(key), readable(value),
                    state, cache, plan, rule, map, causal);
}

/// Adjoints of `corrected_scan` over a stream from its first token; dquery, dkey, dvalue, those of the cache and
/// `turned`'s key features accumulate. A clamped row is differentiated as one without estimates.
template <class Value, extent_t Heads, extent_t KvHeads, extent_t Columns, extent_t KvColumns, class CacheAdjoint,
          class State, class Cache, class Rule, class Map, bool Causal, class Backend>
LACUNA_HD constexpr auto corrected_scan_backward(
    rows<Value, Columns> dquery, rows<Value, KvColumns> dkey, rows<Value, KvColumns> dvalue, const CacheAdjoint& dcache,
    rows<Value, Columns> mixed, rows<Value, Columns> dmixed, const corrected_rows<Value, Heads, KvHeads>& saved,
    rows<Value, Columns> query, rows<Value, KvColumns> key, rows<Value, KvColumns> value, const State& state,
    const State& turned, const Cache& cache, const block_plan_view& plan, const Rule& rule, const Map& map,
    constant<bool, Causal> causal, const Backend& backend) {
  const corrected_rows<const Value, Heads, KvHeads> kept{readable(saved.scale), readable(saved.log_scale),
                                                         readable(saved.share)};
  return run_kernel(operation::corrected_scan_backward{}, backend, dquery, dkey, dvalue, dcache, readable(mixed),
                    readable(dmixed), kept, readable(query), readable(key), readable(value), state, turned, cache, plan,
                    rule, map, causal);
}

}  // namespace op

LACUNA_END
