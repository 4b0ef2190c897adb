// sentence: lacuna::decay_masks: no mask of the model comes slowly (give a projection the format masked<n_m<2, 4>, decaying<>>)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::masked<lc::n_m<2, 4>, lc::decaying<lc::straight_through>>;
#else
using chosen = lc::masked<lc::n_m<2, 4>, lc::straight_through>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
const bool fine = lc::try_decay_masks(made, 0.5).ok();
