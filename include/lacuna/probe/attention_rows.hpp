#pragma once
/// What rows of attention look at: their weights, how many keys share them, and how much one key takes.
///
/// Source: Ren and Liu (2025), arXiv 2504.18929, who relate low entropy to what a model passes by; entropies of rows as
/// Clark et al. (2019), "What does BERT look at?", arXiv 1906.04341, section 3.3.

#include <lacuna/core/maths.hpp>
#include <lacuna/op/watch.hpp>

LACUNA_BEGIN

/// Calls `visit(row, head, key, weight)` for every visible pair of an `operation::attend`, from the arguments that a
/// watcher sees: rows in order, heads within a row, keys ascending, in each of the branches that a route may have.
/// `key` is a place in the cache's blocks: a position, where the keys are tokens and the cache is linear. Weights are
/// those that multiply the values, computed as the reference does. 2 * pairs * head_width multiply-adds.
template <class Query, class Cache, class Rule, class Visitor>
constexpr void visit_attention_weights(const Query& query, const Cache& cache, const block_plan_view& plan,
                                       const Rule& rule, Visitor&& visit) {
  using value = std::remove_const_t<std::remove_reference_t<decltype(query(0, 0))>>;
  using normaliser = typename Rule::normaliser;
  constexpr extent_t head_width = Cache::head_width, heads = Query::columns / head_width;
  constexpr extent_t group = heads / Cache::kv_heads;
  for (extent_t t = 0; t < query.count; ++t)
    for (extent_t h = 0; h < heads; ++h) {
      const auto each_key = [&](auto&& use) {
        plan.for_each_block(t, [&](extent_t block, std::uint32_t mask) {
          value scores[block_keys]{};
          operation::attention_loops::block_scores<head_width>(scores, query.row(t) + h * head_width,
                                                               cache.key_block(block, h / group), mask, rule, h,
                                                               plan.first + t, block);
          for (extent_t j = 0; j < block_keys; ++j)
            if ((mask >> j & 1u) != 0) use(block * block_keys + j, normaliser::map(scores[j]));
        });
      };
      row_statistic<normaliser, value> row;
      each_key([&](extent_t, value score) { row.add(score); });
      each_key([&](extent_t key, value score) {
        value weight = 0;
        if constexpr (Rule::kind == normalisation::summed)
          weight = normaliser::weight(score, row.sum, row.keys);
        else if constexpr (Rule::kind == normalisation::reweighed)
          weight = normaliser::reweigh(row.share(score));
        else
          weight = row.share(score);
        visit(t, h, key, static_cast<double>(weight));
      });
    }
}

namespace rules {
template <bool Fine>
struct some_attention_is_watched {
  static_assert(Fine, "lacuna::attention_row_counter: it watches no head (write attention_row_counter<layers, heads>)");
};
}  // namespace rules

/// Means over the rows of one head; NaN where there were none.
struct attention_row_share {
  double entropy = 0;   ///< of the weights, in nats: 0 where one key takes all
  double evenness = 0;  ///< entropy / ln(visible keys): 1 where all weigh the same, over rows that see two keys or more
  double largest = 0;   ///< the largest weight
  double total = 0;     ///< the sum of the weights: 1, but where a normaliser leaves some to nothing
};

/// Watches the rows of `Layers` attentions of `Heads` heads, one after the other in every forward: what mixes values by
/// weights of keys, all heads at once (`operation::attend`). A layer may take its rows in pieces, as one with a ring
/// cache does; a piece that begins where a layer's first one did is of the next layer. `complete()` says whether all
/// layers had as many rows. Not seen are attentions by features, over edges, or head by head (routes and sources that
/// the tokens decide, sublayers with row classes); a model that has such ones among others is not for this counter. Of
/// branches that are averaged each is a layer here; where they are folded, a key of several is several keys.
///
/// Entropies are of |weight| / sum |weight|. How much a row can have depends on how many keys it sees: the first token
/// of a causal model has 0. Compare on the same tokens. Weights that are NaN make all means NaN.
template <extent_t Layers, extent_t Heads>
struct attention_row_counter {
  static_assert(__is_base_of(nothing, rules::some_attention_is_watched<(Layers > 0 && Heads > 0)>) || true);
  static constexpr extent_t layers = Layers > 0 ? Layers : 1, heads = Heads > 0 ? Heads : 1;
  attention_row_share sums[layers][heads]{};
  std::uint64_t rows[layers][heads]{}, wide_rows[layers][heads]{};
  std::uint64_t tokens[layers]{};

