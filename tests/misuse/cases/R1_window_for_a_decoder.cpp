// sentence: lacuna::model: a decoder or encoder reads tokens, and no windows of numbers (call try_forward, or give the model a regressor<...>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using body = lc::repeat<2, lc::post_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, lc::full>>>;
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, body>;

int main() {
  lc::model<tiny, lc::chunk<16>> model;
#if defined(CORRECTED)
  const std::uint32_t tokens[]{1, 2};
  return model.try_forward({tokens, 2}).ok() ? 0 : 1;
#else
  lc::tensor<float, 8, 3> window;
  return model.try_predict(window.view()).ok() ? 0 : 1;
#endif
}
