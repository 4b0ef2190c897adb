// sentence: lacuna::model: the window has other columns than the regressor has series, or other numbers than the model (give rows<const Model::value, N>, N = variates + covariates)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using body = lc::repeat<2, lc::post_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, lc::full>>>;
using tiny = lc::regressor<lc::variates<3>, lc::lookback<8>, lc::horizon<4>, lc::width<16>, body>;

int main() {
  lc::model<tiny> model;
#if defined(CORRECTED)
  lc::tensor<float, 8, 3> window;
#else
  lc::tensor<float, 8, 4> window;
#endif
  return model.try_predict(window.view()).ok() ? 0 : 1;
}
