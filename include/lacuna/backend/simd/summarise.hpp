#pragma once
/// Summaries of spans, on SIMD lanes.

#include <lacuna/backend/lanes/summarise.hpp>
#include <lacuna/backend/lanes/summarise_backward.hpp>
#include <lacuna/backend/simd/lanes.hpp>

LACUNA_BEGIN

namespace operation {

/// Atoms of the spans that end, f32: see `op::summarise`.
template <extent_t Columns, extent_t Heads, extent_t HeadWidth, class Address, class Partition, extent_t Context>
auto kernel(summarise, const cache_view<float, Heads, HeadWidth, Address>& cache, rows<float, Columns> largest,
            rows<const float, Columns> query, extent_t first, const summary_rule<Partition, Context, float>& rule,
            const simd&) {
  summary_loops::write_atoms(cache, largest, query, first, rule, by_lanes::summary_writer<simd_lanes::lanes>{});
  return ran_on<simd>{};
}

/// Their adjoints, f32: see `op::summarise_backward`.
template <class Element, extent_t Columns, extent_t Heads, extent_t HeadWidth, class Address, class Partition,
          extent_t Context>
auto kernel(summarise_backward, const cache_view<float, Heads, HeadWidth, Address>& dcache, rows<float, Columns> dquery,
            const cache_view<const Element, Heads, HeadWidth, Address>& cache, rows<const float, Columns> query,
            const summary_rule<Partition, Context, float>& rule, const simd&) {
  by_lanes::summarise_backward<simd_lanes::lanes>(dcache, dquery, cache, query, rule);
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
