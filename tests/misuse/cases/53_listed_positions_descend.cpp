// sentence: lacuna::listed: the positions do not ascend (write each once, the smallest first)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::columns<lc::listed<0, 5>>>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::columns<lc::listed<5, 0>>>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
