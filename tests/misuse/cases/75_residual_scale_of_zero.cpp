// sentence: lacuna::residual_scale: alpha is not a number above 0 (write residual_scale<deep_alpha::of_layers(N)>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using neurons = lc::ffn<lc::hidden<32>, lc::relu>;
#if defined(CORRECTED)
using body = lc::deep_norm<lc::layer_norm<>, lc::residual_scale<lc::deep_alpha{2.f}>, neurons>;
#else
using body = lc::deep_norm<lc::layer_norm<>, lc::residual_scale<lc::deep_alpha{0.f}>, neurons>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, body>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
