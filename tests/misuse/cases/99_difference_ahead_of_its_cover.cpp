// sentence: lacuna::difference: the route shows keys ahead, which features of the past do not cover (let them cover full, or combine the route with causal)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::window<4>, lc::difference<lc::favor<8>>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::window<4>, lc::difference<lc::favor<8>, lc::causal>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
