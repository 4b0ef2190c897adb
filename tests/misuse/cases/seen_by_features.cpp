// sentence: lacuna::mean_seen_outputs: a branch has no block plan that tells whether a row sees something there (use dot products over routes with spans, or mean_outputs)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::branches<lc::causal, lc::top_k<3>>, lc::mean_outputs>;
#else
using mixer = lc::attention<lc::heads<2>, lc::branches<lc::causal, lc::top_k<3>>, lc::mean_seen_outputs>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny, lc::chunk<16>> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
