// sentence: lacuna::permuted: the order stands before the weight (write permuted<weight, order>)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::permuted<lc::dense, lc::ordered>;
#else
using chosen = lc::permuted<lc::ordered, lc::dense>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
