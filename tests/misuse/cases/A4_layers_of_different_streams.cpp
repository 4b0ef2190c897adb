// sentence: lacuna::paged_cache: layers keep different numbers of streams apart (give every attention a paged_cache with the same streams, and leave out layers with another state)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using paged = lc::attention<lc::heads<2>, lc::causal, lc::paged_cache<256, lc::streams{4}>>;
#if defined(CORRECTED)
using other = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::window<16>>, lc::paged_cache<256, lc::streams{4}>>;
#else
using other = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::window<16>>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<100>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, paged, other, lc::ffn<lc::hidden<8>, lc::relu>>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
