// sentence: lacuna::sigmoid_gate: the openness is not between 0 and 1 (write openness{0.25f})
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::sigmoid_gate<lc::openness{0.5f}>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::sigmoid_gate<lc::openness{1.0f}>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<100>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
