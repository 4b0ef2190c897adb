#pragma once
/// What rows of attention look at: their weights, how many keys share them, and how much one key takes.
///
/// Source: Ren and Liu (2025), arXiv 2504.18929, who relate low entropy to what a model passes by; entropies of rows as
/// Clark et al. (2019), "What does BERT look at?", arXiv 1906.04341, section 3.3.

#include <lacuna/core/maths.hpp>
#include <lacuna/op/watch.hpp>

LACUNA_BEGIN

/// Calls `visit(row, head, key, weight)` for every visible pair of an `operation::attend`, from the arguments that a
/// watcher sees: rows in order, heads within a row, keys ascending. `key` is a position; weights are those that
/// multiply the values, in f64. 2 * pairs * head_width multiply-adds.
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
      const value kept = row.kept();
      each_key([&](extent_t key, value score) {
        value weight = 0;
        if constexpr (Rule::kind == normalisation::summed)
          weight = normaliser::weight(score, kept, row.keys);
        else if constexpr (Rule::kind == normalisation::reweighed)
          weight = normaliser::reweigh(maths::exp(score - kept));
        else
          weight = maths::exp(score - kept);
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

/// Means over the rows of one head.
struct attention_row_share {
  double entropy = 0;  ///< of the weights, in nats: 0 where one key takes all
  double evenness =
      0;  ///< entropy / ln(keys with a say): 1 where all have the same, over rows that see two keys or more
  double largest = 0;  ///< the largest weight
  double total = 0;    ///< the sum of the weights: 1, but where a normaliser leaves some to nothing
};

/// Watches the rows of `Layers` attentions of `Heads` heads, one after the other in every forward: what mixes values by
/// weights of keys (`operation::attend`). Attentions by features or over edges are not seen: `complete()` says whether
/// as many came as there should have been.
///
/// Entropies are of |weight| / sum |weight|. How much a row can have depends on how many keys it sees: the first token
/// of a causal model has 0. Compare on the same tokens.
template <extent_t Layers, extent_t Heads>
struct attention_row_counter {
  static_assert(__is_base_of(nothing, rules::some_attention_is_watched<(Layers > 0 && Heads > 0)>) || true);
  static constexpr extent_t layers = Layers > 0 ? Layers : 1, heads = Heads > 0 ? Heads : 1;
  attention_row_share sums[layers][heads]{};
  std::uint64_t rows[layers][heads]{}, wide_rows[layers][heads]{};
  std::uint64_t calls = 0;

  constexpr bool complete() const noexcept { return calls > 0 && calls % layers == 0; }
  constexpr attention_row_share of(extent_t layer, extent_t head) const noexcept {
    const auto count = static_cast<double>(rows[layer][head] > 0 ? rows[layer][head] : 1);
    const auto wide = static_cast<double>(wide_rows[layer][head] > 0 ? wide_rows[layer][head] : 1);
    const attention_row_share& sum = sums[layer][head];
    return {sum.entropy / count, sum.evenness / wide, sum.largest / count, sum.total / count};
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
      const extent_t layer = static_cast<extent_t>(calls++ % layers);
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
  /// H = ln S - sum |w| ln |w| / S, with S = sum |w|.
  struct row_sums {
    double total = 0, size = 0, logs = 0, largest = 0;
    extent_t keys = 0;
    constexpr void add(double weight) noexcept {
      const double w = weight < 0 ? -weight : weight;
      total += weight, size += w, ++keys;
      if (w > 0) logs += w * maths::log(w);
      if (w > largest) largest = w;
    }
  };
  /// A row that sees no key, or gives none a weight, has no entropy.
  constexpr void note(extent_t layer, extent_t head, const row_sums& row) noexcept {
    if (!(row.size > 0)) return;
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
