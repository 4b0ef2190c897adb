#pragma once
/// TokenFormer: every map is attention to parameters.

#include <lacuna/attention/attention.hpp>
#include <lacuna/attention/route/causal.hpp>
#include <lacuna/block/residual.hpp>
#include <lacuna/ffn/pattention.hpp>
#include <lacuna/format/parameter_tokens.hpp>
#include <lacuna/norm/plain_layer_norm.hpp>
#include <lacuna/position/rope.hpp>

LACUNA_BEGIN

namespace zoo {

/// Rotations of a quarter of each head's columns.
using quarter_rope = rope<theta{}, rotary_pairs::halves, rotary_share{0.25f}>;

/// TokenFormer's attention: queries, keys, values and output by as many parameter tokens as the stream has columns.
/// A grown one gives its tokens: `tokenformer_attention<4, rope<>, parameter_tokens<96, tau_of(64)>>`.
/// Source: Wang et al. (2024), arXiv 2410.23168, section 3.2; docs/museum/attention.md. The release rotates a quarter
/// of each head's columns, in halves.
template <extent_t Heads, class Position = quarter_rope, class Map = parameter_tokens<>>
using tokenformer_attention = attention<heads<Heads>, Position, causal, Map>;

/// TokenFormer's block: that attention, and one map of 4 width tokens as its feed-forward, behind norms without gain
/// and shift; the decoder's last norm has both in the release: give the decoder `layer_norm<>`.
template <extent_t Heads, class Position = quarter_rope, class Map = parameter_tokens<>,
          class FeedForward = pattention<>>
using tokenformer_block = pre_norm<plain_layer_norm<>, tokenformer_attention<Heads, Position, Map>, FeedForward>;

}  // namespace zoo

LACUNA_END
