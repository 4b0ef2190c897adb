#pragma once
/// Attention along edges by lanes: over the columns of a head for products, over a few edges for their weights.

#include <lacuna/backend/lanes/attention_fold.hpp>
#include <lacuna/backend/lanes/row_dots.hpp>
#include <lacuna/op/attend_edges.hpp>

LACUNA_BEGIN

namespace by_lanes {

template <class Lanes, extent_t Heads, extent_t Columns, extent_t KvColumns, class Rule>
struct edge_executor {
  using value = typename Lanes::element;
  using normaliser = typename Rule::normaliser;
  using folding = attention_fold<Lanes, Rule>;
  static constexpr extent_t lanes = Lanes::lane_count, head_width = Columns / Heads, group = Columns / KvColumns;
  using on_columns = row_dots<Lanes, head_width>;
  using inputs = edge_inputs<value, Columns, KvColumns>;
  using adjoints = edge_adjoints<value, Columns, KvColumns>;

  /// Edges [first, first + count) of a row, one a lane.
  struct batch {
    std::uint32_t first;
    extent_t count;
  };
  template <class Function>
  static LACUNA_INLINE void for_each_batch(const neighbour_lists& lists, extent_t t, Function&& f) noexcept {
    const std::uint32_t end = lists.begin[t + 1];
    for (std::uint32_t i = lists.begin[t]; i < end; i += static_cast<std::uint32_t>(lanes))
      f(batch{i, end - i < lanes ? end - i : lanes});
  }
  /// A row of each edge of a batch: the last one again in lanes that have none.
  template <class Function>
  static LACUNA_INLINE void find_rows(const batch& of, const value* (&rows)[lanes], Function&& row_of) noexcept {
    for (extent_t lane = 0; lane < lanes; ++lane)
      rows[lane] = row_of(of.first + static_cast<std::uint32_t>(lane < of.count ? lane : of.count - 1));
  }
  static LACUNA_INLINE Lanes first_of(const batch& of, const Lanes& lane, value rest) noexcept {
    return of.count == lanes ? lane : first_lanes(of.count, lane, Lanes(rest));
  }

  /// The terms of a batch's edges; lane j is the sum of those of edge j.
  static LACUNA_INLINE Lanes form_terms(rows<value, Columns> terms, const inputs& in, const batch& of, const value* q,
                                        extent_t own, extent_t shared, value scale) noexcept {
    Lanes sums[lanes];
    unroll<lanes>([&](extent_t lane) LACUNA_UNROLLED { sums[lane] = Lanes(0); });
    for (extent_t lane = 0; lane < of.count; ++lane) {
      const std::uint32_t edge = in.lists.edges[of.first + lane];
      const value *k = in.key.row(in.lists.keys[of.first + lane]) + shared, *bend = in.modulation.row(edge) + own;
      value* term = terms.row(edge) + own;
      Lanes sum(0);
      on_columns::for_each_register([&](auto in_part, extent_t d) LACUNA_UNROLLED {
        const auto load = [&](const value* from)
                              LACUNA_UNROLLED { return on_columns::template load<in_part>(from + d); };
        const Lanes each = Lanes(scale) * load(q) * load(k) * load(bend);
        on_columns::template store<in_part>(each, term + d);
        sum = sum + each;
      });
      sums[lane] = sum;
    }
    return sum_each<Lanes>(sums);
  }
  /// The same sums from terms that are there.
  static LACUNA_INLINE Lanes sum_terms(const value* terms, const inputs& in, const batch& of, extent_t own) noexcept {
    const value* rows[lanes];
    find_rows(of, rows, [&](std::uint32_t i) { return terms + in.lists.edges[i] * Columns + own; });
    return on_columns::sums(rows);
  }

  static void attend(rows<value, Columns> mixed, rows<value, Heads> log_scale, rows<value, Columns> terms,
                     const inputs& in, const Rule& rule) noexcept {
    constexpr value lowest = -maths::infinity<value>();
    for (extent_t t = 0; t < mixed.count; ++t)
      for (extent_t h = 0; h < Heads; ++h) {
        const extent_t own = h * head_width, shared = h / group * head_width;
        value* out = mixed.row(t) + own;
        for (extent_t d = 0; d < head_width; ++d) out[d] = 0;
        row_statistic<normaliser, value> row;
        for_each_batch(in.lists, t, [&](const batch& of) {
          const Lanes score = first_of(
              of, folding::map(form_terms(terms, in, of, in.query.row(t) + own, own, shared, rule.scale)), lowest);
          const value top = maths::larger(row.largest, largest_of(maths::larger(Lanes(lowest), score)));
          if (top == lowest) {
            // All are hidden; a score that is no number has to show.
            const value sum = sum_of(score);
            if (maths::is_nan(sum)) row.sum = sum;
            return;
          }
          const Lanes weight = first_of(of, maths::exp(score - Lanes(top)), 0);
          row.sum = row.sum * maths::exp(row.largest - top) + sum_of(weight);
          row.largest = top;
        });
        const value kept = row.kept();
        log_scale(t, h) = kept;
        // A row that sees no key: output 0, gradient 0.
        if (row.sum == value(0)) continue;
        for_each_batch(in.lists, t, [&](const batch& of) {
          alignas(64) value weights[lanes];
          maths::exp(folding::map(sum_terms(terms.data, in, of, own)) - Lanes(kept)).store(weights);
          const value* rows[lanes];
          find_rows(of, rows, [&](std::uint32_t i) { return in.value.row(in.lists.keys[i]) + shared; });
          on_columns::add_rows(out, weights, rows, of.count);
        });
      }
  }

