// sentence: lacuna::lookback: it is missing in a regressor (add lacuna::lookback<N>, the steps of a window)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using body = lc::repeat<2, lc::post_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, lc::full>>>;
#if defined(CORRECTED)
using tiny = lc::regressor<lc::variates<3>, lc::lookback<8>, lc::horizon<4>, lc::width<16>, body>;
#else
using tiny = lc::regressor<lc::variates<3>, lc::horizon<4>, lc::width<16>, body>;
#endif

int main() {
  lc::model<tiny> model;
  return model.ready() ? 0 : 1;
}
