// sentence: lacuna::blocked: a block without entries (write blocked<outputs, inputs, density{s}> with numbers above 0)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::blocked<4, 1, lc::density{0.5}>;
#else
using chosen = lc::blocked<0, 1, lc::density{0.5}>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
