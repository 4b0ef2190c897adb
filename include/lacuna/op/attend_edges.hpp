#pragma once
/// Attention along the edges of a graph, each of which bends the product of a query and a key column by column.

#include <lacuna/op/normalise.hpp>
#include <lacuna/tensor/graph.hpp>

LACUNA_BEGIN

/// What attention along edges reads: queries `(tokens, heads * head_width)`, keys and values
/// `(tokens, kv_heads * head_width)`, and per edge, in the order in which edges were given, the factor of each column.
template <class Value, extent_t Columns, extent_t KvColumns>
struct edge_inputs {
  rows<const Value, Columns> query;
  rows<const Value, KvColumns> key;
  rows<const Value, KvColumns> value;
  rows<const Value, Columns> modulation;  ///< `(edges, heads * head_width)`
  neighbour_lists lists;
};
/// Their adjoints, which accumulate.
template <class Value, extent_t Columns, extent_t KvColumns>
struct edge_adjoints {
  rows<Value, Columns> query;
  rows<Value, KvColumns> key;
  rows<Value, KvColumns> value;
  rows<Value, Columns> modulation;
};

namespace operation {

namespace attention_loops {

/// Before the normaliser's map: the sum of a head's columns of an edge's terms.
template <extent_t HeadWidth, class Value>
LACUNA_HD constexpr Value sum_of_terms(const Value* terms) {
  Value sum = 0;
  for (extent_t d = 0; d < HeadWidth; ++d) sum += terms[d];
  return sum;
}

}  // namespace attention_loops

/// terms(e) = scale q k modulation(e), by columns; mixed(t, h) = sum over edges of the weight of their sum, times v.
struct attend_edges {
  static constexpr auto name = fixed_string("attend_edges");
  template <class Mixed, class LogScale, class Inputs, class Rule>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Mixed&, const LogScale&, const Mixed&, const Inputs& in,
                                                         const Rule&) noexcept {
    return 3 * std::uint64_t{in.lists.count()} * Mixed::columns;
  }
};
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, class Rule>
LACUNA_HD constexpr auto kernel(attend_edges, rows<Value, Columns> mixed, rows<Value, Heads> log_scale,
                                rows<Value, Columns> terms, const edge_inputs<Value, Columns, KvColumns>& in,
                                const Rule& rule, const reference&) {
  using normaliser = typename Rule::normaliser;
  constexpr extent_t head_width = Columns / Heads, group = Columns / KvColumns;
  for (extent_t t = 0; t < mixed.count; ++t)
    for (extent_t h = 0; h < Heads; ++h) {
      const extent_t own = h * head_width, shared = h / group * head_width;
      const Value* q = in.query.row(t) + own;
      Value* out = mixed.row(t) + own;
      for (extent_t d = 0; d < head_width; ++d) out[d] = 0;
      row_statistic<normaliser, Value> row;
      for (std::uint32_t i = in.lists.begin[t]; i < in.lists.begin[t + 1]; ++i) {
        const Value* k = in.key.row(in.lists.keys[i]) + shared;
        const Value* bend = in.modulation.row(in.lists.edges[i]) + own;
        Value* term = terms.row(in.lists.edges[i]) + own;
        for (extent_t d = 0; d < head_width; ++d) term[d] = rule.scale * q[d] * k[d] * bend[d];
        row.add(normaliser::map(attention_loops::sum_of_terms<head_width>(term)));
      }
      const Value kept = row.kept();
      log_scale(t, h) = kept;
      // A row that sees no key: output 0, gradient 0.
      if (row.sum == Value(0)) continue;
      for (std::uint32_t i = in.lists.begin[t]; i < in.lists.begin[t + 1]; ++i) {
        const Value* v = in.value.row(in.lists.keys[i]) + shared;
        const Value score = attention_loops::sum_of_terms<head_width>(terms.row(in.lists.edges[i]) + own);
        const Value weight = maths::exp(normaliser::map(score) - kept);
        for (extent_t d = 0; d < head_width; ++d) out[d] += weight * v[d];
      }
    }
  return ran_on<reference>{};
}