  static LACUNA_INLINE Lanes derivative(const Lanes& score) noexcept {
    if constexpr (keeps_scores<normaliser>)
      return Lanes(1);
    else
      return folding::by_normaliser(score, [](auto x) LACUNA_UNROLLED { return normaliser::map_derivative(x); });
  }
  /// What backward knows of edges: their scores, their weights p, and g = value . dmixed. Of rows with more edges than
  /// this it is formed for each pass.
  static constexpr extent_t most_kept = 128;
  struct formed {
    alignas(64) value scores[most_kept], p[most_kept], g[most_kept];
  };

  static void attend_backward(const adjoints& to, rows<const value, Columns> dmixed, rows<const value, Heads> log_scale,
                              rows<const value, Columns> terms, const inputs& in, const Rule& rule) noexcept {
    formed all;
    for (extent_t t = 0; t < dmixed.count; ++t)
      for (extent_t h = 0; h < Heads; ++h) {
        const extent_t own = h * head_width, shared = h / group * head_width;
        const value kept = log_scale(t, h);
        const value* dout = dmixed.row(t) + own;
        const std::uint32_t first = in.lists.begin[t];
        const bool fits = in.lists.begin[t + 1] - first <= most_kept;
        // Calls `use(batch, where its numbers begin)`.
        const auto each_batch = [&](bool known, auto&& use) {
          for_each_batch(in.lists, t, [&](const batch& of) {
            const extent_t at = fits ? of.first - first : 0;
            if (!known || !fits) {
              const Lanes score = sum_terms(terms.data, in, of, own);
              const value* rows[lanes];
              find_rows(of, rows, [&](std::uint32_t i) { return in.value.row(in.lists.keys[i]) + shared; });
              score.store(all.scores + at);
              maths::exp(folding::map(score) - Lanes(kept)).store(all.p + at);
              on_columns::dots(dout, rows).store(all.g + at);
            }
            use(of, at);
          });
        };
        // The cancellation-free form of `attend_backward`.
        value heaviest = -1, anchor = 0, sum = 0;
        if constexpr (has_null_key<normaliser>) heaviest = maths::exp(-kept);
        each_batch(false, [&](const batch& of, extent_t at) {
          for (extent_t i = at; i < at + of.count; ++i)
            if (all.p[i] > heaviest) heaviest = all.p[i], anchor = all.g[i];
        });
        if constexpr (has_null_key<normaliser>) sum = -maths::exp(-kept) * anchor;
        each_batch(true, [&](const batch& of, extent_t at) {
          const Lanes apart = Lanes::load(all.p + at) * (Lanes::load(all.g + at) - Lanes(anchor));
          sum += sum_of(first_of(of, apart, 0));
        });
        each_batch(true, [&](const batch& of, extent_t at) {
          alignas(64) value ds[lanes];
          const Lanes apart = (Lanes::load(all.g + at) - Lanes(anchor)) - Lanes(sum);
          (Lanes::load(all.p + at) * apart * derivative(Lanes::load(all.scores + at)) * Lanes(rule.scale)).store(ds);
          for (extent_t lane = 0; lane < of.count; ++lane)
            spread(to, in, of.first + static_cast<std::uint32_t>(lane), t, own, shared, ds[lane], all.p[at + lane],
                   dout);
        });
      }
  }
  /// What the adjoint of an edge's score and its weight say of all that it is made of.
  static LACUNA_INLINE void spread(const adjoints& to, const inputs& in, std::uint32_t i, extent_t t, extent_t own,
                                   extent_t shared, value ds, value p, const value* dout) noexcept {
    const extent_t key = in.lists.keys[i], edge = in.lists.edges[i];
    const value *q = in.query.row(t) + own, *k = in.key.row(key) + shared, *bend = in.modulation.row(edge) + own;
    value *dq = to.query.row(t) + own, *dk = to.key.row(key) + shared, *dv = to.value.row(key) + shared;
    value* dbend = to.modulation.row(edge) + own;
    on_columns::for_each_register([&](auto in_part, extent_t d) LACUNA_UNROLLED {
      const auto load = [&](const value* from) LACUNA_UNROLLED { return on_columns::template load<in_part>(from + d); };
      const auto add = [&](value* at, const Lanes& a, const Lanes& b) LACUNA_UNROLLED {
        on_columns::template store<in_part>(multiply_add(a, b, load(at)), at + d);
      };
      const Lanes bent = Lanes(ds) * load(bend), of_query = load(q), of_key = load(k);
      add(dq, bent, of_key);
      add(dk, bent, of_query);
      add(dbend, Lanes(ds) * of_query, of_key);
      add(dv, Lanes(p), load(dout));
    });
  }
};

}  // namespace by_lanes

LACUNA_END
