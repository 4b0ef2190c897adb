// sentence: lacuna::edge_modulated: nodes of a graph have no distance to add a bias for (leave the position out, or use a dot product with it)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using listens = lc::attention<lc::heads<2>, lc::neighbours<64>, lc::edge_modulated<3>>;
#else
using listens = lc::attention<lc::heads<2>, lc::neighbours<64>, lc::edge_modulated<3>, lc::alibi>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::pre_norm<lc::rms_norm<>, listens>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
