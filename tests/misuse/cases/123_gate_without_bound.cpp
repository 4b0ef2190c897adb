// sentence: lacuna::gate: the policy has no bound<Shape> (see lacuna::sigmoid_gate for what a gate offers)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
struct my_gate : lc::sigmoid_gate<> {};
#else
struct my_gate {
  using slot = lc::slots::gate;
  static constexpr auto name = lc::fixed_string("my_gate");
};
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal, my_gate>>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
