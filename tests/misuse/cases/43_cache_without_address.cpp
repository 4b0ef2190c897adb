// sentence: lacuna::cache: the policy does not offer blocks and address (derive it from lacuna::linear_cache and redefine both)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
struct my_cache : lc::linear_cache {};
#else
struct my_cache {
  using slot = lc::slots::cache;
  static constexpr lc::extent_t blocks(lc::extent_t context) { return context; }
};
#endif
using tiny = lc::decoder<
    lc::vocabulary<32>, lc::width<16>, lc::context<16>,
    lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal, my_cache>>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
