// sentence: lacuna::laplacian_position: nodes have no position (choose laplacian_position<N> with N > 0)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using position = lc::laplacian_position<4>;
#else
using position = lc::laplacian_position<0>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, position,
                         lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::full>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
