// sentence: lacuna::neighbours: nodes of a graph have no distance that a position could bias scores by (leave the position out, or use laplacian_position in the decoder)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::neighbours<8>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::neighbours<8>, lc::alibi>;
#endif
static_assert(lc::parameter_count<lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                                              lc::pre_norm<lc::rms_norm<>, mixer>>> > 0);
