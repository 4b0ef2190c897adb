// sentence: lacuna::attention: a feature map has no scores, and the route chooses keys by them (use a route with spans with it, or a dot product with this route)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::window<4>>, lc::favor<8>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::top_k<4>, lc::favor<8>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
