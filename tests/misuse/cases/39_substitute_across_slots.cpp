// sentence: lacuna::substitute: the replacement fills another slot (replace a policy by one of the same slot)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using block = lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>, lc::ffn<lc::hidden<32>, lc::relu>>;
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, block>>;
#if defined(CORRECTED)
using variant = lc::substitute<tiny, lc::relu, lc::silu>;
#else
using variant = lc::substitute<tiny, lc::relu, lc::window<4>>;
#endif

int main() {
  lc::model<variant> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
