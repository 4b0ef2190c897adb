// sentence: lacuna::served: expected a model (write served<model<recipe, simd>>; of a trainer, name the model that it teaches)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>>>;
#if defined(CORRECTED)
static_assert(lc::served<lc::model<tiny>>.fall_backs == 0);
#else
static_assert(lc::served<tiny>.fall_backs == 0);
#endif

int main() { return 0; }
