// sentence: lacuna::adapted: the adapter keeps tokens from step to step (write an ffn<...> as adapter)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using adapter = lc::ffn<lc::hidden<2>, lc::gelu>;
#else
using adapter = lc::attention<lc::heads<2>, lc::causal>;
#endif
static_assert(lc::parameter_count<lc::decoder<lc::vocabulary<8>, lc::width<8>, lc::context<64>,
    lc::pre_norm<lc::rms_norm<>, lc::adapted<lc::ffn<lc::hidden<8>, lc::relu>, adapter>>>> > 0);
