// sentence: lacuna::norm: the policy has no bound<Width> (write template <lacuna::extent_t Width> struct bound with parameters, memory, forward and backward)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
struct my_norm : lc::rms_norm<> {};
#else
struct my_norm {
  using slot = lc::slots::norm;
  static constexpr auto name = lc::fixed_string("my_norm");
};
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<my_norm, lc::ffn<lc::hidden<32>, lc::relu>>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
