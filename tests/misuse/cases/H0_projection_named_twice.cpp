// sentence: lacuna::per_projection: a projection is named twice (write one lacuna::for_projection<...> for each projection)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::per_projection<lc::dense, lc::for_projection<lc::projection_name::up, lc::n_m<2, 4>>,
                                  lc::for_projection<lc::projection_name::down, lc::n_m<1, 4>>>;
#else
using chosen = lc::per_projection<lc::dense, lc::for_projection<lc::projection_name::up, lc::n_m<2, 4>>,
                                  lc::for_projection<lc::projection_name::up, lc::n_m<1, 4>>>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
