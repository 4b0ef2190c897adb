// sentence: lacuna::score: the policy does not offer scale and is_dot = true (derive it from lacuna::dot and redefine scale)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
struct unscaled : lc::dot {
  static constexpr double scale(lc::extent_t) { return 1; }
};
#else
struct unscaled {
  using slot = lc::slots::score;
};
#endif
using tiny = lc::decoder<
    lc::vocabulary<32>, lc::width<16>, lc::context<16>,
    lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal, unscaled>>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
