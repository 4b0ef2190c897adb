// sentence: lacuna::encoder: a size is 0 (give vocabulary, width and context at least 1)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using body = lc::repeat<2, lc::post_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, lc::full>>>;
#if defined(CORRECTED)
using tiny = lc::encoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, body>;
#else
using tiny = lc::encoder<lc::vocabulary<32>, lc::width<16>, lc::context<0>, body>;
#endif

int main() {
  lc::model<tiny> model;
  const std::uint32_t tokens[]{1, 2};
  return model.try_encode({tokens, 2}).ok() ? 0 : 1;
}
