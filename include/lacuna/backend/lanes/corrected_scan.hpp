#pragma once
/// Features with exact scores on a plan's keys by lanes: see `op::corrected_scan`.
///
/// The estimates of all keys come as in a scan, chunk by chunk; then each row walks its blocks, lanes over keys.

#include <lacuna/backend/lanes/block_row.hpp>
#include <lacuna/backend/lanes/scan.hpp>
#include <lacuna/op/corrected_scan.hpp>

LACUNA_BEGIN

namespace by_lanes {

template <class Lanes, extent_t Heads, class State, class Cache, class Rule, class Map>
struct corrected_scan_executor {
  using sums_of_state = decltype(State::scan);
  using scanning = scan_executor<Lanes, Heads, sums_of_state, Map>;
  using value = typename Lanes::element;
  using chunk = typename scanning::chunk;
  using workspace = typename scanning::workspace;
  using on_block = block_row<Lanes, Cache>;
  using on_features = row_dots<Lanes, State::features>;
  using row_sums = operation::scan_loops::corrected_sums<value>;
  static constexpr extent_t width = scanning::width, features = scanning::features, group = scanning::group;
  static constexpr extent_t lanes = scanning::lanes, stride = scanning::stride, per_block = on_block::per_block;
  static constexpr value lowest = -maths::infinity<value>();

  struct arguments {
    typename scanning::arguments of;  ///< a scan's, which keeps nothing
    const corrected_rows<value, Heads, State::kv_heads>& saved;
    const State& state;
    const Cache& cache;
    const block_plan_view& plan;
    const Rule& rule;
  };

  /// Keeps the features of a chunk's keys as they are, before they are lifted to the state's scale.
  static void keep_keys(const arguments& a, const chunk& of, const workspace& w) noexcept {
    for (extent_t i = 0; i < of.count * of.kv_count; ++i) {
      const extent_t kv = of.kv + (of.count == 1 ? i : 0), key = a.plan.first + of.first + (of.count == 1 ? 0 : i);
      value* to = a.state.features_of(key, kv);
      on_features::for_each_register([&](auto in_part, extent_t r) LACUNA_UNROLLED {
        on_features::template store<in_part>(Lanes::load(w.of_keys + i * stride + r), to + r);
      });
      a.state.scale_of(key, kv) = w.key_scale[i];
    }
  }
  /// Lane j of the block: unit e^(scale of the key - `scale`) phi . key for the keys that are seen, 0 for the others.
  static LACUNA_INLINE void estimate(value* to, value* units, const value* phi, const State& state, extent_t block,
                                     extent_t kv, std::uint32_t bits, value unit, value scale) noexcept {
    const seen_keys of(bits);
    for (extent_t j = 0; j < block_keys; ++j) to[j] = units[j] = 0;
    for (extent_t i = 0; i < of.count; i += lanes) {
      const value* rows[lanes];
      alignas(64) value scales[lanes], products[lanes];
      for (extent_t lane = 0; lane < lanes; ++lane) {
        const extent_t key = block * block_keys + of.key[i + lane < of.count ? i + lane : of.count - 1];
        rows[lane] = state.features_of(key, kv);
        scales[lane] = state.scale_of(key, kv);
      }
      const Lanes each = Lanes(unit) * maths::exp(Lanes::load(scales) - Lanes(scale));
      (each * on_features::dots(phi, rows)).store(products);
      each.store(scales);
      for (extent_t lane = 0; lane < lanes && i + lane < of.count; ++lane)
        to[of.key[i + lane]] = products[lane], units[of.key[i + lane]] = scales[lane];
    }
  }
  /// The scores of a block; -infinity for keys that are not seen.
  static LACUNA_INLINE void score(value* to, const value* query, const Cache& cache, extent_t block, extent_t kv,
                                  std::uint32_t bits, value scale) noexcept {
    on_block::dot_keys(to, query, bits, cache.key_block(block, kv));
    unroll<per_block>([&](extent_t r) LACUNA_UNROLLED {
      const Lanes of = Lanes::load(to + r * lanes) * Lanes(scale);
      (bits == on_block::all ? of : where_bits(bits >> (r * lanes), of, Lanes(lowest))).store(to + r * lanes);
    });
  }

