// sentence: lacuna::n_m: N of M entries cannot be stored (write n_m<N, M> with 0 < N <= M <= 256, and outputs that share a pattern above 0)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::n_m<2, 4>;
#else
using chosen = lc::n_m<5, 4>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
