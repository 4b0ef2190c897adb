#pragma once
/// Attention through features by lanes: see `op::scan`.
///
/// Tokens go by chunks, of which first all features are formed. In a causal scan a stretch of columns of the state then
/// passes the chunk row by row: its registers take up a few tokens' keys one after the other and give each token its
/// part in between, so that nothing depends on where the chunk ends. What all rows see is two plain products.

#include <lacuna/backend/lanes/features.hpp>
#include <lacuna/op/scan.hpp>

LACUNA_BEGIN

namespace by_lanes {

template <class Lanes, extent_t Heads, class State, class Map>
struct scan_executor {
  using value = typename Lanes::element;
  using on_columns = row_dots<Lanes, State::head_width>;
  using on_features = row_dots<Lanes, State::features>;
  static constexpr extent_t width = State::head_width, features = State::features, kv_heads = State::kv_heads;
  static constexpr extent_t group = Heads / kv_heads, columns = Heads * width, kv_columns = kv_heads * width;
  static constexpr extent_t lanes = Lanes::lane_count;
  using rows_of_features = feature_rows<Lanes, width, Map, features>;
  static constexpr extent_t stride = rows_of_features::stride;
  /// Registers of one head's columns, the last perhaps in part.
  static constexpr extent_t across = whole_registers<Lanes>(width) / lanes, part = width % lanes;

  /// (token, key head) pairs of a chunk: some 48 rows of features, so that little is read again for each.
  static constexpr extent_t wanted = group < 48 ? 48 / (1 + group) : 1;
  static constexpr extent_t most = wanted > kv_heads ? wanted : kv_heads;
  /// A chunk's features; the factors of its keys and rows.
  struct workspace {
    alignas(64) value of_keys[most * stride];
    alignas(64) value of_queries[most * group * stride];
    value key_scale[most], query_scale[most * group], shrink[most], denominator[most * group];
  };
  /// Whether the features and the turned directions take no more room than is set.
  static constexpr bool fits =
      (rows_of_features::held_numbers + most * (1 + group) * stride) * sizeof(value) <= most_room_of_features;

  struct arguments {
    rows<value, columns> mixed;
    scan_rows<value, Heads, kv_heads> saved;
    rows<const value, columns> query;
    rows<const value, kv_columns> key, values;
    const State& state;
    const rows_of_features& map;
  };
  /// Tokens [first, first + count) of key heads [kv, kv + kv_count): one of the two counts is 1.
  struct chunk {
    extent_t first, count, kv, kv_count;
  };

  /// Calls `f(chunk)` for all tokens of all key heads: many tokens of one head, or one token of all heads, which share
  /// what the map is made of.
  template <class Function>
  static LACUNA_INLINE void for_each_chunk(extent_t tokens, Function&& f) noexcept {
    if (tokens == 1) {
      f(chunk{0, 1, 0, kv_heads});
      return;
    }
    for (extent_t first = 0; first < tokens; first += most)
      for (extent_t kv = 0; kv < kv_heads; ++kv) f(chunk{first, tokens - first < most ? tokens - first : most, kv, 1});
  }
  /// The features of a chunk's keys.
  static void form_keys(const arguments& a, const chunk& of, workspace& w) noexcept {
    const bool one = of.count == 1;
    a.map.form(a.key.row(of.first) + of.kv * width, one ? width : kv_columns, one ? of.kv_count : of.count, w.of_keys,
               stride, w.key_scale, 1);
  }
  /// The features of its queries and their scales, by token (or key head), then by head.
  static void form_queries(const arguments& a, const chunk& of, workspace& w) noexcept {
    const value* q = a.query.row(of.first) + of.kv * group * width;
    if (of.count == 1)
      a.map.form(q, width, of.kv_count * group, w.of_queries, stride, w.query_scale, 1);
    else
      for (extent_t g = 0; g < group; ++g)
        a.map.form(q + g * width, columns, of.count, w.of_queries + g * stride, group * stride, w.query_scale + g,
                   group);
  }

