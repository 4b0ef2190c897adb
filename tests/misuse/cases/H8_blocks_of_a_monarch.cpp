// sentence: lacuna::block_shuffle: the blocks of a block_shuffle or monarch weight do not divide its outputs, its inputs and the width between its factors (choose a number that divides all three, or another inner width)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::monarch<4>;
#else
using chosen = lc::monarch<3>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
