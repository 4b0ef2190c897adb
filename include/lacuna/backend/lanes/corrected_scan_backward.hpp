#pragma once
/// The backward of features with exact scores on a plan's keys by lanes: see `op::corrected_scan_backward`. The
/// estimates of all keys, as in a scan; then, row by row, what the plan's keys have in their place.

#include <lacuna/backend/lanes/corrected_scan.hpp>
#include <lacuna/backend/lanes/scan_backward.hpp>

LACUNA_BEGIN

namespace by_lanes {

template <class Lanes, extent_t Heads, class State, class Cache, class CacheAdjoint, class Rule, class Map>
struct corrected_scan_backward_executor {
  using forward = corrected_scan_executor<Lanes, Heads, State, Cache, Rule, Map>;
  using scanning = typename forward::scanning;
  using estimates_backward = scan_backward_executor<Lanes, Heads, typename forward::sums_of_state, Map, true>;
  using value = typename Lanes::element;
  using chunk = typename scanning::chunk;
  using workspace = typename scanning::workspace;
  using on_block = typename forward::on_block;
  using on_features = typename forward::on_features;
  static constexpr extent_t width = scanning::width, features = scanning::features, group = scanning::group;
  static constexpr extent_t lanes = scanning::lanes, stride = scanning::stride, per_block = on_block::per_block;

  struct arguments {
    typename estimates_backward::arguments of;
    const CacheAdjoint& dcache;
    const corrected_rows<const value, Heads, State::kv_heads>& saved;
    const State &state, &turned;
    const Cache& cache;
    const block_plan_view& plan;
    const Rule& rule;
  };

  /// Row t of head h, whose query has the features `phi`.
  static void differentiate_row(const arguments& a, extent_t t, extent_t h, const value* phi) noexcept {
    const extent_t kv = h / group;
    const value *q = a.of.of.query.row(t) + h * width, *out = a.of.mixed.row(t) + h * width;
    const value* dout = a.of.dmixed.row(t) + h * width;
    value* dq = a.of.dquery.row(t) + h * width;
    const value share = a.saved.share(t, h), log_scale = a.saved.log_scale(t, h), scale = a.saved.scale(t, kv);
    const bool estimated = !(share == value(0));
    alignas(64) value dphi[stride];
    for (value& of : dphi) of = 0;
    typename on_block::key_sums through_keys;
    a.plan.for_each_block(t, [&](extent_t block, std::uint32_t bits) {
      alignas(64) value ds[block_keys], g[block_keys], weights[block_keys], units[block_keys];
      forward::score(ds, q, a.cache, block, kv, bits, a.rule.scale);
      const auto* values = a.cache.value_block(block, kv);
      // What a weight is worth: how its value differs from the row's mean.
      on_block::dot_values_less(g, dout, out, bits, values);
      if (estimated)
        forward::estimate(weights, units, phi, a.state, block, kv, bits, share, scale);
      else
        for (extent_t j = 0; j < block_keys; ++j) weights[j] = units[j] = 0;
      unroll<per_block>([&](extent_t r) LACUNA_UNROLLED {
        const extent_t at = r * lanes;
        const Lanes exact = on_block::seen(bits, r, maths::exp(Lanes::load(ds + at) - Lanes(log_scale)));
        const Lanes worth = on_block::seen(bits, r, Lanes::load(g + at));
        (exact * worth * Lanes(a.rule.scale)).store(ds + at);
        (exact - Lanes::load(weights + at)).store(weights + at);
        (-(worth * Lanes::load(units + at))).store(units + at);
      });
      through_keys.add(ds, bits, a.cache.key_block(block, kv));
      on_block::add_to_keys(a.dcache.key_block(block, kv), ds, bits, q);
      on_block::add_to_values(a.dcache.value_block(block, kv), weights, bits, dout);
      if (!estimated) return;
      const seen_keys of(bits);
      const value* rows[block_keys];
      value factors[block_keys];
      for (extent_t i = 0; i < of.count; ++i) {
        const extent_t key = block * block_keys + of.key[i];
        rows[i] = a.state.features_of(key, kv);
        factors[i] = units[of.key[i]];
        on_features::add(a.turned.features_of(key, kv), factors[i], phi);
      }
      on_features::add_rows(dphi, factors, rows, of.count);
    });
    through_keys.end(dq);
    a.of.of.map.add_adjoint(q, phi, dphi, dq);
  }
  template <bool Causal>
  static void differentiate(const arguments& a, workspace& w) noexcept {
    estimates_backward::template differentiate<Causal>(a.of, w);
    scanning::for_each_chunk(a.of.of.query.count, [&](const chunk& of) {
      scanning::form_queries(a.of.of, of, w);
      for (extent_t i = 0; i < of.count * of.kv_count; ++i) {
        const extent_t kv = of.kv + (of.count == 1 ? i : 0), t = of.first + (of.count == 1 ? 0 : i);
        for (extent_t g = 0; g < group; ++g)
          differentiate_row(a, t, kv * group + g, w.of_queries + (i * group + g) * stride);
      }
    });
    // Features of keys take in what all rows say of them.
    alignas(64) value phi[stride], dphi[stride];
    for (extent_t r = features; r < stride; ++r) phi[r] = dphi[r] = 0;
    for (extent_t t = 0; t < a.of.of.query.count; ++t)
      for (extent_t kv = 0; kv < State::kv_heads; ++kv) {
        const value *from = a.state.features_of(a.plan.first + t, kv),
                    *adjoint = a.turned.features_of(a.plan.first + t, kv);
        for (extent_t r = 0; r < features; ++r) phi[r] = from[r], dphi[r] = adjoint[r];
        a.of.of.map.add_adjoint(a.of.of.key.row(t) + kv * width, phi, dphi, a.of.dkey.row(t) + kv * width);
      }
  }
};

/// See `op::corrected_scan_backward`.
template <class Lanes, bool Causal, extent_t Heads, class State, class Cache, class CacheAdjoint, class Rule, class Map>
void corrected_scan_backward(rows<typename Lanes::element, Heads * State::head_width> dquery,
                             rows<typename Lanes::element, State::kv_heads * State::head_width> dkey,
                             rows<typename Lanes::element, State::kv_heads * State::head_width> dvalue,
                             const CacheAdjoint& dcache,
                             rows<const typename Lanes::element, Heads * State::head_width> mixed,
                             rows<const typename Lanes::element, Heads * State::head_width> dmixed,
                             const corrected_rows<const typename Lanes::element, Heads, State::kv_heads>& saved,
                             rows<const typename Lanes::element, Heads * State::head_width> query,
                             rows<const typename Lanes::element, State::kv_heads * State::head_width> key,
                             rows<const typename Lanes::element, State::kv_heads * State::head_width> values,
                             const State& state, const State& turned, const Cache& cache, const block_plan_view& plan,
                             const Rule& rule, const Map& map) noexcept {
  using work = corrected_scan_backward_executor<Lanes, Heads, State, Cache, CacheAdjoint, Rule, Map>;
  const typename work::scanning::rows_of_features features(map);
  typename work::workspace w;
  const scan_rows<const typename Lanes::element, Heads, State::kv_heads> kept{saved.scale, saved.share};
  const typename work::arguments arguments{
      {dquery, dkey, dvalue, mixed, dmixed, kept, turned.scan, {{}, {}, query, key, values, state.scan, features}},
      dcache,
      saved,
      state,
      turned,
      cache,
      plan,
      rule};
  work::template differentiate<Causal>(arguments, w);
}

}  // namespace by_lanes

LACUNA_END
