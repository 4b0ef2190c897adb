// sentence: lacuna::rope: the head width is odd, and a rotation needs pairs (choose heads so that width / heads is even)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<8>, lc::causal, lc::rope<>>;
#else
using mixer = lc::attention<lc::heads<16>, lc::causal, lc::rope<>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer, lc::ffn<lc::hidden<32>, lc::relu>>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
