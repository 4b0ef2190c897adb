// sentence: lacuna::sinusoidal: theta is not a number above 0 (write sinusoidal<theta{10000.f}> or leave it out)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using positions = lc::sinusoidal<lc::theta{100.f}>;
#else
using positions = lc::sinusoidal<lc::theta{-100.f}>;
#endif
static_assert(lc::parameter_count<lc::decoder<lc::vocabulary<8>, lc::width<8>, lc::context<64>, positions,
                                              lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>>>> >
              0);
