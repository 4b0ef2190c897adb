// sentence: lacuna::gated: its argument is gated already (write gated<silu> with a plain activation)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using gate = lc::gated<lc::silu>;
#else
using gate = lc::gated<lc::gated<lc::silu>>;
#endif
static_assert(lc::parameter_count<lc::decoder<lc::vocabulary<8>, lc::width<8>, lc::context<64>,
    lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<8>, gate>>>> > 0);
