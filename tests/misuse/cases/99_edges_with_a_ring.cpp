// sentence: lacuna::edge_modulated: a graph is taken at once, without a cache (leave the cache out)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using listens = lc::attention<lc::heads<2>, lc::neighbours<64>, lc::edge_modulated<3>>;
#else
using listens = lc::attention<lc::heads<2>, lc::neighbours<64>, lc::edge_modulated<3>, lc::ring_cache<8>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::pre_norm<lc::rms_norm<>, listens>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
