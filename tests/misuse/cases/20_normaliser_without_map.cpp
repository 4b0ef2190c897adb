// sentence: lacuna::normaliser: the policy offers neither map and map_derivative alone nor with them all of reweigh's or of term's functions (derive it from lacuna::softmax and redefine map and map_derivative)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
struct my_softmax : lc::softmax {};
#else
struct my_softmax {
  using slot = lc::slots::normaliser;
};
#endif
using tiny = lc::decoder<
    lc::vocabulary<32>, lc::width<16>, lc::context<16>,
    lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal, my_softmax>>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
