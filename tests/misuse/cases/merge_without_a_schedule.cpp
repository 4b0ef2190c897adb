// sentence: lacuna::merge: the policy has no schedule (write template <class Shape, class Parts> using schedule = ..., or use fold or mean_outputs)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

struct mine {
  using slot = lc::slots::merge;
  static constexpr auto name = lc::fixed_string("mine");
#if defined(CORRECTED)
  template <class Shape, class Parts>
  using schedule = lc::mean_outputs::schedule<Shape, Parts>;
#endif
};
using mixer = lc::attention<lc::heads<2>, lc::branches<lc::both<lc::causal, lc::window<3>>, lc::causal>, mine>;
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny, lc::chunk<16>> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
