// sentence: lacuna::attention: a source adds keys to a dot product over a route with spans (leave out the feature map, or the route that is decided by its keys, or use tokens with it)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::learned_sinks<>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::top_k<4>, lc::learned_sinks<>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
