#pragma once
/// Attention along the edges of a graph by Eigen, f32 and f64.

#include <lacuna/backend/eigen/lanes.hpp>
#include <lacuna/backend/lanes/attend_edges.hpp>

LACUNA_BEGIN

namespace operation {

/// mixed = attention along edges, for normalisers of one pass: see `op::attend_edges`.
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, class Rule>
  requires(std::is_floating_point_v<Value> && Rule::kind == normalisation::one_pass)
auto kernel(attend_edges, rows<Value, Columns> mixed, rows<Value, Heads> log_scale, rows<Value, Columns> terms,
            const edge_inputs<Value, Columns, KvColumns>& in, const Rule& rule, const eigen&) {
  by_lanes::edge_executor<eigen_lanes::lanes<Value>, Heads, Columns, KvColumns, Rule>::attend(mixed, log_scale, terms,
                                                                                              in, rule);
  return ran_on<eigen>{};
}

/// Adjoints of queries, keys, values and modulations: see `op::attend_edges_backward`.
template <class Value, extent_t Heads, extent_t Columns, extent_t KvColumns, class Rule>
  requires(std::is_floating_point_v<Value> && Rule::kind == normalisation::one_pass)
auto kernel(attend_edges_backward, const edge_adjoints<Value, Columns, KvColumns>& to,
            rows<const Value, Columns> dmixed, rows<const Value, Heads> log_scale, rows<const Value, Columns> terms,
            const edge_inputs<Value, Columns, KvColumns>& in, const Rule& rule, const eigen&) {
  by_lanes::edge_executor<eigen_lanes::lanes<Value>, Heads, Columns, KvColumns, Rule>::attend_backward(
      to, dmixed, log_scale, terms, in, rule);
  return ran_on<eigen>{};
}

}  // namespace operation

LACUNA_END
