// sentence: lacuna::predicted: its argument is no predictor (write predicted<rank<N>> or predicted<oracle>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mlp = lc::ffn<lc::hidden<8>, lc::relu, lc::predicted<lc::rank<2>>>;
#else
using mlp = lc::ffn<lc::hidden<8>, lc::relu, lc::predicted<lc::hidden<2>>>;
#endif
static_assert(lc::parameter_count<lc::decoder<lc::vocabulary<8>, lc::width<8>, lc::context<64>,
    lc::pre_norm<lc::rms_norm<>, mlp>>> > 0);
