// sentence: lacuna::balanced_k_means: within a cluster there is no distance to add a bias for (use rope<> or no position with it, or another route with this position)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::balanced_k_means<4, lc::members{4}>, lc::rope<>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::balanced_k_means<4, lc::members{4}>, lc::alibi>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::allow_selection_leak, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny, lc::chunk<16>> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
