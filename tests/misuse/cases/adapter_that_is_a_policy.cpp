// sentence: lacuna::adapted: it holds a sublayer and an adapter (write adapted<attention<...>, ffn<hidden<8>, gelu, bias>> inside a block)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using sublayer = lc::adapted<lc::ffn<lc::hidden<8>, lc::relu>, lc::ffn<lc::hidden<2>, lc::gelu>>;
#else
using sublayer = lc::adapted<lc::ffn<lc::hidden<8>, lc::relu>, lc::hidden<2>>;
#endif
static_assert(lc::parameter_count<lc::decoder<lc::vocabulary<8>, lc::width<8>, lc::context<64>,
    lc::pre_norm<lc::rms_norm<>, sublayer>>> > 0);
