// sentence: lacuna::balanced_k_means: no clusters, no members, or an offset below 0 (write balanced_k_means<16, members{64}>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::balanced_k_means<4, lc::members{4}>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::balanced_k_means<4, lc::members{0}>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::allow_selection_leak, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny, lc::chunk<16>> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
