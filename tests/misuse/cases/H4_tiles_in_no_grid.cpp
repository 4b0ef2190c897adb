// sentence: lacuna::tiled: the first argument is no grid (write grid<rows, columns> with numbers above 0)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::tiled<lc::grid<2, 2>, lc::dense>;
#else
using chosen = lc::tiled<lc::dense, lc::dense>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
