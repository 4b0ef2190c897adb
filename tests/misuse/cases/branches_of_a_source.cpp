// sentence: lacuna::branches: a source in place of tokens, or projections with a schedule of their own, have no branches (use tokens and separate_projections with branches)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::branches<lc::both<lc::causal, lc::window<3>>, lc::causal>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::branches<lc::both<lc::causal, lc::window<3>>, lc::causal>, lc::learned_sinks<2>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny, lc::chunk<16>> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
