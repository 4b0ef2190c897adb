// sentence: lacuna::permuted: the stride does not divide the outputs of the weight (choose a number of blocks that divides them)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::permuted<lc::dense, lc::gathered<4>>;
#else
using chosen = lc::permuted<lc::dense, lc::gathered<3>>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
