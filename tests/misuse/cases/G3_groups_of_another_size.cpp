// sentence: lacuna::n_m: the groups do not divide the inputs of the weight (choose a group that divides the width and the hidden width, or keep this projection dense)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::n_m<1, 4>;
#else
using chosen = lc::n_m<1, 3>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