/// Adjoints of `attend_edges`.
struct attend_edges_backward {
  static constexpr auto name = fixed_string("attend_edges_backward");
  template <class Adjoints, class Mixed, class LogScale, class Inputs, class Rule>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Adjoints&, const Mixed&, const LogScale&, const Mixed&,
                                                         const Inputs& in, const Rule&) noexcept {
    return 9 * std::uint64_t{in.lists.count()} * Mixed::columns;
  }
};
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, class Rule>
LACUNA_HD constexpr auto kernel(attend_edges_backward, const edge_adjoints<Value, Columns, KvColumns>& to,
                                rows<const Value, Columns> dmixed, rows<const Value, Heads> log_scale,
                                rows<const Value, Columns> terms, const edge_inputs<Value, Columns, KvColumns>& in,
                                const Rule& rule, const reference&) {
  using normaliser = typename Rule::normaliser;
  constexpr extent_t head_width = Columns / Heads, group = Columns / KvColumns;
  for (extent_t t = 0; t < dmixed.count; ++t)
    for (extent_t h = 0; h < Heads; ++h) {
      const extent_t own = h * head_width, shared = h / group * head_width;
      const Value kept = log_scale(t, h);
      const Value* dout = dmixed.row(t) + own;
      const auto each_edge = [&](auto&& use) {
        for (std::uint32_t i = in.lists.begin[t]; i < in.lists.begin[t + 1]; ++i) {
          const Value* v = in.value.row(in.lists.keys[i]) + shared;
          Value g = 0;
          for (extent_t d = 0; d < head_width; ++d) g += dout[d] * v[d];
          const Value score = attention_loops::sum_of_terms<head_width>(terms.row(in.lists.edges[i]) + own);
          use(i, score, maths::exp(normaliser::map(score) - kept), g);
        }
      };
      // The cancellation-free form of `attend_backward`.
      Value heaviest = -1, anchor = 0, sum = 0;
      if constexpr (has_null_key<normaliser>) heaviest = maths::exp(-kept);
      each_edge([&](std::uint32_t, Value, Value p, Value g) {
        if (p > heaviest) heaviest = p, anchor = g;
      });
      if constexpr (has_null_key<normaliser>) sum = -maths::exp(-kept) * anchor;
      each_edge([&](std::uint32_t, Value, Value p, Value g) { sum += p * (g - anchor); });
      const Value* q = in.query.row(t) + own;
      Value* dq = to.query.row(t) + own;
      each_edge([&](std::uint32_t i, Value score, Value p, Value g) {
        const Value ds = p * ((g - anchor) - sum) * normaliser::map_derivative(score) * rule.scale;
        const Value* k = in.key.row(in.lists.keys[i]) + shared;
        const Value* bend = in.modulation.row(in.lists.edges[i]) + own;
        Value* dk = to.key.row(in.lists.keys[i]) + shared;
        Value* dv = to.value.row(in.lists.keys[i]) + shared;
        Value* dbend = to.modulation.row(in.lists.edges[i]) + own;
        for (extent_t d = 0; d < head_width; ++d) {
          const Value bent = ds * bend[d];
          dq[d] += bent * k[d];
          dk[d] += bent * q[d];
          dbend[d] += ds * q[d] * k[d];
          dv[d] += p * dout[d];
        }
      });
    }
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// terms(e) = scale q k modulation(e) for each edge, by columns: `(edges, heads * head_width)`, in the order in which
/// edges were given; mixed(t, h) = weights of map(sum of a head's terms) over the row's edges, times v:
/// `(tokens, heads * head_width)`; log_scale `(tokens, heads)` receives the log of the denominator. For normalisers of
/// one pass. 3 edges heads head_width multiply-adds. A row without edges gives 0.
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, class Rule, class Backend>
LACUNA_HD constexpr auto attend_edges(rows<Value, Columns> mixed, rows<Value, Heads> log_scale,
                                      rows<Value, Columns> terms, const edge_inputs<Value, Columns, KvColumns>& in,
                                      const Rule& rule, const Backend& backend) {
  return run_kernel(operation::attend_edges{}, backend, mixed, log_scale, terms, in, rule);
}

/// Adjoints of `attend_edges` for that of mixed; all accumulate. Reads the terms that forward wrote. 9 edges heads
/// head_width multiply-adds: products with dmixed are formed three times in place of being stored.
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, class Rule, class Backend>
LACUNA_HD constexpr auto attend_edges_backward(const edge_adjoints<Value, Columns, KvColumns>& to,
                                               rows<Value, Columns> dmixed, rows<Value, Heads> log_scale,
                                               rows<Value, Columns> terms,
                                               const edge_inputs<Value, Columns, KvColumns>& in, const Rule& rule,
                                               const Backend& backend) {
  return run_kernel(operation::attend_edges_backward{}, backend, to, readable(dmixed), readable(log_scale),
                    readable(terms), in, rule);
}

}  // namespace op

LACUNA_END
