#pragma once
/// Attention through features: weights phi(q).phi(k) need no pair of tokens, only a state that grows with neither.
///
/// A feature map says `count(head_width)`, and turns a head of a query or key into that many numbers phi >= 0, given up
/// to a factor e^scale that is kept apart, so that nothing overflows:
///   apply(x, phi) -> scale                 x and phi are pointers
///   add_adjoint(x, phi, dphi, dx)          dx += what dphi says, the scale taken as constant: it cancels
///
/// Sources: Katharopoulos et al. (2020), arXiv 2006.16236, eq. (8) to (15); Choromanski et al. (2020), arXiv
/// 2009.14794.

#include <lacuna/core/maths.hpp>
#include <lacuna/op/backend.hpp>

LACUNA_BEGIN

/// sums (kv_heads, features, head_width) = sum of phi(k) v, totals (kv_heads, features) = sum of phi(k), both divided
/// by e^scale, scale (kv_heads) the largest of the keys' so far.
template <class Value, extent_t KvHeads, extent_t Features, extent_t HeadWidth>
struct scan_state {
  static constexpr extent_t kv_heads = KvHeads;
  static constexpr extent_t features = Features;
  static constexpr extent_t head_width = HeadWidth;
  Value* sums = nullptr;
  Value* totals = nullptr;
  Value* scale = nullptr;

  LACUNA_HD constexpr Value* sums_of(extent_t kv) const noexcept { return sums + kv * Features * HeadWidth; }
  LACUNA_HD constexpr Value* totals_of(extent_t kv) const noexcept { return totals + kv * Features; }
  LACUNA_HD constexpr void clear() const noexcept {
    for (extent_t i = 0; i < KvHeads * Features * HeadWidth; ++i) sums[i] = 0;
    for (extent_t i = 0; i < KvHeads * Features; ++i) totals[i] = 0;
    for (extent_t kv = 0; kv < KvHeads; ++kv) scale[kv] = -maths::infinity<Value>();
  }
};

/// What a scan keeps of its rows for backward; without storage it is not written.
template <class Value, extent_t Heads, extent_t KvHeads>
struct scan_rows {
  rows<Value, KvHeads> scale;      ///< the state's, when the row was served
  rows<Value, Heads> denominator;  ///< of the row, up to the same factor and its query's
};

