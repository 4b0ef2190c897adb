// sentence: lacuna::generate: an encoder or regressor makes no logits to draw tokens from (call try_encode or try_predict)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using body = lc::repeat<2, lc::post_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, lc::full>>>;
using tiny = lc::regressor<lc::variates<3>, lc::lookback<8>, lc::horizon<4>, lc::width<16>, body>;
using other = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, body>;

int main() {
#if defined(CORRECTED)
  lc::model<other, lc::chunk<16>> model;
#else
  lc::model<tiny> model;
#endif
  const std::uint32_t prompt[]{1, 2};
  std::uint32_t last = 0;
  for (auto token : lc::generate(model, lc::token_view{prompt, 2}, {.tokens = 4})) last = token;
  return last == 0 ? 0 : 1;
}