  /// Lifts the keys' features to one scale after the other, as `scan_loops::add_key` does, and adds up the totals. In a
  /// causal scan rows get their denominators, too.
  template <bool Causal>
  static void add_totals(const arguments& a, const chunk& of, workspace& w) noexcept {
    for (extent_t i = 0; i < of.count * of.kv_count; ++i) {
      const extent_t kv = of.kv + (of.count == 1 ? i : 0), t = of.first + (of.count == 1 ? 0 : i);
      w.shrink[i] = add_total(a.state, kv, w.key_scale[i], w.of_keys + i * stride);
      if constexpr (Causal) {
        read_totals(a, t, kv, a.state.totals_of(kv), w.of_queries + i * group * stride, w.denominator + i * group);
        if (a.saved.scale.data != nullptr) a.saved.scale(t, kv) = a.state.scale[kv];
      }
    }
  }
  /// A key's features, lifted to the state's scale, join the totals; returns what its sums shrink by.
  static LACUNA_INLINE value add_total(const State& state, extent_t kv, value own, value* phi) noexcept {
    const value before = state.scale[kv], top = maths::larger(before, own);
    const bool nothing = top == -maths::infinity<value>();
    const value shrink = nothing || !(before < top)            ? value(1)
                         : before == -maths::infinity<value>() ? value(0)
                                                               : maths::exp(before - top);
    state.scale[kv] = top;
    add_to_totals(state.totals_of(kv), phi, nothing ? value(0) : maths::exp(own - top), shrink);
    return shrink;
  }
  /// phi *= grow, totals = shrink totals + phi.
  static LACUNA_INLINE void add_to_totals(value* totals, value* phi, value grow, value shrink) noexcept {
    on_features::for_each_register([&](auto in_part, extent_t r) LACUNA_UNROLLED {
      const Lanes weight = Lanes::load(phi + r) * Lanes(grow);
      weight.store(phi + r);
      on_features::template store<in_part>(on_features::template load<in_part>(totals + r) * Lanes(shrink) + weight,
                                           totals + r);
    });
  }
  static LACUNA_INLINE void read_totals(const arguments& a, extent_t t, extent_t kv, const value* totals,
                                        const value* phi, value* denominators) noexcept {
    for (extent_t g = 0; g < group; ++g) {
      Lanes sum(0);
      on_features::for_each_register([&](auto in_part, extent_t r) LACUNA_UNROLLED {
        sum = multiply_add(Lanes::load(phi + g * stride + r), on_features::template load<in_part>(totals + r), sum);
      });
      denominators[g] = sum_of(sum);
      if (a.saved.denominator.data != nullptr) a.saved.denominator(t, kv * group + g) = denominators[g];
    }
  }
  /// Calls `f(first, count)` for stretches of a head's tokens within which the scale does not grow; before each the
  /// state is shrunk.
  template <class Function>
  static LACUNA_INLINE void for_each_stretch(value* sums, const value* shrink, extent_t count, Function&& f) noexcept {
    for (extent_t first = 0; first < count;) {
      extent_t end = first + 1;
      while (end < count && shrink[end] == value(1)) ++end;
      if (shrink[first] != value(1)) multiply_all<features * width>(sums, shrink[first]);
      f(first, end - first);
      first = end;
    }
  }
  template <extent_t Count>
  static void multiply_all(value* of, value by) noexcept {
    constexpr extent_t whole = Count / lanes * lanes, left = Count - whole;
    for (extent_t i = 0; i < whole; i += lanes) (Lanes::load(of + i) * Lanes(by)).store(of + i);
    if constexpr (left != 0) (Lanes::load_part(of + whole, left) * Lanes(by)).store_part(of + whole, left);
  }

  // ---- Causal: the state's rows pass a few tokens.

  /// Registers of columns, and tokens whose values and sums are held beside them.
  static constexpr extent_t file = lanes >= 16 ? 32 : 16;
  static constexpr extent_t registers_at_once = 2 * (1 + group) + 4 <= file ? 2 : 1;
  static constexpr extent_t fitting = (file - 2 - registers_at_once) / (registers_at_once * (1 + group));
  static constexpr extent_t tokens_at_once = fitting > 6 ? 6 : fitting == 0 ? 1 : fitting;

