// sentence: lacuna::edge_modulated: the route has no edges (use neighbours<N> with it, or a dot product with this route)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using listens = lc::attention<lc::heads<2>, lc::neighbours<64>, lc::edge_modulated<3>>;
#else
using listens = lc::attention<lc::heads<2>, lc::full, lc::edge_modulated<3>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::pre_norm<lc::rms_norm<>, listens>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
