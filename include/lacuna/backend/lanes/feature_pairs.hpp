#pragma once
/// Attention through features, pair by pair, by lanes: over features and columns for products, over a few keys for
/// their weights. See `op::feature_pairs`.

#include <lacuna/backend/lanes/block_row.hpp>
#include <lacuna/backend/lanes/features.hpp>
#include <lacuna/op/feature_pairs.hpp>

LACUNA_BEGIN

namespace by_lanes {

template <class Lanes, extent_t Heads, class Store, class Map>
struct feature_pairs_executor {
  using value = typename Lanes::element;
  static constexpr extent_t width = Store::head_width, features = Store::features, kv_heads = Store::kv_heads;
  static constexpr extent_t group = Heads / kv_heads, columns = Heads * width, kv_columns = kv_heads * width;
  static constexpr extent_t lanes = Lanes::lane_count;
  using rows_of_features = feature_rows<Lanes, width, Map, features>;
  using on_features = row_dots<Lanes, features>;
  using on_columns = row_dots<Lanes, width>;
  static constexpr extent_t stride = rows_of_features::stride;
  static constexpr value lowest = -maths::infinity<value>();

  /// Rows whose features are formed together; all heads of a token at least.
  static constexpr extent_t most = Heads < 24 ? 24 / Heads * Heads : Heads;
  struct workspace {
    alignas(64) value phi[most * stride];
    value scale[most];
  };
  /// Whether the features and the turned directions take no more room than is set.
  static constexpr bool fits =
      (rows_of_features::held_numbers + most * stride) * sizeof(value) <= most_room_of_features;

  struct arguments {
    const Store& store;
    const block_plan_view& plan;
    const rows_of_features& map;
  };

  /// Forms the features of all rows; calls `f(token, head, features, scale)`.
  template <extent_t OfToken, class Function>
  static LACUNA_INLINE void for_each_head(const arguments& a, rows<const value, OfToken * width> x, workspace& w,
                                          Function&& f) noexcept {
    constexpr extent_t tokens = most / OfToken;
    for (extent_t first = 0; first < x.count; first += tokens) {
      const extent_t count = x.count - first < tokens ? x.count - first : tokens;
      a.map.form(x.row(first), width, count * OfToken, w.phi, stride, w.scale, 1);
      for (extent_t i = 0; i < count * OfToken; ++i)
        f(first + i / OfToken, i % OfToken, w.phi + i * stride, w.scale[i]);
    }
  }
  /// Keys that a row sees of one block, as many as lanes at once.
  struct batch {
    const value *features_of[lanes], *values[lanes];
    value scales[lanes];
    extent_t keys[lanes], count;
  };
  template <class Function>
  static LACUNA_INLINE void for_each_batch(const arguments& a, extent_t t, extent_t kv, Function&& f) noexcept {
    a.plan.for_each_block(t, [&](extent_t block, std::uint32_t bits) {
      const seen_keys of(bits);
      for (extent_t i = 0; i < of.count; i += lanes) {
        batch some;
        some.count = of.count - i < lanes ? of.count - i : lanes;
        for (extent_t lane = 0; lane < lanes; ++lane) {
          const extent_t key = block * block_keys + of.key[i + (lane < some.count ? lane : some.count - 1)];
          some.keys[lane] = key;
          some.features_of[lane] = a.store.phi_of(key, kv);
          some.values[lane] = a.store.value_of(key, kv);
          some.scales[lane] = a.store.scale_of(key, kv);
        }
        f(some);
      }
    });
  }
  /// e^(scale - top) of a batch's keys; 0 where all keys have vanished.
  static LACUNA_INLINE Lanes relative(const batch& of, value top) noexcept {
    return top == lowest ? Lanes(0) : maths::exp(Lanes::load(of.scales) - Lanes(top));
  }
  static LACUNA_INLINE Lanes first_of(const batch& of, const Lanes& lane) noexcept {
    return of.count == lanes ? lane : first_lanes(of.count, lane, Lanes(0));
  }

  static void keep_keys(const arguments& a, rows<const value, kv_columns> key, rows<const value, kv_columns> values,
                        workspace& w) noexcept {
    for_each_head<kv_heads>(a, key, w, [&](extent_t t, extent_t kv, const value* phi, value scale) {
      a.store.scale_of(a.plan.first + t, kv) = scale;
      value *to = a.store.phi_of(a.plan.first + t, kv), *to_value = a.store.value_of(a.plan.first + t, kv);
      on_features::for_each_register([&](auto in_part, extent_t r) LACUNA_UNROLLED {
        on_features::template store<in_part>(Lanes::load(phi + r), to + r);
      });
      on_columns::for_each_register([&](auto in_part, extent_t d) LACUNA_UNROLLED {
        on_columns::template store<in_part>(on_columns::template load<in_part>(values.row(t) + kv * width + d),
                                            to_value + d);
      });
    });
  }
  static void attend(const arguments& a, rows<value, columns> mixed, const lacuna::feature_rows<value, Heads>& saved,
                     rows<const value, columns> query, workspace& w) noexcept {
    for_each_head<Heads>(a, query, w, [&](extent_t t, extent_t h, const value* phi, value) {
      value* out = mixed.row(t) + h * width;
      for (extent_t d = 0; d < width; ++d) out[d] = 0;
      value top = lowest, denominator = 0;
      for_each_batch(a, t, h / group, [&](const batch& of) {
        for (extent_t lane = 0; lane < of.count; ++lane) top = maths::larger(of.scales[lane], top);
      });
      for_each_batch(a, t, h / group, [&](const batch& of) {
        alignas(64) value weights[lanes];
        const Lanes weight = on_features::dots(phi, of.features_of) * relative(of, top);
        weight.store(weights);
        denominator += sum_of(first_of(of, weight));
        on_columns::add_rows(out, weights, of.values, of.count);
      });
      const value share = operation::scan_loops::inverse(denominator);
      for (extent_t d = 0; d < width; ++d) out[d] *= share;
      if (saved.scale.data != nullptr) saved.scale(t, h) = top;
      if (saved.denominator.data != nullptr) saved.denominator(t, h) = denominator;
    });
  }

