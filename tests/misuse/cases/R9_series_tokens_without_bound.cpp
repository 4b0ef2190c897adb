// sentence: lacuna::series_tokens: the policy has no bound<Series, Lookback, Width> (see lacuna::inverted_tokens for what one offers)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using body = lc::repeat<2, lc::post_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, lc::full>>>;
#if defined(CORRECTED)
struct mine : lc::inverted_tokens<> {};
#else
struct mine {
  using slot = lc::slots::series_tokens;
};
#endif

using tiny = lc::regressor<lc::variates<3>, lc::lookback<8>, lc::horizon<4>, lc::width<16>, mine, body>;

int main() {
  lc::model<tiny> model;
  lc::tensor<float, 8, 3> window;
  return model.try_predict(window.view()).ok() ? 0 : 1;
}
