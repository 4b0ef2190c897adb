// sentence: lacuna::position: the policy has no bound<Width, Context> (see lacuna::learned_position for what an embedding position offers)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using block = lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>, lc::ffn<lc::hidden<32>, lc::relu>>;
#if defined(CORRECTED)
struct my_position : lc::learned_position {};
#else
struct my_position {
  using slot = lc::slots::embedding_position;
};
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, my_position, block>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
