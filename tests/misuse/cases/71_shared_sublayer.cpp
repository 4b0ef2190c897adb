// sentence: lacuna::shared: only a block can be applied many times (wrap sublayers in pre_norm<...>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using neurons = lc::ffn<lc::hidden<32>, lc::relu>;
#if defined(CORRECTED)
using body = lc::shared<2, lc::pre_norm<lc::rms_norm<>, neurons>>;
#else
using body = lc::pre_norm<lc::rms_norm<>, lc::shared<2, neurons>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, body>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
