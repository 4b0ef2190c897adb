// sentence: lacuna::difference: the cache keeps pages or counts positions itself (use linear_cache, or a ring with ring_positions::of_the_text)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using near = lc::both<lc::causal, lc::window<4>>;
#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, near, lc::difference<lc::favor<8>>>;
#else
using mixer = lc::attention<lc::heads<2>, near, lc::difference<lc::favor<8>>, lc::paged_cache<64>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::pre_norm<lc::rms_norm<>, mixer>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
