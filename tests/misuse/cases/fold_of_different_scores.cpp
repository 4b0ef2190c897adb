// sentence: lacuna::fold: the branches add up to no sum of one score over routes with spans, nor to features and their difference (give all the same dot product, or merge them by mean_outputs)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::branches<lc::both<lc::causal, lc::window<3>>, lc::branch<lc::causal, lc::favor<8>>>, lc::mean_outputs>;
#else
using mixer = lc::attention<lc::heads<2>, lc::branches<lc::both<lc::causal, lc::window<3>>, lc::branch<lc::causal, lc::favor<8>>>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny, lc::chunk<16>> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
