// sentence: lacuna::decaying: what decays says where its gradient goes, once (write decaying<straight_through>, decaying<sr_ste<>> or decaying<>)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::masked<lc::n_m<2, 4>, lc::decaying<>>;
#else
using chosen = lc::masked<lc::n_m<2, 4>, lc::decaying<lc::decaying<>>>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