  constexpr bool complete() const noexcept {
    for (const std::uint64_t each : tokens)
      if (each != tokens[0]) return false;
    return tokens[0] > 0;
  }
  constexpr attention_row_share of(extent_t layer, extent_t head) const noexcept {
    const auto share = [](double sum, std::uint64_t count) {
      return count > 0 ? sum / static_cast<double>(count) : __builtin_nan("");
    };
    const attention_row_share& sum = sums[layer][head];
    const std::uint64_t count = rows[layer][head];
    return {share(sum.entropy, count), share(sum.evenness, wide_rows[layer][head]), share(sum.largest, count),
            share(sum.total, count)};
  }
  /// The mean of a layer's heads.
  constexpr attention_row_share of(extent_t layer) const noexcept {
    attention_row_share mean;
    for (extent_t head = 0; head < heads; ++head) {
      const attention_row_share each = of(layer, head);
      mean.entropy += each.entropy / heads, mean.evenness += each.evenness / heads;
      mean.largest += each.largest / heads, mean.total += each.total / heads;
    }
    return mean;
  }

  template <class Backend, class Mixed, class LogScale, class Query, class Cache, class Rule>
  constexpr void after(operation::attend, ran_on<Backend>, const Mixed&, const LogScale&, const Query& query,
                       const Cache& cache, const block_plan_view& plan, const Rule& rule) {
    // Attention with another number of heads is none of those that were asked for.
    if constexpr (Query::columns == Heads * Cache::head_width) {
      const extent_t layer = place_.layer_of(plan.first, query.count);
      tokens[layer] += query.count;
      extent_t at = 0, of_head = 0;
      row_sums row;
      visit_attention_weights(query, cache, plan, rule, [&](extent_t t, extent_t head, extent_t, double weight) {
        if (t != at || head != of_head) {
          note(layer, of_head, row);
          row = {}, at = t, of_head = head;
        }
        row.add(weight);
      });
      note(layer, of_head, row);
    }
  }
  template <class Operation, class Backend, class... Arguments>
  constexpr void after(Operation, ran_on<Backend>, const Arguments&...) {}

 private:
  /// Which layer the next piece of rows belongs to. All layers of a pass see the same rows, whose end the first layer
  /// tells; until then, rows that go on where the last ones ended are of the same layer.
  struct place_in_pass {
    extent_t layer = 0, end = 0, end_of_pass = 0;
    bool begun = false;

    constexpr extent_t layer_of(extent_t first, extent_t count) noexcept {
      const bool done = layer + 1 == layers && layers > 1 && end == end_of_pass;
      if (!begun || done || (layer + 1 == layers && first != end)) {
        layer = 0, begun = true;
      } else if (first != end) {
        if (layer == 0) end_of_pass = end;
        ++layer;
      }
      end = first + count;
      return layer;
    }
  };
  place_in_pass place_;

  /// H = ln S - sum |w| ln |w| / S, with S = sum |w|.
  struct row_sums {
    double total = 0, size = 0, logs = 0, largest = 0;
    extent_t keys = 0;
    constexpr void add(double weight) noexcept {
      const double w = weight < 0 ? -weight : weight;
      total += weight, size += w, ++keys;
      if (w != 0) logs += w * maths::log(w);
      if (w > largest || w != w) largest = w;  // a NaN stays
    }
  };
  /// A row that sees no key, or gives none a weight, has no entropy.
  constexpr void note(extent_t layer, extent_t head, const row_sums& row) noexcept {
    if (row.size == 0) return;
    attention_row_share& sum = sums[layer][head];
    const double entropy = maths::log(row.size) - row.logs / row.size;
    ++rows[layer][head];
    sum.entropy += entropy, sum.largest += row.largest, sum.total += row.total;
    if (row.keys < 2) return;
    ++wide_rows[layer][head];
    sum.evenness += entropy / maths::log(static_cast<double>(row.keys));
  }
};

LACUNA_END
