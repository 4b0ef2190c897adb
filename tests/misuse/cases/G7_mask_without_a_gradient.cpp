// sentence: lacuna::masked: the second argument says nothing about gradients (write straight_through or sr_ste<>, or leave it out)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::masked<lc::n_m<2, 4>, lc::straight_through>;
#else
using chosen = lc::masked<lc::n_m<2, 4>, lc::dense>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
