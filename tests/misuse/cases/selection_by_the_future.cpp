// sentence: lacuna::decoder: later tokens decide what a row sees of earlier ones, so that losses rest on what is to be predicted (use k_means, top_k or a route with spans, or add allow_selection_leak)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::top_k<4>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::lsh<>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny, lc::chunk<16>> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
