// sentence: lacuna::skips_zeros: the activation does not map 0 to 0, so that no neuron is ever silent (choose one that preserves zero, such as relu)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mlp = lc::ffn<lc::hidden<8>, lc::relu, lc::skips_zeros>;
#else
using mlp = lc::ffn<lc::hidden<8>, lc::sigmoid, lc::skips_zeros>;
#endif
static_assert(lc::parameter_count<lc::decoder<lc::vocabulary<8>, lc::width<8>, lc::context<64>,
    lc::pre_norm<lc::rms_norm<>, mlp>>> > 0);
