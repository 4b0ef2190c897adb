// sentence: lacuna::ffn: neurons can be left out of dense weights only (remove the format, or skips_zeros or predicted<...>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mlp = lc::ffn<lc::hidden<8>, lc::relu, lc::skips_zeros>;
#else
using mlp = lc::ffn<lc::hidden<8>, lc::relu, lc::skips_zeros, lc::thresholded>;
#endif
static_assert(lc::parameter_count<lc::decoder<lc::vocabulary<8>, lc::width<8>, lc::context<64>,
    lc::pre_norm<lc::rms_norm<>, mlp>>> > 0);
