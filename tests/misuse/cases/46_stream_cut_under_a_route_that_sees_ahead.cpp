// sentence: lacuna::model: a route sees ahead or depends on the stream's length, so that a stream cannot be cut into chunks (take all of it at once with chunk<context>, or see the past only with both<causal, ...>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using whole = lc::decoder<lc::vocabulary<8>, lc::width<8>, lc::context<64>,
                          lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::full>>>;
#if defined(CORRECTED)
lc::model<whole, lc::chunk<64>> model;
#else
lc::model<whole> model;
#endif
