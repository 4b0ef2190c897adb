#pragma once
/// The backward of attention through features by lanes: see `op::scan_backward`. Token by token, as the reference;
/// features are formed by chunks.

#include <lacuna/backend/lanes/scan.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// `Shares`: what is kept as denominators are 1 / denominator already.
template <class Lanes, extent_t Heads, class State, class Map, bool Shares = false>
struct scan_backward_executor {
  using forward = scan_executor<Lanes, Heads, State, Map>;
  using value = typename Lanes::element;
  using chunk = typename forward::chunk;
  using workspace = typename forward::workspace;
  using product = typename forward::product;
  static constexpr extent_t width = forward::width, features = forward::features, kv_heads = forward::kv_heads;
  static constexpr extent_t group = forward::group, lanes = forward::lanes, stride = forward::stride;
  static constexpr extent_t columns = forward::columns, kv_columns = forward::kv_columns, part = forward::part;
  static constexpr extent_t whole = width / lanes * lanes;

  struct arguments {
    rows<value, columns> dquery;
    rows<value, kv_columns> dkey, dvalue;
    rows<const value, columns> mixed, dmixed;
    const scan_rows<const value, Heads, kv_heads>& saved;
    const State& turned;
    typename forward::arguments of;  ///< what the forward was given, but for its results
  };
  /// The adjoints of the numerators and denominators of one token's rows.
  struct row_adjoints {
    alignas(64) value through[group * width];
    value denominator[group];
  };

  /// dphi[feature] = factor totals[feature] + the product of the state's row with `of`; 0 behind the last one.
  static void read_state(const State& state, extent_t kv, value factor, const value* of, value* dphi) noexcept {
    const value *sums = state.sums_of(kv), *totals = state.totals_of(kv);
    for (extent_t r = 0; r < features; ++r) dphi[r] = factor * totals[r];
    for (extent_t r = features; r < stride; ++r) dphi[r] = 0;
    constexpr extent_t square = features / lanes * lanes;
    for (extent_t r = 0; r < square; r += lanes)
      (Lanes::load(dphi + r) + dots<lanes>(sums + r * width, of)).store(dphi + r);
    if constexpr (square != features)
      (Lanes::load(dphi + square) + dots<features - square>(sums + square * width, of)).store(dphi + square);
  }
  /// Lane i is the product of row i with `of`, for `Rows` rows.
  template <extent_t Rows>
  static LACUNA_INLINE Lanes dots(const value* state, const value* of) noexcept {
    Lanes sums[lanes];
    unroll<lanes>([&](extent_t i) LACUNA_UNROLLED { sums[i] = Lanes(0); });
    for (extent_t d = 0; d < whole; d += lanes) {
      const Lanes right = held(Lanes::load(of + d));
      unroll<Rows>([&](extent_t i)
                       LACUNA_UNROLLED { sums[i] = multiply_add(Lanes::load(state + i * width + d), right, sums[i]); });
    }
    if constexpr (part != 0) {
      const Lanes right = Lanes::load_part(of + whole, part);
      unroll<Rows>([&](extent_t i) LACUNA_UNROLLED {
        sums[i] = multiply_add(Lanes::load_part(state + i * width + whole, part), right, sums[i]);
      });
    }
    return sum_each<Lanes>(sums);
  }

  static LACUNA_INLINE void form_row_adjoints(const arguments& a, extent_t t, extent_t kv, row_adjoints& to) noexcept {
    for (extent_t g = 0; g < group; ++g) {
      const extent_t h = kv * group + g;
      const value *dout = a.dmixed.row(t) + h * width, *out = a.mixed.row(t) + h * width;
      value* through = to.through + g * width;
      const value kept = a.saved.denominator(t, h);
      const Lanes share(Shares ? kept : operation::scan_loops::inverse(kept));
      Lanes sum(0);
      for (extent_t d = 0; d < whole; d += lanes) {
        const Lanes of = Lanes::load(dout + d) * share;
        of.store(through + d);
        sum = multiply_add(of, Lanes::load(out + d), sum);
      }
      if constexpr (part != 0) {
        const Lanes of = Lanes::load_part(dout + whole, part) * share;
        of.store_part(through + whole, part);
        sum = multiply_add(of, Lanes::load_part(out + whole, part), sum);
      }
      to.denominator[g] = -sum_of(sum);
    }
  }

