// sentence: lacuna::rope: theta is not a number above 0 (write rope<theta{10000.f}> or leave it out)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
static_assert(lc::parameter_count<lc::decoder<lc::vocabulary<8>, lc::width<8>, lc::context<64>,
    lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::rope<lc::theta{100.f}>, lc::causal>>>> > 0);
#else
static_assert(lc::parameter_count<lc::decoder<lc::vocabulary<8>, lc::width<8>, lc::context<64>,
    lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::rope<lc::theta{0.f}>, lc::causal>>>> > 0);
#endif
