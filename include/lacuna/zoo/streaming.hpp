#pragma once
/// Attention over streams without an end.

#include <lacuna/attention/attention.hpp>
#include <lacuna/attention/cache/ring.hpp>
#include <lacuna/attention/route/both.hpp>
#include <lacuna/attention/route/causal.hpp>
#include <lacuna/attention/route/columns.hpp>
#include <lacuna/attention/route/either.hpp>
#include <lacuna/attention/route/window.hpp>

LACUNA_BEGIN

namespace zoo {

/// The last `Window` tokens and the first `Sinks`, in a cache that holds no more: 4 sinks as published, 512 recent
/// tokens as in the released code. Positions are those of the text; a ring with `ring_positions::of_the_cache` counts
/// as the release does. A ring cannot learn: `substitute` it by `linear_cache` for that. Source: Xiao et al. (2023),
/// StreamingLLM, arXiv 2309.17453, section 3.2. Shown in docs/museum/attention.md.
template <extent_t Heads, extent_t Window = 512, extent_t Sinks = 4, class... Others>
using streaming_attention = attention<heads<Heads>, both<causal, either<columns<leading<Sinks>>, window<Window>>>,
                                      ring_cache<Window, pinned{Sinks}>, Others...>;

}  // namespace zoo

LACUNA_END
