// sentence: lacuna::ring_cache: the route sees keys that the ring has overwritten, or ahead (give the ring the window's width, pin leading keys with pinned{N}, or use linear_cache)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::window<16>>, lc::ring_cache<16>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::window<16>>, lc::ring_cache<15>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<100>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