  /// What one token's queries ask of the state as it stands.
  static void differentiate_queries(const arguments& a, extent_t t, extent_t kv, const value* phi) noexcept {
    row_adjoints adjoint;
    alignas(64) value dphi[stride];
    form_row_adjoints(a, t, kv, adjoint);
    for (extent_t g = 0; g < group; ++g) {
      const extent_t column = (kv * group + g) * width;
      read_state(a.of.state, kv, adjoint.denominator[g], adjoint.through + g * width, dphi);
      a.of.map.add_adjoint(a.of.query.row(t) + column, phi + g * stride, dphi, a.dquery.row(t) + column);
    }
  }
  /// The turned state takes up what one token's rows ask for.
  static void ask(const arguments& a, extent_t t, extent_t kv, const value* phi) noexcept {
    value *sums = a.turned.sums_of(kv), *totals = a.turned.totals_of(kv);
    const value to = a.saved.scale(t, kv), from = a.turned.scale[kv];
    if (from != to && from != -maths::infinity<value>()) {
      // Scales only grow along the stream: backwards this shrinks.
      const value shrink = maths::exp(to - from);
      forward::template multiply_all<features * width>(sums, shrink);
      forward::template multiply_all<features>(totals, shrink);
    }
    a.turned.scale[kv] = to;
    row_adjoints adjoint;
    form_row_adjoints(a, t, kv, adjoint);
    for (extent_t g = 0; g < group; ++g)
      forward::on_features::for_each_register([&](auto in_part, extent_t r) LACUNA_UNROLLED {
        const Lanes of = forward::on_features::template load<in_part>(totals + r);
        forward::on_features::template store<in_part>(
            multiply_add(Lanes::load(phi + g * stride + r), Lanes(adjoint.denominator[g]), of), totals + r);
      });
    product::template run<true>({sums, width, phi, 1, stride, adjoint.through, width, group}, features);
  }
  static void differentiate_key(const arguments& a, extent_t t, extent_t kv, value own_scale, value* phi) noexcept {
    const value *k = a.of.key.row(t) + kv * width, *v = a.of.values.row(t) + kv * width;
    alignas(64) value dphi[stride];
    forward::template multiply_all<stride>(phi, operation::scan_loops::relative(own_scale, a.turned.scale[kv]));
    read_state(a.turned, kv, 1, v, dphi);
    product::template run<true>(
        {a.dvalue.row(t) + kv * width, width, phi, stride, 1, a.turned.sums_of(kv), width, features}, 1);
    a.of.map.add_adjoint(k, phi, dphi, a.dkey.row(t) + kv * width);
  }

  /// Calls `f(pair of the chunk, token, key head)` in the order of tokens, or backwards.
  template <class Function>
  static LACUNA_INLINE void for_each_pair(const chunk& of, bool backwards, Function&& f) noexcept {
    const extent_t pairs = of.count * of.kv_count;
    for (extent_t done = 0; done < pairs; ++done) {
      const extent_t i = backwards ? pairs - 1 - done : done;
      f(i, of.first + (of.count == 1 ? 0 : i), of.kv + (of.count == 1 ? i : 0));
    }
  }
  template <class Function>
  static LACUNA_INLINE void for_each_chunk_backwards(extent_t tokens, Function&& f) noexcept {
    constexpr extent_t most = forward::most;
    if (tokens <= 1) {
      if (tokens == 1) f(chunk{0, 1, 0, kv_heads});
      return;
    }
    for (extent_t end = tokens; end > 0; end = (end - 1) / most * most)
      for (extent_t kv = 0; kv < kv_heads; ++kv)
        f(chunk{(end - 1) / most * most, end - (end - 1) / most * most, kv, 1});
  }

