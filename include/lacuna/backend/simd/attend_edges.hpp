#pragma once
/// Attention along the edges of a graph on SIMD lanes.

#include <lacuna/backend/lanes/attend_edges.hpp>
#include <lacuna/backend/simd/lanes.hpp>

LACUNA_BEGIN

namespace operation {

/// mixed = attention along edges, for normalisers of one pass, f32: see `op::attend_edges`.
template <extent_t Heads, extent_t Columns, extent_t KvColumns, class Rule>
  requires(Rule::kind == normalisation::one_pass)
auto kernel(attend_edges, rows<float, Columns> mixed, rows<float, Heads> log_scale, rows<float, Columns> terms,
            const edge_inputs<float, Columns, KvColumns>& in, const Rule& rule, const simd&) {
  by_lanes::edge_executor<simd_lanes::lanes, Heads, Columns, KvColumns, Rule>::attend(mixed, log_scale, terms, in,
                                                                                      rule);
  return ran_on<simd>{};
}

/// Adjoints of queries, keys, values and modulations, f32: see `op::attend_edges_backward`.
template <extent_t Heads, extent_t Columns, extent_t KvColumns, class Rule>
  requires(Rule::kind == normalisation::one_pass)
auto kernel(attend_edges_backward, const edge_adjoints<float, Columns, KvColumns>& to,
            rows<const float, Columns> dmixed, rows<const float, Heads> log_scale, rows<const float, Columns> terms,
            const edge_inputs<float, Columns, KvColumns>& in, const Rule& rule, const simd&) {
  by_lanes::edge_executor<simd_lanes::lanes, Heads, Columns, KvColumns, Rule>::attend_backward(to, dmixed, log_scale,
                                                                                               terms, in, rule);
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
