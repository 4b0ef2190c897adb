// sentence: lacuna::attention: what a source adds to the keys has no distance to a row (use rope<> or no position, and a score without a penalty, or tokens with these)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::rope<>, lc::learned_sinks<>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::alibi, lc::learned_sinks<>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
