// sentence: lacuna::block_diagonal: the blocks do not divide the outputs and the inputs of the weight (choose a number that divides both)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::block_diagonal<4>;
#else
using chosen = lc::block_diagonal<3>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
