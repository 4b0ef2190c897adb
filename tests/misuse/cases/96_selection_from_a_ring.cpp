// sentence: lacuna::attention: a route that is decided by its keys needs them all (leave the cache out, or use a route with spans with this cache)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::top_k<3>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::top_k<3>, lc::ring_cache<8>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
