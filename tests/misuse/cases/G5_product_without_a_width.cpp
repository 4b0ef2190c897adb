// sentence: lacuna::product: the third argument is no width (write inner<N>, inner_share<density{s}>, or leave it out)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::product<lc::dense, lc::dense, lc::inner<4>>;
#else
using chosen = lc::product<lc::dense, lc::dense, lc::dense>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
