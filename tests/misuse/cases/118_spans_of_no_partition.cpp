// sentence: lacuna::summarised: its argument does not cut the past into spans (write summarised<segments<16>> or summarised<doubling_blocks>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::summarised<lc::doubling_blocks>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::summarised<lc::causal>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
