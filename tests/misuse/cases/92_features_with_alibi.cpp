// sentence: lacuna::attention: a feature map has no score to add a bias to (use rope<> or no position with it, or a dot product with this position)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::favor<8>, lc::rope<>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::favor<8>, lc::alibi>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
