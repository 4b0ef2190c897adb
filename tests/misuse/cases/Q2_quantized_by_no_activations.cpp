// sentence: lacuna::quantized: the second argument does not say how activations are taken (write quantized<8, activations<8>>, or quantized<8>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using format = lc::quantized<8, lc::activations<8>>;
#else
using format = lc::quantized<8, lc::bias>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, format>>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
