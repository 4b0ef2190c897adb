#pragma once
/// Attention over block plans, and the cache, by Eigen, f32 and f64.

#include <lacuna/backend/eigen/lanes.hpp>
#include <lacuna/backend/lanes/append.hpp>
#include <lacuna/backend/lanes/attend_backward.hpp>

LACUNA_BEGIN

namespace operation {

/// mixed = attention over the plan: see `op::attend`.
template <class Value, extent_t Heads, extent_t Columns, class Element, extent_t KvHeads, extent_t HeadWidth,
          class Address, class Rule>
  requires(std::is_floating_point_v<Value>)
auto kernel(attend, rows<Value, Columns> mixed, rows<Value, Heads> log_scale, rows<const Value, Columns> query,
            const cache_view<const Element, KvHeads, HeadWidth, Address>& cache, const block_plan_view& plan,
            const Rule& rule, const eigen&) {
  using work = by_lanes::attention_executor<eigen_lanes::lanes<Value>, Heads,
                                            cache_view<const Element, KvHeads, HeadWidth, Address>, Rule>;
  const typename work::arguments arguments{mixed, log_scale, query, cache, plan, rule};
  work::attend_all(arguments, in_turn{});
  return ran_on<eigen>{};
}

/// Adjoints of queries, keys and values: see `op::attend_backward`.
template <class Value, extent_t Heads, extent_t Columns, class Element, extent_t KvHeads, extent_t HeadWidth,
          class Address, class Rule>
  requires(std::is_floating_point_v<Value>)
auto kernel(attend_backward, rows<Value, Columns> dquery, const cache_view<Value, KvHeads, HeadWidth, Address>& dcache,
            rows<const Value, Columns> dmixed, rows<const Value, Heads> log_scale, rows<const Value, Columns> query,
            const cache_view<const Element, KvHeads, HeadWidth, Address>& cache, const block_plan_view& plan,
            const Rule& rule, const eigen&) {
  using work = by_lanes::attention_backward_executor<eigen_lanes::lanes<Value>, Heads,
                                                     cache_view<const Element, KvHeads, HeadWidth, Address>,
                                                     cache_view<Value, KvHeads, HeadWidth, Address>, Rule>;
  const typename work::arguments arguments{dquery, dcache, dmixed, log_scale, query, cache, plan, rule};
  work::differentiate_all(arguments, in_turn{});
  return ran_on<eigen>{};
}

/// Keys and values into the cache: see `op::append`.
template <class Value, extent_t Columns, extent_t KvHeads, extent_t HeadWidth, class Address>
  requires(std::is_floating_point_v<Value>)
auto kernel(append, const cache_view<Value, KvHeads, HeadWidth, Address>& cache, rows<const Value, Columns> key,
            rows<const Value, Columns> value, extent_t first, const eigen&) {
  by_lanes::append<eigen_lanes::lanes<Value>>(cache, key, value, first);
  return ran_on<eigen>{};
}

/// Their adjoints out of the cache's: see `op::append_backward`.
template <class Value, extent_t Columns, extent_t KvHeads, extent_t HeadWidth, class Address>
  requires(std::is_floating_point_v<Value>)
auto kernel(append_backward, const cache_view<const Value, KvHeads, HeadWidth, Address>& dcache,
            rows<Value, Columns> dkey, rows<Value, Columns> dvalue, extent_t first, const eigen&) {
  by_lanes::append_backward<eigen_lanes::lanes<Value>>(dcache, dkey, dvalue, first);
  return ran_on<eigen>{};
}

}  // namespace operation

LACUNA_END
