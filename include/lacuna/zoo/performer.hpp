#pragma once
/// The Performer's attention.

#include <lacuna/attention/attention.hpp>
#include <lacuna/attention/route/full.hpp>
#include <lacuna/attention/score/favor.hpp>

LACUNA_BEGIN

namespace zoo {

/// Attention through positive random features, of linear cost: 256 of them per head, as in the released code; `causal`
/// in the place of `full` for decoders. Others: `rope<>`, `kv_heads<N>` and so on.
/// Source: Choromanski et al. (2020), arXiv 2009.14794. Shown in docs/museum/attention.md.
template <extent_t Heads, class Route = full, class Features = favor<256>, class... Others>
using performer_attention = attention<heads<Heads>, Route, Features, Others...>;

}  // namespace zoo

LACUNA_END