namespace operation {

namespace scan_loops {

/// e^(scale - to) for scale <= to; 0 where all keys so far have vanished, and with them both scales.
template <class Value>
LACUNA_HD constexpr Value relative(Value scale, Value to) noexcept {
  return to == -maths::infinity<Value>() ? Value(0) : static_cast<Value>(maths::exp(scale - to));
}

/// The features of a key relative to e^to: phi(k) e^(scale - to).
template <class Map, class Value>
LACUNA_HD constexpr void key_features(const Map& map, const Value* key, Value* phi, extent_t features, Value to) {
  const Value shrink = relative(map.apply(key, phi), to);
  for (extent_t r = 0; r < features; ++r) phi[r] *= shrink;
}

/// 1 / denominator. A row whose features meet none of the keys', or hardly: 0, and so are its output and gradient.
template <class Value>
LACUNA_HD constexpr Value inverse(Value denominator) noexcept {
  constexpr Value least = static_cast<Value>(sizeof(Value) == sizeof(float) ? 1.2e-38 : 2.3e-308);
  return denominator < least ? Value(0) : Value(1) / denominator;
}

/// Adds a key and its value to the state of one head. Leaves its features in `phi` and returns their scale.
template <class State, class Map, class Value>
LACUNA_HD constexpr Value add_key(const State& state, extent_t kv, const Map& map, const Value* key, const Value* value,
                                  Value* phi) {
  constexpr extent_t features = State::features, width = State::head_width;
  Value *sums = state.sums_of(kv), *totals = state.totals_of(kv);
  const Value own = map.apply(key, phi), before = state.scale[kv];
  const Value top = maths::larger(before, own);
  if (top == -maths::infinity<Value>()) return own;  // all features are 0
  if (before < top) {
    const Value shrink = before == -maths::infinity<Value>() ? Value(0) : maths::exp(before - top);
    for (extent_t i = 0; i < features * width; ++i) sums[i] *= shrink;
    for (extent_t r = 0; r < features; ++r) totals[r] *= shrink;
    state.scale[kv] = top;
  }
  const Value grow = maths::exp(own - top);
  for (extent_t r = 0; r < features; ++r) {
    const Value weight = phi[r] * grow;
    totals[r] += weight;
    for (extent_t d = 0; d < width; ++d) sums[r * width + d] += weight * value[d];
  }
  return own;
}

/// What the features of a query find in the state of one head: weights times values into `out`; their sum.
template <class State, class Value>
LACUNA_HD constexpr Value read_sums(const State& state, extent_t kv, const Value* phi, Value* out) {
  constexpr extent_t features = State::features, width = State::head_width;
  const Value *sums = state.sums_of(kv), *totals = state.totals_of(kv);
  Value denominator = 0;
  for (extent_t d = 0; d < width; ++d) out[d] = 0;
  for (extent_t r = 0; r < features; ++r) {
    denominator += phi[r] * totals[r];
    for (extent_t d = 0; d < width; ++d) out[d] += phi[r] * sums[r * width + d];
  }
  return denominator;
}

/// One row of one head from the state; its denominator.
template <class State, class Map, class Value>
LACUNA_HD constexpr Value read_row(const State& state, extent_t kv, const Map& map, const Value* query, Value* out,
                                   Value* phi) {
  map.apply(query, phi);
  const Value denominator = read_sums(state, kv, phi, out), share = inverse(denominator);
  for (extent_t d = 0; d < State::head_width; ++d) out[d] *= share;
  return denominator;
}

/// Adjoints of a whole stream, which accumulate; `row_adjoint(t, h, through)` writes the adjoint of a row's sum of
/// values and returns that of its sum of weights. `scale` are the state's when the rows were served; `state` is built
/// up again, `turned` is room of its size.
template <bool Causal, class Value, extent_t Columns, extent_t KvColumns, extent_t KvHeads, extent_t Features,
          extent_t HeadWidth, class Map, class RowAdjoint>
LACUNA_HD constexpr void add_adjoints(rows<Value, Columns> dquery, rows<Value, KvColumns> dkey,
                                      rows<Value, KvColumns> dvalue, rows<const Value, KvHeads> scale,
                                      rows<const Value, Columns> query, rows<const Value, KvColumns> key,
                                      rows<const Value, KvColumns> value,
                                      const scan_state<Value, KvHeads, Features, HeadWidth>& state,
                                      const scan_state<Value, KvHeads, Features, HeadWidth>& turned, const Map& map,
                                      const RowAdjoint& row_adjoint) {
  constexpr extent_t heads = Columns / HeadWidth, group = heads / KvHeads;
  const extent_t tokens = query.count;
  Value phi[Features], dphi[Features], through[HeadWidth];
  // Queries read the state as it was; it is built up again, which is exact, unlike taking keys out of it.
  const auto add = [&](extent_t t) {
    for (extent_t kv = 0; kv < KvHeads; ++kv)
      scan_loops::add_key(state, kv, map, key.row(t) + kv * HeadWidth, value.row(t) + kv * HeadWidth, phi);
  };
  const auto differentiate_query = [&](extent_t t) {
    for (extent_t h = 0; h < heads; ++h) {
      const Value *q = query.row(t) + h * HeadWidth, *sums = state.sums_of(h / group);
      const Value through_denominator = row_adjoint(t, h, through);
      for (extent_t r = 0; r < Features; ++r) {
        dphi[r] = through_denominator * state.totals_of(h / group)[r];
        for (extent_t d = 0; d < HeadWidth; ++d) dphi[r] += sums[r * HeadWidth + d] * through[d];
      }
      map.apply(q, phi);
      map.add_adjoint(q, phi, dphi, dquery.row(t) + h * HeadWidth);
    }
  };
  state.clear();
  for (extent_t t = 0; t < tokens; ++t) {
    add(t);
    if constexpr (Causal) differentiate_query(t);
  }
  if constexpr (!Causal)
    for (extent_t t = 0; t < tokens; ++t) differentiate_query(t);

  // Keys and values read what the rows behind them ask for, summed up from the last row on.
  turned.clear();
  const auto ask = [&](extent_t t) {
    for (extent_t kv = 0; kv < KvHeads; ++kv) {
      Value *sums = turned.sums_of(kv), *totals = turned.totals_of(kv);
      const Value to = scale(t, kv), from = turned.scale[kv];
      if (from != to && from != -maths::infinity<Value>()) {
        // Scales only grow along the stream: backwards this shrinks.
        const Value shrink = maths::exp(to - from);
        for (extent_t i = 0; i < Features * HeadWidth; ++i) sums[i] *= shrink;
        for (extent_t r = 0; r < Features; ++r) totals[r] *= shrink;
      }
      turned.scale[kv] = to;
      for (extent_t h = kv * group; h < (kv + 1) * group; ++h) {
        const Value through_denominator = row_adjoint(t, h, through);
        map.apply(query.row(t) + h * HeadWidth, phi);
        for (extent_t r = 0; r < Features; ++r) {
          totals[r] += phi[r] * through_denominator;
          for (extent_t d = 0; d < HeadWidth; ++d) sums[r * HeadWidth + d] += phi[r] * through[d];
        }
      }
    }
  };
  const auto differentiate_key = [&](extent_t t) {
    for (extent_t kv = 0; kv < KvHeads; ++kv) {
      const Value *k = key.row(t) + kv * HeadWidth, *v = value.row(t) + kv * HeadWidth, *sums = turned.sums_of(kv);
      Value* dv = dvalue.row(t) + kv * HeadWidth;
      scan_loops::key_features(map, k, phi, Features, turned.scale[kv]);
      for (extent_t r = 0; r < Features; ++r) {
        dphi[r] = turned.totals_of(kv)[r];
        for (extent_t d = 0; d < HeadWidth; ++d) {
          dphi[r] += sums[r * HeadWidth + d] * v[d];
          dv[d] += phi[r] * sums[r * HeadWidth + d];
        }
      }
      map.add_adjoint(k, phi, dphi, dkey.row(t) + kv * HeadWidth);
    }
  };
  for (extent_t t = tokens; t-- > 0;) {
    ask(t);
    if constexpr (Causal) differentiate_key(t);
  }
  if constexpr (!Causal)
    for (extent_t t = 0; t < tokens; ++t) differentiate_key(t);
}

}  // namespace scan_loops

/// mixed(t, h) = phi(q_t) sum phi(k_j) v_j / phi(q_t) sum phi(k_j), over j <= t or over all j.
struct scan {
  static constexpr auto name = fixed_string("scan");
  template <class Mixed, class Saved, class Query, class Key, class State, class Map, class Causal>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Mixed&, const Saved&, const Query& query, const Key&,
                                                         const Key&, const State&, const Map&, Causal) noexcept {
    constexpr extent_t heads = Query::columns / State::head_width, kv_heads = State::kv_heads;
    return std::uint64_t{query.count} * (heads + kv_heads) *
           (Map::projections * State::head_width + State::features * (State::head_width + 1));
  }
};
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, extent_t KvHeads, extent_t Features,
          extent_t HeadWidth, class Map, bool Causal>