  /// What the tokens of a chunk bring for one key head, and where their rows go.
  struct passage {
    value* sums;
    const value *weights, *phi;         ///< (tokens, stride), (tokens, group, stride)
    const value *values, *denominator;  ///< kv_columns apart; (tokens, group)
    value* mixed;                       ///< columns apart
  };
  template <extent_t Tokens, extent_t Registers, bool InPart>
  static void pass(const passage& of, extent_t token, extent_t column) noexcept {
    constexpr extent_t last = InPart ? Registers - 1 : Registers;
    Lanes value_of[Tokens][Registers], sums[Tokens][group][Registers];
    unroll<Tokens>([&](extent_t t) LACUNA_UNROLLED {
      unroll<Registers>([&](auto r) LACUNA_UNROLLED {
        value_of[t][r] =
            on_columns::template load < r == last > (of.values + (token + t) * kv_columns + column + r * lanes);
        unroll<group>([&](extent_t g) LACUNA_UNROLLED { sums[t][g][r] = Lanes(0); });
      });
    });
    value* state = of.sums + column;
    const value *weights = of.weights + token * stride, *phi = of.phi + token * group * stride;
    for (extent_t f = 0; f < features; ++f) {
      Lanes row[Registers];
      unroll<Registers>([&](auto r) LACUNA_UNROLLED {
        row[r] = on_columns::template load < r == last > (state + f * width + r * lanes);
      });
      unroll<Tokens>([&](extent_t t) LACUNA_UNROLLED {
        const Lanes weight(weights[t * stride + f]);
        unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { row[r] = multiply_add(weight, value_of[t][r], row[r]); });
        unroll<group>([&](extent_t g) LACUNA_UNROLLED {
          const Lanes share(phi[(t * group + g) * stride + f]);
          unroll<Registers>([&](extent_t r)
                                LACUNA_UNROLLED { sums[t][g][r] = multiply_add(share, row[r], sums[t][g][r]); });
        });
      });
      unroll<Registers>([&](auto r) LACUNA_UNROLLED {
        on_columns::template store<r == last>(row[r], state + f * width + r * lanes);
      });
    }
    unroll<Tokens>([&](extent_t t) LACUNA_UNROLLED {
      unroll<group>([&](extent_t g) LACUNA_UNROLLED {
        const Lanes share(operation::scan_loops::inverse(of.denominator[(token + t) * group + g]));
        value* to = of.mixed + (token + t) * columns + g * width + column;
        unroll<Registers>([&](auto r) LACUNA_UNROLLED {
          on_columns::template store<r == last>(sums[t][g][r] * share, to + r * lanes);
        });
      });
    });
  }
  template <extent_t Registers, bool InPart>
  static void pass_tokens(const passage& of, extent_t first, extent_t count, extent_t column) noexcept {
    const extent_t end = first + count;
    extent_t t = first;
    for (; t + tokens_at_once <= end; t += tokens_at_once) pass<tokens_at_once, Registers, InPart>(of, t, column);
    unroll<tokens_at_once - 1>([&](auto less) LACUNA_UNROLLED {
      if (end - t == less + 1) pass<less + 1, Registers, InPart>(of, t, column);
    });
  }
  /// The state's sums take up a chunk's keys and give each of its rows what it finds, over its denominator.
  static void pass_chunk(const arguments& a, const chunk& of, const workspace& w) noexcept {
    for (extent_t i = 0; i < of.kv_count; ++i) {
      const extent_t kv = of.kv + i;
      const passage through{a.state.sums_of(kv),
                            w.of_keys + i * stride,
                            w.of_queries + i * group * stride,
                            a.values.row(of.first) + kv * width,
                            w.denominator + i * group,
                            a.mixed.row(of.first) + kv * group * width};
      for_each_stretch(through.sums, w.shrink + i, of.count, [&](extent_t first, extent_t count) {
        constexpr extent_t strips = across / registers_at_once, rest = across % registers_at_once;
        constexpr bool cut = part != 0;
        for (extent_t s = 0; s + 1 < strips; ++s)
          pass_tokens<registers_at_once, false>(through, first, count, s * registers_at_once * lanes);
        if constexpr (strips != 0)
          pass_tokens<registers_at_once, cut && rest == 0>(through, first, count,
                                                           (strips - 1) * registers_at_once * lanes);
        if constexpr (rest != 0) pass_tokens<rest, cut>(through, first, count, strips * registers_at_once * lanes);
      });
    }
  }
  static void scan_causal(const arguments& a, workspace& w) noexcept {
    for_each_chunk(a.query.count, [&](const chunk& of) {
      form_keys(a, of, w);
      form_queries(a, of, w);
      add_totals<true>(a, of, w);
      pass_chunk(a, of, w);
    });
  }

