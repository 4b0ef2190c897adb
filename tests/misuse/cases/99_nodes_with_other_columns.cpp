// sentence: lacuna::laplacian_position: nodes come with more or fewer numbers than it reads (assign node_positions<N> under laplacian_position<N>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
inline constexpr lc::extent_t given = 4;
#else
inline constexpr lc::extent_t given = 3;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::laplacian_position<4>,
                         lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::full>>>;

int main() {
  lc::model<tiny> model;
  lc::tensor<float, 2, given> positions;
  return model.try_assign(lc::node_positions<given>(positions.view())).ok() ? 0 : 1;
}