LACUNA_HD constexpr auto kernel(scan, rows<Value, Columns> mixed, const scan_rows<Value, Heads, KvHeads>& saved,
                                rows<const Value, Columns> query, rows<const Value, KvColumns> key,
                                rows<const Value, KvColumns> value,
                                const scan_state<Value, KvHeads, Features, HeadWidth>& state, const Map& map,
                                constant<bool, Causal>, const reference&) {
  constexpr extent_t group = Heads / KvHeads;
  Value phi[Features];
  const auto add = [&](extent_t t) {
    for (extent_t kv = 0; kv < KvHeads; ++kv)
      scan_loops::add_key(state, kv, map, key.row(t) + kv * HeadWidth, value.row(t) + kv * HeadWidth, phi);
  };
  const auto read = [&](extent_t t) {
    for (extent_t h = 0; h < Heads; ++h) {
      const Value denominator =
          scan_loops::read_row(state, h / group, map, query.row(t) + h * HeadWidth, mixed.row(t) + h * HeadWidth, phi);
      if (saved.denominator.data != nullptr) saved.denominator(t, h) = denominator;
    }
    if (saved.scale.data != nullptr)
      for (extent_t kv = 0; kv < KvHeads; ++kv) saved.scale(t, kv) = state.scale[kv];
  };
  for (extent_t t = 0; t < query.count; ++t) {
    add(t);
    if constexpr (Causal) read(t);
  }
  if constexpr (!Causal)
    for (extent_t t = 0; t < query.count; ++t) read(t);
  return ran_on<reference>{};
}

