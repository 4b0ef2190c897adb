// sentence: lacuna::summarised: its spans hold the whole past, so that no route can hide some of it or show more (use causal with it, or tokens with this route)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::summarised<lc::segments<4>>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::window<4>, lc::summarised<lc::segments<4>>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
