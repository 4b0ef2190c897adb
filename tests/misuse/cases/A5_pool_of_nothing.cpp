// sentence: lacuna::paged_cache: a pool of 0 positions, or for 0 streams (write paged_cache<4096, streams{8}>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::paged_cache<256, lc::streams{4}>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::paged_cache<256, lc::streams{0}>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<100>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
