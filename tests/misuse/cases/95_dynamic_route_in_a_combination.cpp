// sentence: lacuna::route: a combination is made of routes with spans, and one of these is decided by its keys (put the others inside it, as in top_k<8, both<...>>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::top_k<3, lc::both<lc::causal, lc::window<9>>>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::top_k<3>>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
