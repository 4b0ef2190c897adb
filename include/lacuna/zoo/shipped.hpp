#pragma once
/// The model that comes with the library.

#include <lacuna/activation/relu.hpp>
#include <lacuna/attention/attention.hpp>
#include <lacuna/attention/route/causal.hpp>
#include <lacuna/block/residual.hpp>
#include <lacuna/ffn/ffn.hpp>
#include <lacuna/model/decoder.hpp>
#include <lacuna/norm/rms_norm.hpp>
#include <lacuna/position/rope.hpp>

LACUNA_BEGIN

namespace zoo {

/// A character-level decoder over 65 characters, trained on tinyshakespeare: 730,368 parameters, examples/models/.
/// Its ReLU is on purpose: most of its neurons are silent, and `02_generate` shows how many.
/// Run by examples/02_generate; trained by examples/08_train_text.
using shipped = decoder<vocabulary<65>, width<128>, context<256>,
                        repeat<4, pre_norm<rms_norm<>,
                                           attention<heads<4>, kv_heads<2>, rope<>, causal>,
                                           ffn<hidden<512>, relu>>>,
                        tied_head>;

}  // namespace zoo

LACUNA_END
