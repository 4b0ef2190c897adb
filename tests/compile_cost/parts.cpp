// The headers of what one recipe names, in the place of all.
#include <lacuna/activation/sigmoid.hpp>
#include <lacuna/attention/attention.hpp>
#include <lacuna/block/pre_norm.hpp>
#include <lacuna/block/repeat.hpp>
#include <lacuna/ffn/ffn.hpp>
#include <lacuna/model/decoder.hpp>
#include <lacuna/model/model.hpp>
#include <lacuna/norm/rms_norm.hpp>
#include <lacuna/position/rope.hpp>

namespace lc = lacuna;

using recipe = lc::decoder<lc::vocabulary<512>, lc::width<64>, lc::context<512>,
    lc::repeat<5, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<8>, lc::kv_heads<4>, lc::rope<>, lc::causal>,
        lc::ffn<lc::hidden<172>, lc::gated<lc::silu>>>>>;

#if WITH_MODEL
bool run(lc::model<recipe>& model, lc::token_view tokens) { return model.try_forward(tokens).ok(); }
#endif