/// Adjoints of `scan` over a whole stream; they accumulate. `state` is built up again, `turned` is room of its size.
struct scan_backward {
  static constexpr auto name = fixed_string("scan_backward");
  template <class QueryAdjoint, class KeyAdjoint, class Saved, class Query, class Key, class State, class Map,
            class Causal>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const QueryAdjoint&, const KeyAdjoint&, const KeyAdjoint&,
                                                         const Query& query, const Query&, const Saved&, const Query&,
                                                         const Key&, const Key&, const State&, const State&, const Map&,
                                                         Causal) noexcept {
    constexpr extent_t heads = Query::columns / State::head_width, kv_heads = State::kv_heads;
    constexpr std::uint64_t map = Map::projections * State::head_width,
                            sums = State::features * (State::head_width + 1);
    return std::uint64_t{query.count} * (heads * (3 * map + 2 * sums + 2 * State::head_width) +
                                         kv_heads * (3 * map + 2 * sums + State::features * State::head_width));
  }
};
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, extent_t KvHeads, extent_t Features,
          extent_t HeadWidth, class Map, bool Causal>
LACUNA_HD constexpr auto kernel(scan_backward, rows<Value, Columns> dquery, rows<Value, KvColumns> dkey,
                                rows<Value, KvColumns> dvalue, rows<const Value, Columns> mixed,
                                rows<const Value, Columns> dmixed, const scan_rows<const Value, Heads, KvHeads>& saved,
                                rows<const Value, Columns> query, rows<const Value, KvColumns> key,
                                rows<const Value, KvColumns> value,
                                const scan_state<Value, KvHeads, Features, HeadWidth>& state,
                                const scan_state<Value, KvHeads, Features, HeadWidth>& turned, const Map& map,
                                constant<bool, Causal>, const reference&) {
  const auto row_adjoint = [&](extent_t t, extent_t h, Value* through) {
    const Value *dout = dmixed.row(t) + h * HeadWidth, *out = mixed.row(t) + h * HeadWidth;
    const Value share = scan_loops::inverse(saved.denominator(t, h));
    Value through_denominator = 0;
    for (extent_t d = 0; d < HeadWidth; ++d) {
      through[d] = dout[d] * share;
      through_denominator -= through[d] * out[d];
    }
    return through_denominator;
  };
  scan_loops::add_adjoints<Causal>(dquery, dkey, dvalue, saved.scale, query, key, value, state, turned, map,
                                   row_adjoint);
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// mixed(t, h) = phi(q_t) sum phi(k_j) v_j / phi(q_t) sum phi(k_j) over the stream up to t (Causal), or over all of it:
/// `(tokens, heads * head_width)`; the state goes on. O(tokens * heads * features * head_width), whatever came before.
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, class State, class Map, bool Causal,
          class Backend>
LACUNA_HD constexpr auto scan(rows<Value, Columns> mixed, const scan_rows<Value, Heads, State::kv_heads>& saved,
                              rows<Value, Columns> query, rows<Value, KvColumns> key, rows<Value, KvColumns> value,
                              const State& state, const Map& map, constant<bool, Causal> causal,
                              const Backend& backend) {
  return run_kernel(operation::scan{}, backend, mixed, saved, readable(query), readable(key), readable(value), state,
                    map, causal);
}

/// Adjoints of `scan` over a stream from its first token; dquery, dkey and dvalue accumulate.
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, class State, class Map, bool Causal,
          class Backend>
LACUNA_HD constexpr auto scan_backward(rows<Value, Columns> dquery, rows<Value, KvColumns> dkey,
                                       rows<Value, KvColumns> dvalue, rows<Value, Columns> mixed,
                                       rows<Value, Columns> dmixed,
                                       const scan_rows<Value, Heads, State::kv_heads>& saved,
                                       rows<Value, Columns> query, rows<Value, KvColumns> key,
                                       rows<Value, KvColumns> value, const State& state, const State& turned,
                                       const Map& map, constant<bool, Causal> causal, const Backend& backend) {
  const scan_rows<const Value, Heads, State::kv_heads> kept{readable(saved.scale), readable(saved.denominator)};
  return run_kernel(operation::scan_backward{}, backend, dquery, dkey, dvalue, readable(mixed), readable(dmixed), kept,
                    readable(query), readable(key), readable(value), state, turned, map, causal);
}

}  // namespace op

LACUNA_END