  // ---- All rows see all keys: two products.

  using product = plain_product<Lanes, width>;
  /// The chunk's keys join the state.
  static void add_keys(const arguments& a, const chunk& of, workspace& w) noexcept {
    for (extent_t i = 0; i < of.kv_count; ++i) {
      const extent_t kv = of.kv + i;
      value* sums = a.state.sums_of(kv);
      for_each_stretch(sums, w.shrink + i, of.count, [&](extent_t first, extent_t count) {
        product::template run<true>({sums, width, w.of_keys + (i + first) * stride, 1, stride,
                                     a.values.row(of.first + first) + kv * width, kv_columns, count},
                                    features);
      });
    }
  }
  static void read_rows(const arguments& a, const chunk& of, workspace& w) noexcept {
    for (extent_t i = 0; i < of.count * of.kv_count; ++i) {
      const extent_t kv = of.kv + (of.count == 1 ? i : 0), t = of.first + (of.count == 1 ? 0 : i);
      read_totals(a, t, kv, a.state.totals_of(kv), w.of_queries + i * group * stride, w.denominator + i * group);
      if (a.saved.scale.data != nullptr) a.saved.scale(t, kv) = a.state.scale[kv];
    }
    for (extent_t i = 0; i < of.kv_count; ++i)
      for (extent_t g = 0; g < group; ++g) {
        const extent_t kv = of.kv + i;
        value* to = a.mixed.row(of.first) + (kv * group + g) * width;
        product::template run<false>({to, columns, w.of_queries + (i * group + g) * stride, group * stride, 1,
                                      a.state.sums_of(kv), width, features},
                                     of.count);
        for (extent_t t = 0; t < of.count; ++t)
          multiply_all<width>(to + t * columns, operation::scan_loops::inverse(w.denominator[(i + t) * group + g]));
      }
  }
  static void scan_all(const arguments& a, workspace& w) noexcept {
    for_each_chunk(a.query.count, [&](const chunk& of) {
      form_keys(a, of, w);
      add_totals<false>(a, of, w);
      add_keys(a, of, w);
    });
    for_each_chunk(a.query.count, [&](const chunk& of) {
      form_queries(a, of, w);
      read_rows(a, of, w);
    });
  }
};

/// See `op::scan`.
template <class Lanes, bool Causal, extent_t Heads, class State, class Map>
void scan(rows<typename Lanes::element, Heads * State::head_width> mixed,
          const scan_rows<typename Lanes::element, Heads, State::kv_heads>& saved,
          rows<const typename Lanes::element, Heads * State::head_width> query,
          rows<const typename Lanes::element, State::kv_heads * State::head_width> key,
          rows<const typename Lanes::element, State::kv_heads * State::head_width> values, const State& state,
          const Map& map) noexcept {
  using work = scan_executor<Lanes, Heads, State, Map>;
  const typename work::rows_of_features features(map);
  typename work::workspace w;
  const typename work::arguments arguments{mixed, saved, query, key, values, state, features};
  if constexpr (Causal)
    work::scan_causal(arguments, w);
  else
    work::scan_all(arguments, w);
}

}  // namespace by_lanes

LACUNA_END
