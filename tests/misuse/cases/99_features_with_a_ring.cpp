// sentence: lacuna::attention: a feature map keeps a state in place of a cache (leave the cache out, or use a dot product with it)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::favor<8>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::favor<8>, lc::ring_cache<8>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
