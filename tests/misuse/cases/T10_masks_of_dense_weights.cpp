// sentence: lacuna::choose_masks: no weight of the model has a mask (give a projection the format masked<n_m<2, 4>, straight_through>)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::masked<lc::n_m<2, 4>, lc::straight_through>;
#else
using chosen = lc::n_m<2, 4>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
const bool fine = lc::try_choose_masks(made).ok();
