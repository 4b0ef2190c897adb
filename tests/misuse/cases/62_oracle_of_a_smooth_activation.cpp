// sentence: lacuna::predicted: the oracle knows which neurons relu silences, and the activation is another one (choose relu, squared_relu or one of them gated, or predicted<rank<N>>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mlp = lc::ffn<lc::hidden<8>, lc::gated<lc::relu>, lc::predicted<lc::oracle>>;
#else
using mlp = lc::ffn<lc::hidden<8>, lc::gated<lc::silu>, lc::predicted<lc::oracle>>;
#endif
static_assert(lc::parameter_count<lc::decoder<lc::vocabulary<8>, lc::width<8>, lc::context<64>,
    lc::pre_norm<lc::rms_norm<>, mlp>>> > 0);
