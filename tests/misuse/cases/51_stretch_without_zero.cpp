// sentence: lacuna::clipped_softmax: the stretch does not hold 0 and 1 (write stretch{low, high} with low <= 0 and high >= 1)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::clipped_softmax<lc::stretch{-0.1f, 1.f}>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::clipped_softmax<lc::stretch{0.1f, 1.f}>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
