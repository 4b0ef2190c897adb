// sentence: lacuna::model: this model keeps one stream (give every attention paged_cache<positions, streams{N}>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::paged_cache<256, lc::streams{4}>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::causal>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<100>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  return model.try_select(1).ok() ? 0 : 1;
}
