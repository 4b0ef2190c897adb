// sentence: lacuna::per_projection: behind the first format come projections with theirs (write for_projection<projection_name::down, ...>)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::per_projection<lc::dense, lc::for_projection<lc::projection_name::down, lc::n_m<2, 4>>>;
#else
using chosen = lc::per_projection<lc::dense, lc::n_m<2, 4>>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
