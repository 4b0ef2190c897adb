// sentence: lacuna::tiled: the grid does not divide the outputs and the inputs of the weight (choose numbers of tiles that divide them)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::tiled<lc::grid<2, 1>, lc::dense>;
#else
using chosen = lc::tiled<lc::grid<3, 1>, lc::dense>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
