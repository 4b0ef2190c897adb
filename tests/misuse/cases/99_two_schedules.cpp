// sentence: lacuna::attention: the source needs a schedule of its own, and so do the projections or the score (leave the source out, or use separate_projections and dot with it)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

struct mine {
  using slot = lc::slots::source;
  static constexpr auto name = lc::fixed_string("mine");
  template <class Shape, class Parts>
  using schedule = lc::planned_tiles<Shape, Parts>;
};

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::causal, mine>;
#else
using mixer = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::window<4>>, mine, lc::class_projections<lc::leading<1>>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
