#pragma once
/// The smallest model of llama2.c.

#include <lacuna/activation/sigmoid.hpp>
#include <lacuna/attention/attention.hpp>
#include <lacuna/attention/route/causal.hpp>
#include <lacuna/block/residual.hpp>
#include <lacuna/ffn/ffn.hpp>
#include <lacuna/model/decoder.hpp>
#include <lacuna/norm/rms_norm.hpp>
#include <lacuna/position/rope.hpp>

LACUNA_BEGIN

namespace zoo {

/// A Llama-family decoder of 260,032 parameters, trained on TinyStories (Eldan and Li 2023, arXiv 2305.07759) by the
/// author of llama2.c. Architecture: Touvron et al. (2023), arXiv 2302.13971. Run by examples/02_generate.
using stories260k = decoder<vocabulary<512>, width<64>, context<512>,
                            repeat<5, pre_norm<rms_norm<>,
                                               attention<heads<8>, kv_heads<4>, rope<>, causal>,
                                               ffn<hidden<172>, gated<silu>>>>,
                            tied_head>;

}  // namespace zoo

LACUNA_END
