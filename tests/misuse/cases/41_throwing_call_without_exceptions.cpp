// sentence: lacuna::error: this call throws, and exceptions are off (use the try_ form, which returns the error)
// flags: -fno-exceptions
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using block = lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>, lc::ffn<lc::hidden<32>, lc::relu>>;
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, block>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
#if defined(CORRECTED)
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
#else
  return model.forward({prompt, 2})(0, 0) > 0 ? 0 : 1;
#endif
}
