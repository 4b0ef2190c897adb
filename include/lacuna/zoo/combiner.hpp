#pragma once
/// Attention to the whole past at the cost of a sparse one: what is far is seen in spans.

#include <lacuna/attention/attention.hpp>
#include <lacuna/attention/source/summarised.hpp>

LACUNA_BEGIN

namespace zoo {

/// Combiner-Fixed: Ren et al. (2021), arXiv 2107.05768, section 4. Segments of the root of the context cost least, so
/// that the length has no default. Shown in docs/museum/attention.md.
template <extent_t Heads, extent_t Length, class... Policies>
using combiner_fixed_attention = attention<heads<Heads>, causal, summarised<segments<Length>>, Policies...>;

/// Combiner-Logsparse, of the same section: at most 1 + log2(context) keys per row.
template <extent_t Heads, class... Policies>
using combiner_logsparse_attention = attention<heads<Heads>, causal, summarised<doubling_blocks>, Policies...>;

}  // namespace zoo

LACUNA_END
