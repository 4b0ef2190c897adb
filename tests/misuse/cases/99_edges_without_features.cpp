// sentence: lacuna::edge_modulated: the graph has no numbers for its edges, or not as many as the score reads (assign a graph<N> under edge_modulated<N>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::neighbours<64>, lc::edge_modulated<3>>>>;

int main() {
  lc::model<tiny> model;
  const lc::edge edges[]{{0, 1}, {1, 0}};
#if defined(CORRECTED)
  const float features[]{1, 0, 0, 0, 0, 1};
  return model.try_assign(lc::graph<3>{2, edges, 2, features}).ok() ? 0 : 1;
#else
  return model.try_assign(lc::graph<>{2, edges, 2}).ok() ? 0 : 1;
#endif
}
