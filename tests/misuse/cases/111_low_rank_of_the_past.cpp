// sentence: lacuna::low_rank: each mixed row is made of all tokens, so that no route can hide one (use full with it, or tokens with this route)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::full, lc::low_rank<4>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::low_rank<4>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
