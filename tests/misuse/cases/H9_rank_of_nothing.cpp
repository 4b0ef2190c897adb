// sentence: lacuna::low_rank_weight: a weight of rank 0 has no factors (write low_rank_weight<N> with N > 0)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::low_rank_weight<2>;
#else
using chosen = lc::low_rank_weight<0>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
