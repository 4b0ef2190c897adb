// sentence: lacuna::adapted: the sublayer has an adapter already (wrap the adapter in place of the sublayer: adapted<attention<...>, adapted<ffn<...>, ffn<...>>>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using inner = lc::ffn<lc::hidden<8>, lc::relu>;
using adapter = lc::ffn<lc::hidden<2>, lc::gelu>;
#if defined(CORRECTED)
using sublayer = lc::adapted<inner, lc::adapted<adapter, adapter>>;
#else
using sublayer = lc::adapted<lc::adapted<inner, adapter>, adapter>;
#endif
static_assert(lc::parameter_count<lc::decoder<lc::vocabulary<8>, lc::width<8>, lc::context<64>,
    lc::pre_norm<lc::rms_norm<>, sublayer>>> > 0);