  /// Row t of head h, not divided yet: `out` holds what its features find in the state whose scale is `scale`, and
  /// `sums.top` says whether that counts.
  static void correct(const arguments& a, extent_t t, extent_t h, const value* phi, value scale, value* out,
                      row_sums& sums) noexcept {
    const extent_t kv = h / group;
    const bool estimated = !(sums.top == lowest);
    for (extent_t d = 0; d < width; ++d) out[d] = estimated ? out[d] * sums.unit : value(0);
    a.plan.for_each_block(t, [&](extent_t block, std::uint32_t bits) {
      alignas(64) value weights[block_keys], estimates[block_keys], units[block_keys];
      score(weights, a.of.query.row(t) + h * width, a.cache, block, kv, bits, a.rule.scale);
      Lanes tops(lowest);
      unroll<per_block>([&](extent_t r)
                            LACUNA_UNROLLED { tops = maths::larger(tops, Lanes::load(weights + r * lanes)); });
      const value top = maths::larger(sums.top, largest_of(tops));
      if (top > sums.top) sums.raise(top, out, width);
      if (estimated) estimate(estimates, units, phi, a.state, block, kv, bits, sums.unit, scale);
      // Below every number, or no number: the one is hidden, the other has to show.
      const Lanes shift(sums.top == lowest ? value(0) : sums.top);
      Lanes exact(0), of_estimates(0);
      unroll<per_block>([&](extent_t r) LACUNA_UNROLLED {
        Lanes weight = on_block::seen(bits, r, maths::exp(Lanes::load(weights + r * lanes) - shift));
        exact = exact + weight;
        if (estimated) {
          const Lanes less = Lanes::load(estimates + r * lanes);
          of_estimates = of_estimates + less;
          weight = weight - less;
        }
        weight.store(weights + r * lanes);
      });
      sums.exact += sum_of(exact);
      if (estimated) sums.rest -= sum_of(of_estimates);
      on_block::add_values(out, weights, bits, a.cache.value_block(block, kv));
    });
  }
  /// A row whose sums over the state are `whole` and in `out`.
  static void finish_row(const arguments& a, extent_t t, extent_t h, const value* phi, value query_scale, value scale,
                         value whole, extent_t covered) noexcept {
    value* out = a.of.mixed.row(t) + h * width;
    extent_t shown = 0;
    a.plan.for_each_block(
        t, [&](extent_t, std::uint32_t bits) { shown += static_cast<extent_t>(__builtin_popcount(bits)); });
    // A row that is shown all it covers has no rest, not what rounding leaves of one.
    const bool estimates = shown < covered;
    row_sums sums;
    sums.top = estimates ? query_scale + scale : lowest;
    if (!(sums.top == lowest)) {
      sums.unit = value(1) / value(features);
      sums.whole = sums.rest = whole * sums.unit;
    }
    correct(a, t, h, phi, scale, out, sums);
    if (estimates && shown > 0 && operation::scan_loops::estimates_are_lost(sums)) {
      a.state.clamped[h] += value(1);
      sums = {};
      sums.top = lowest;
      correct(a, t, h, phi, scale, out, sums);
    }
    const value denominator = sums.exact + sums.rest, share = operation::scan_loops::inverse(denominator);
    for (extent_t d = 0; d < width; ++d) out[d] *= share;
    if (a.saved.log_scale.data != nullptr)
      a.saved.log_scale(t, h) = share == value(0) ? maths::infinity<value>() : sums.top + maths::log(denominator);
    if (a.saved.share.data != nullptr) a.saved.share(t, h) = sums.unit * share;
  }
  /// All rows of a chunk; `scale_of(pair of the chunk, key head)` is the state's when it served the row.
  template <bool Causal, class Function>
  static void finish_rows(const arguments& a, const chunk& of, const workspace& w, const Function& scale_of) noexcept {
    for (extent_t i = 0; i < of.count * of.kv_count; ++i) {
      const extent_t kv = of.kv + (of.count == 1 ? i : 0), t = of.first + (of.count == 1 ? 0 : i);
      const value scale = scale_of(i, kv);
      const extent_t covered = a.plan.first + (Causal ? t + 1 : a.of.query.count);
      for (extent_t g = 0; g < group; ++g)
        finish_row(a, t, kv * group + g, w.of_queries + (i * group + g) * stride, w.query_scale[i * group + g], scale,
                   w.denominator[i * group + g], covered);
      if (a.saved.scale.data != nullptr) a.saved.scale(t, kv) = scale;
    }
  }
  static void run_causal(const arguments& a, workspace& w) noexcept {
    value whole[scanning::most * group], scales[scanning::most];
    scanning::for_each_chunk(a.of.query.count, [&](const chunk& of) {
      const extent_t pairs = of.count * of.kv_count;
      scanning::form_keys(a.of, of, w);
      keep_keys(a, of, w);
      scanning::form_queries(a.of, of, w);
      for (extent_t i = 0; i < pairs; ++i)
        scales[i] =
            maths::larger(of.count == 1 || i == 0 ? a.of.state.scale[of.kv + i] : scales[i - 1], w.key_scale[i]);
      scanning::template add_totals<true>(a.of, of, w);
      // Sums as they are: nothing is divided before the plan's keys are corrected.
      for (extent_t i = 0; i < pairs * group; ++i) whole[i] = w.denominator[i], w.denominator[i] = 1;
      scanning::pass_chunk(a.of, of, w);
      for (extent_t i = 0; i < pairs * group; ++i) w.denominator[i] = whole[i];
      finish_rows<true>(a, of, w, [&](extent_t i, extent_t) { return scales[i]; });
    });
  }
  static void run_all(const arguments& a, workspace& w) noexcept {
    scanning::for_each_chunk(a.of.query.count, [&](const chunk& of) {
      scanning::form_keys(a.of, of, w);
      keep_keys(a, of, w);
      scanning::template add_totals<false>(a.of, of, w);
      scanning::add_keys(a.of, of, w);
    });
    scanning::for_each_chunk(a.of.query.count, [&](const chunk& of) {
      scanning::form_queries(a.of, of, w);
      for (extent_t i = 0; i < of.count * of.kv_count; ++i) {
        const extent_t kv = of.kv + (of.count == 1 ? i : 0), t = of.first + (of.count == 1 ? 0 : i);
        scanning::read_totals(a.of, t, kv, a.of.state.totals_of(kv), w.of_queries + i * group * stride,
                              w.denominator + i * group);
      }
      for (extent_t i = 0; i < of.kv_count; ++i)
        for (extent_t g = 0; g < group; ++g) {
          const extent_t kv = of.kv + i;
          scanning::product::template run<false>(
              {a.of.mixed.row(of.first) + (kv * group + g) * width, scanning::columns,
               w.of_queries + (i * group + g) * stride, group * stride, 1, a.of.state.sums_of(kv), width, features},
              of.count);
        }
      finish_rows<false>(a, of, w, [&](extent_t, extent_t kv) { return a.of.state.scale[kv]; });
    });
  }
};

/// See `op::corrected_scan`.
template <class Lanes, bool Causal, extent_t Heads, class State, class Cache, class Rule, class Map>
void corrected_scan(rows<typename Lanes::element, Heads * State::head_width> mixed,
                    const corrected_rows<typename Lanes::element, Heads, State::kv_heads>& saved,
                    rows<const typename Lanes::element, Heads * State::head_width> query,
                    rows<const typename Lanes::element, State::kv_heads * State::head_width> key,
                    rows<const typename Lanes::element, State::kv_heads * State::head_width> values, const State& state,
                    const Cache& cache, const block_plan_view& plan, const Rule& rule, const Map& map) noexcept {
  using work = corrected_scan_executor<Lanes, Heads, State, Cache, Rule, Map>;
  const typename work::scanning::rows_of_features features(map);
  typename work::workspace w;
  const typename work::arguments arguments{
      {mixed, {}, query, key, values, state.scan, features}, saved, state, cache, plan, rule};
  if constexpr (Causal)
    work::run_causal(arguments, w);
  else
    work::run_all(arguments, w);
}

}  // namespace by_lanes

LACUNA_END
