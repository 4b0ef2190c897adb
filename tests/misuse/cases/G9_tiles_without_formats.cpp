// sentence: lacuna::tiled: there are not as many formats as tiles (write one format for all, or one for each tile, row by row)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::tiled<lc::grid<2, 1>, lc::dense, lc::n_m<2, 4>>;
#else
using chosen = lc::tiled<lc::grid<2, 2>, lc::dense, lc::dense>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
