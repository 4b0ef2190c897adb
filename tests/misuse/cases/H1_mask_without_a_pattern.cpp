// sentence: lacuna::masked: its format has no pattern that a mask could have (write masked<csr<...>>, blocked, n_m or block_diagonal)
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;
#if defined(CORRECTED)
using chosen = lc::masked<lc::csr<lc::density{0.5}>>;
#else
using chosen = lc::masked<lc::low_rank_weight<4>>;
#endif
using recipe = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                           lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, chosen>>>;
lc::model<recipe> made;
