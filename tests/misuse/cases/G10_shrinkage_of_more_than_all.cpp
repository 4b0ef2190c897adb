// sentence: lacuna::sr_ste: its shrinkage is no share of a weight (write sr_ste<shrinkage{s}> with s from 0 on and below 1)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::masked<lc::n_m<2, 4>, lc::sr_ste<lc::shrinkage{2e-4}>>;
#else
using chosen = lc::masked<lc::n_m<2, 4>, lc::sr_ste<lc::shrinkage{2}>>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
