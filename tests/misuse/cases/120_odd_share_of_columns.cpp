// sentence: lacuna::rope: the share of columns that turn is not above 0 and up to 1, or an odd number of columns (choose one that gives an even number, such as rotary_share{0.25f} of 64)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using turning = lc::rope<lc::theta{}, lc::rotary_pairs::halves, lc::rotary_share{0.5f}>;
#else
using turning = lc::rope<lc::theta{}, lc::rotary_pairs::halves, lc::rotary_share{0.4f}>;
#endif
static_assert(lc::parameter_count<lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<64>,
    lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, turning, lc::causal>>>> > 0);
