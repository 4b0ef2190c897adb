// sentence: lacuna::difference: the cache forgets keys that the route shows, or features cover what is ahead (use linear_cache, or a ring of the window's width with features that cover causal)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::window<4>>, lc::ring_cache<4>, lc::difference<lc::favor<8>>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::window<4>>, lc::ring_cache<3>, lc::difference<lc::favor<8>>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
