// sentence: lacuna::position: the policy has no on_projections<HeadWidth, Context> (see lacuna::rope for what an attention position offers)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
struct my_position : lc::rope<> {};
#else
struct my_position {
  using slot = lc::slots::position;
};
#endif
using tiny = lc::decoder<
    lc::vocabulary<32>, lc::width<16>, lc::context<16>,
    lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal, my_position>>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
