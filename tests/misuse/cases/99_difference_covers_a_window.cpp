// sentence: lacuna::difference: features cover causal or full (name one of the two, or leave the second argument out)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::window<4>>, lc::difference<lc::favor<8>, lc::full>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::window<4>>, lc::difference<lc::favor<8>, lc::window<4>>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
