// sentence: lacuna::activation: the policy with bound<Width> does not say whether it preserves zero (write a constant preserves_zero, false where a silent neuron does not stay silent)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

struct neurons {
  using slot = lc::slots::activation;
  static constexpr auto name = lc::fixed_string("neurons");
#if defined(CORRECTED)
  static constexpr bool preserves_zero = true;
#endif
  template <lc::extent_t Width>
  struct bound : lc::applied_activation<lc::relu, Width> {};
};
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, neurons>>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
