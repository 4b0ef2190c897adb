// sentence: lacuna::density: it is not a share of the entries (write density{s} with s above 0 and at most 1)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::csr<lc::density{0.15}>;
#else
using chosen = lc::csr<lc::density{1.5}>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
