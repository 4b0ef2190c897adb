#pragma once
/// Attention with somewhere to look when there is nothing to see.

#include <lacuna/attention/attention.hpp>
#include <lacuna/attention/route/causal.hpp>
#include <lacuna/attention/source/learned_sinks.hpp>

LACUNA_BEGIN

namespace zoo {

/// Causal attention with learned sinks: Xiao et al. (2023), arXiv 2309.17453, section 3.3, who find that one is enough
/// when a model is trained with it. Shown in docs/museum/attention.md.
template <extent_t Heads, extent_t Sinks = 1, class... Policies>
using learned_sinks_attention = attention<heads<Heads>, causal, learned_sinks<Sinks>, Policies...>;

}  // namespace zoo

LACUNA_END
