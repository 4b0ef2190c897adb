// sentence: lacuna::edge_modulated: the normaliser needs the whole row first (use clamped_softmax<>, softmax or softmax1 with it)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using listens = lc::attention<lc::heads<2>, lc::neighbours<64>, lc::edge_modulated<3>, lc::softmax1>;
#else
using listens = lc::attention<lc::heads<2>, lc::neighbours<64>, lc::edge_modulated<3>, lc::l2_gelu<>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::pre_norm<lc::rms_norm<>, listens>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
