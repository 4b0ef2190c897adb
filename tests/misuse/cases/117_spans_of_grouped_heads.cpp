// sentence: lacuna::summarised: a span asks its keys with its own queries, and there are fewer key heads than heads (leave kv_heads out)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::summarised<lc::doubling_blocks>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::kv_heads<1>, lc::causal, lc::summarised<lc::doubling_blocks>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
