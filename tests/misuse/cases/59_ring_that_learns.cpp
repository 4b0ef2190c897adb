// sentence: lacuna::ring_cache: a ring overwrites what backward reads (train with linear_cache and substitute the ring afterwards: the parameters are the same)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::window<16>>, lc::linear_cache>;
#else
using mixer = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::window<16>>, lc::ring_cache<16>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<100>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny, lc::training> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
