#pragma once
/// MASFormer's attention in its local layers.

#include <lacuna/attention/attention.hpp>
#include <lacuna/attention/route/both.hpp>
#include <lacuna/attention/route/causal.hpp>
#include <lacuna/attention/route/chunked.hpp>

LACUNA_BEGIN

namespace zoo {

/// A row sees what came before it in its own chunk, and the chunk before. A model has such layers beside a few with
/// `causal`: a `stack` of two `repeat`s. How long chunks are is left to you. Source: Zhang et al. (2023), arXiv
/// 2310.12442, section 3.1. Shown in docs/museum/attention.md.
template <extent_t Heads, extent_t Chunk, class... Others>
using masformer_attention = attention<heads<Heads>, both<causal, chunked<Chunk, chunks_before{1}>>, Others...>;

}  // namespace zoo

LACUNA_END
