// sentence: lacuna::model: a regressor reads windows of numbers, and no tokens (call try_predict, or give the model a decoder<...>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using body = lc::repeat<2, lc::post_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, lc::full>>>;
using tiny = lc::regressor<lc::variates<3>, lc::lookback<8>, lc::horizon<4>, lc::width<16>, body>;

int main() {
  lc::model<tiny> model;
#if defined(CORRECTED)
  lc::tensor<float, 8, 3> window;
  return model.try_predict(window.view()).ok() ? 0 : 1;
#else
  const std::uint32_t tokens[]{1, 2};
  return model.try_forward({tokens, 2}).ok() ? 0 : 1;
#endif
}
