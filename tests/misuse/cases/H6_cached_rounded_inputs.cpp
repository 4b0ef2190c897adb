// sentence: lacuna::cached: its format is no linear map, which could be multiplied out (use it by itself)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::cached<lc::quantized<8>>;
#else
using chosen = lc::cached<lc::quantized<8, lc::activations<8>>>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
