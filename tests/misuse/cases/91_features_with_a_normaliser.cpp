// sentence: lacuna::attention: a feature map brings its own weights (leave the normaliser out, or use a dot product with it)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using route = lc::branches<lc::causal, lc::branch<lc::causal, lc::favor<8>>>;
using mixer = lc::attention<lc::heads<2>, route, lc::mean_outputs>;
#else
using route = lc::branches<lc::causal, lc::branch<lc::causal, lc::favor<8>>>;
using mixer = lc::attention<lc::heads<2>, route, lc::mean_outputs, lc::softmax1>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