  template <bool Causal>
  static void differentiate(const arguments& a, workspace& w) noexcept {
    const extent_t tokens = a.of.query.count;
    // Queries read the state as it was; it is built up again.
    a.of.state.clear();
    forward::for_each_chunk(tokens, [&](const chunk& of) {
      forward::form_keys(a.of, of, w);
      if constexpr (!Causal) {
        forward::template add_totals<false>(a.of, of, w);
        forward::add_keys(a.of, of, w);
      } else {
        forward::form_queries(a.of, of, w);
        for_each_pair(of, false, [&](extent_t i, extent_t t, extent_t kv) {
          value *phi = w.of_keys + i * stride, *sums = a.of.state.sums_of(kv);
          const value shrink = forward::add_total(a.of.state, kv, w.key_scale[i], phi);
          if (shrink != value(1)) forward::template multiply_all<features * width>(sums, shrink);
          product::template run<true>({sums, width, phi, 1, stride, a.of.values.row(t) + kv * width, width, 1},
                                      features);
          differentiate_queries(a, t, kv, w.of_queries + i * group * stride);
        });
      }
    });
    if constexpr (!Causal)
      forward::for_each_chunk(tokens, [&](const chunk& of) {
        forward::form_queries(a.of, of, w);
        for_each_pair(of, false, [&](extent_t i, extent_t t, extent_t kv) {
          differentiate_queries(a, t, kv, w.of_queries + i * group * stride);
        });
      });
    // Keys and values read what the rows behind them ask for, summed up from the last row on.
    a.turned.clear();
    for_each_chunk_backwards(tokens, [&](const chunk& of) {
      forward::form_queries(a.of, of, w);
      if constexpr (Causal) forward::form_keys(a.of, of, w);
      for_each_pair(of, true, [&](extent_t i, extent_t t, extent_t kv) {
        ask(a, t, kv, w.of_queries + i * group * stride);
        if constexpr (Causal) differentiate_key(a, t, kv, w.key_scale[i], w.of_keys + i * stride);
      });
    });
    if constexpr (!Causal)
      forward::for_each_chunk(tokens, [&](const chunk& of) {
        forward::form_keys(a.of, of, w);
        for_each_pair(of, false, [&](extent_t i, extent_t t, extent_t kv) {
          differentiate_key(a, t, kv, w.key_scale[i], w.of_keys + i * stride);
        });
      });
  }
};

/// See `op::scan_backward`.
template <class Lanes, bool Causal, extent_t Heads, class State, class Map>
void scan_backward(rows<typename Lanes::element, Heads * State::head_width> dquery,
                   rows<typename Lanes::element, State::kv_heads * State::head_width> dkey,
                   rows<typename Lanes::element, State::kv_heads * State::head_width> dvalue,
                   rows<const typename Lanes::element, Heads * State::head_width> mixed,
                   rows<const typename Lanes::element, Heads * State::head_width> dmixed,
                   const scan_rows<const typename Lanes::element, Heads, State::kv_heads>& saved,
                   rows<const typename Lanes::element, Heads * State::head_width> query,
                   rows<const typename Lanes::element, State::kv_heads * State::head_width> key,
                   rows<const typename Lanes::element, State::kv_heads * State::head_width> values, const State& state,
                   const State& turned, const Map& map) noexcept {
  using work = scan_backward_executor<Lanes, Heads, State, Map>;
  const typename work::forward::rows_of_features features(map);
  typename work::workspace w;
  const typename work::arguments arguments{dquery, dkey,  dvalue, mixed,
                                           dmixed, saved, turned, {{}, {}, query, key, values, state, features}};
  work::template differentiate<Causal>(arguments, w);
}

}  // namespace by_lanes

LACUNA_END
