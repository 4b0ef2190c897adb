// sentence: lacuna::permuted: a weight whose order is data is ordered again, and both orders would be the tensor `order` of its path (write one of them: permuted<A, ordered>)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::permuted<lc::permuted<lc::n_m<2, 4>, lc::ordered>, lc::spread<2>>;
#else
using chosen = lc::permuted<lc::cached<lc::permuted<lc::n_m<2, 4>, lc::ordered>>, lc::ordered>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
