// sentence: lacuna::branches: the mean of branches has a cache that overwrites keys, or pages while a branch keeps a state of its own (use linear_cache, or dot products over routes with spans in all branches)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::branches<lc::both<lc::causal, lc::window<3>>, lc::both<lc::causal, lc::window<3>>>, lc::ring_cache<3>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::branches<lc::both<lc::causal, lc::window<3>>, lc::both<lc::causal, lc::window<3>>>, lc::ring_cache<3>, lc::mean_outputs>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny, lc::chunk<16>> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
