// sentence: lacuna::balanced_k_means: within a cluster other routes than causal and full are not offered (choose one of them, or k_means with this route)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::k_means<4, lc::window<3>>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::balanced_k_means<4, lc::members{4}, lc::window<3>>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny, lc::chunk<16>> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