  struct adjoints {
    rows<value, columns> query;
    rows<value, kv_columns> key, values;
    const Store& store;
  };
  static void attend_backward(const arguments& a, const adjoints& to, rows<const value, columns> mixed,
                              rows<const value, columns> dmixed, const lacuna::feature_rows<const value, Heads>& saved,
                              rows<const value, columns> query, rows<const value, kv_columns> key,
                              workspace& w) noexcept {
    for_each_head<Heads>(a, query, w, [&](extent_t t, extent_t h, const value* phi, value) {
      const extent_t kv = h / group, column = h * width;
      const Lanes share(operation::scan_loops::inverse(saved.denominator(t, h)));
      alignas(64) value dphi[stride], through[width];
      for (value& of : dphi) of = 0;
      Lanes sum(0);
      on_columns::for_each_register([&](auto in_part, extent_t d) LACUNA_UNROLLED {
        const Lanes of = on_columns::template load<in_part>(dmixed.row(t) + column + d) * share;
        on_columns::template store<in_part>(of, through + d);
        sum = multiply_add(of, on_columns::template load<in_part>(mixed.row(t) + column + d), sum);
      });
      const Lanes through_denominator(-sum_of(sum));
      for_each_batch(a, t, kv, [&](const batch& of) {
        alignas(64) value weights[lanes], dweights[lanes];
        const Lanes shrink = relative(of, saved.scale(t, h));
        (on_features::dots(phi, of.features_of) * shrink).store(weights);
        ((through_denominator + on_columns::dots(through, of.values)) * shrink).store(dweights);
        on_features::add_rows(dphi, dweights, of.features_of, of.count);
        for (extent_t lane = 0; lane < of.count; ++lane) {
          on_features::add(to.store.phi_of(of.keys[lane], kv), dweights[lane], phi);
          on_columns::add(to.store.value_of(of.keys[lane], kv), weights[lane], through);
        }
      });
      a.map.add_adjoint(query.row(t) + column, phi, dphi, to.query.row(t) + column);
    });
    alignas(64) value phi[stride], dphi[stride];
    for (extent_t r = features; r < stride; ++r) phi[r] = dphi[r] = 0;
    for (extent_t t = 0; t < key.count; ++t)
      for (extent_t kv = 0; kv < kv_heads; ++kv) {
        const value* from = a.store.phi_of(a.plan.first + t, kv);
        const value* adjoint = to.store.phi_of(a.plan.first + t, kv);
        for (extent_t r = 0; r < features; ++r) phi[r] = from[r], dphi[r] = adjoint[r];
        a.map.add_adjoint(key.row(t) + kv * width, phi, dphi, to.key.row(t) + kv * width);
        on_columns::add(to.values.row(t) + kv * width, 1, to.store.value_of(a.plan.first + t, kv));
      }
  }
};

/// See `op::feature_pairs`.
template <class Lanes, extent_t Heads, class Store, class Map>
void feature_pairs(rows<typename Lanes::element, Heads * Store::head_width> mixed,
                   const lacuna::feature_rows<typename Lanes::element, Heads>& saved,
                   rows<const typename Lanes::element, Heads * Store::head_width> query,
                   rows<const typename Lanes::element, Store::kv_heads * Store::head_width> key,
                   rows<const typename Lanes::element, Store::kv_heads * Store::head_width> values, const Store& store,
                   const block_plan_view& plan, const Map& map) noexcept {
  using work = feature_pairs_executor<Lanes, Heads, Store, Map>;
  const typename work::rows_of_features features(map);
  typename work::workspace w;
  const typename work::arguments arguments{store, plan, features};
  work::keep_keys(arguments, key, values, w);
  work::attend(arguments, mixed, saved, query, w);
}

/// See `op::feature_pairs_backward`.
template <class Lanes, extent_t Heads, class Store, class Map>
void feature_pairs_backward(rows<typename Lanes::element, Heads * Store::head_width> dquery,
                            rows<typename Lanes::element, Store::kv_heads * Store::head_width> dkey,
                            rows<typename Lanes::element, Store::kv_heads * Store::head_width> dvalue,
                            rows<const typename Lanes::element, Heads * Store::head_width> mixed,
                            rows<const typename Lanes::element, Heads * Store::head_width> dmixed,
                            const lacuna::feature_rows<const typename Lanes::element, Heads>& saved,
                            rows<const typename Lanes::element, Heads * Store::head_width> query,
                            rows<const typename Lanes::element, Store::kv_heads * Store::head_width> key,
                            const Store& store, const Store& dstore, const block_plan_view& plan,
                            const Map& map) noexcept {
  using work = feature_pairs_executor<Lanes, Heads, Store, Map>;
  const typename work::rows_of_features features(map);
  typename work::workspace w;
  work::attend_backward({store, plan, features}, {dquery, dkey, dvalue, dstore}, mixed, dmixed, saved, query, key, w);
}

}  // namespace by_lanes

LACUNA_END
