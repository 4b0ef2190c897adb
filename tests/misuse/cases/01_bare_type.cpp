// sentence: lacuna::recipe: an argument is not a policy (write a policy such as heads<8>, not a bare type)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::causal>;
#else
using mixer = lc::attention<lc::heads<2>, lc::causal, int>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer, lc::ffn<lc::hidden<32>, lc::relu>>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
