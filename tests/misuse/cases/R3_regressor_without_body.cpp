// sentence: lacuna::regressor: the body is missing (add a block, such as lacuna::repeat<N, post_norm<...>>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using body = lc::repeat<2, lc::post_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, lc::full>>>;
#if defined(CORRECTED)
using tiny = lc::regressor<lc::variates<3>, lc::lookback<8>, lc::horizon<4>, lc::width<16>, body>;
#else
using tiny = lc::regressor<lc::variates<3>, lc::lookback<8>, lc::horizon<4>, lc::width<16>>;
#endif

int main() {
  lc::model<tiny> model;
  lc::tensor<float, 8, 3> window;
  return model.try_predict(window.view()).ok() ? 0 : 1;
}
