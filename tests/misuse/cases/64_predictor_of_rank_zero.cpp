// sentence: lacuna::predicted: the predictor has rank 0 (choose rank<N>, often an eighth of the width)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mlp = lc::ffn<lc::hidden<8>, lc::relu, lc::predicted<lc::rank<1>>>;
#else
using mlp = lc::ffn<lc::hidden<8>, lc::relu, lc::predicted<lc::rank<0>>>;
#endif
static_assert(lc::parameter_count<lc::decoder<lc::vocabulary<8>, lc::width<8>, lc::context<64>,
    lc::pre_norm<lc::rms_norm<>, mlp>>> > 0);
