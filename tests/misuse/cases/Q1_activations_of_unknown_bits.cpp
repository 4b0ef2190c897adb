// sentence: lacuna::activations: activations of that many bits are not known (write activations<8>, or leave them in numbers)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using format = lc::quantized<8, lc::activations<8>>;
#else
using format = lc::quantized<8, lc::activations<4>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu, format>>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
