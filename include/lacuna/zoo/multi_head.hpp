#pragma once
/// The Transformer's attention, and its thrifty relatives.

#include <lacuna/attention/attention.hpp>
#include <lacuna/attention/route/causal.hpp>
#include <lacuna/attention/route/full.hpp>

LACUNA_BEGIN

namespace zoo {

/// Multi-head attention: 8 heads in the base model, 16 in the big one; `causal` in the place of `full` for decoders.
/// Source: Vaswani et al. (2017), arXiv 1706.03762, section 3.2. Shown in docs/museum/attention.md.
template <extent_t Heads = 8, class Route = full, class... Others>
using multi_head_attention = attention<heads<Heads>, Route, Others...>;

/// Groups of heads share keys and values, so that a stream keeps fewer of them: 8 groups as published, 1 is multi-query
/// attention (Shazeer 2019, arXiv 1911.02150).
/// Source: Ainslie et al. (2023), arXiv 2305.13245. Shown in docs/museum/attention.md.
template <extent_t Heads, extent_t KvHeads = 8, class Route = causal, class... Others>
using grouped_query_attention = attention<heads<Heads>, kv_heads<KvHeads>, Route, Others...>;

}  // namespace zoo

LACUNA_END
