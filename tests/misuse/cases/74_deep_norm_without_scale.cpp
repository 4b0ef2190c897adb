// sentence: lacuna::deep_norm: the weight of the stream is missing (add lacuna::residual_scale<deep_alpha::of_layers(N)> for N blocks)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using neurons = lc::ffn<lc::hidden<32>, lc::relu>;
#if defined(CORRECTED)
using body = lc::deep_norm<lc::layer_norm<>, lc::residual_scale<lc::deep_alpha::of_layers(1)>, neurons>;
#else
using body = lc::deep_norm<lc::layer_norm<>, neurons>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, body>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
